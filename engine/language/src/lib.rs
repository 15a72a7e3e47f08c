//! The Amazon States Language: text in, model and diagnostics out.
//!
//! [`parse`](parse::parse) reads a definition and returns what it understood, a
//! [`StateMachine`](model::StateMachine), together with every [`Diagnostic`](diagnostic::Diagnostic);
//! it never fails. Nothing here runs anything: there is no clock, no file, no thread.

pub mod source;
pub mod json;
pub mod model;
pub mod expression;
pub mod timestamp;
pub mod graph;
pub mod diagnostic;
pub mod parse;
