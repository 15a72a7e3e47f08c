//! Mermaid: a flowchart with a subgraph for each branch and processor.
//!
//! Not `stateDiagram-v2`, which has no edges into the inside of another state.

use std::fmt::Write;

use super::{Node, StateGraph, owned_scopes};
use crate::model::{ScopeId, State, StateKind};

/// Renders `graph`. Names stand in quoted labels only; identifiers are numbers.
pub(super) fn render(graph: &StateGraph<'_>) -> String {
    let mut text = String::from("flowchart TD\n");
    scope(&mut text, graph, ScopeId::ROOT, 1);
    for index in graph.as_petgraph().node_indices() {
        edges(&mut text, graph, graph.as_petgraph()[index]);
    }
    text
}

fn scope(text: &mut String, graph: &StateGraph<'_>, id: ScopeId, depth: usize) {
    let indent = "  ".repeat(depth);
    let (start, end) = (Node::Start(id).identifier(), Node::End(id).identifier());
    let _ = writeln!(text, "{indent}{start}((\" \"))");
    for state_id in &graph.scope(id).states {
        let state = graph.machine().state(*state_id);
        let _ = writeln!(text, "{indent}{}", node(state));
        for (inner, title) in owned_scopes(state) {
            let _ = writeln!(
                text,
                "{indent}subgraph scope{}[\"{}\"]",
                inner.0,
                escape(&title)
            );
            scope(text, graph, inner, depth + 1);
            let _ = writeln!(text, "{indent}end");
        }
    }
    let _ = writeln!(text, "{indent}{end}(((\" \")))");
}

fn node(state: &State) -> String {
    let identifier = Node::State(state.id).identifier();
    let name = escape(&state.name);
    match &state.kind {
        StateKind::Choice(_) => format!("{identifier}{{\"{name}\"}}"),
        StateKind::Wait(_) => format!("{identifier}([\"{name}\"])"),
        StateKind::Parallel(_) | StateKind::Map(_) => format!("{identifier}[[\"{name}\"]]"),
        StateKind::Task(_) | StateKind::Pass(_) | StateKind::Succeed | StateKind::Fail(_) => {
            format!("{identifier}[\"{name}\"]")
        }
    }
}

fn edges(text: &mut String, graph: &StateGraph<'_>, from: Node) {
    for (edge, to) in graph.edges_from(from) {
        let arrow = if edge.is_dashed() { "-.->" } else { "-->" };
        let label = edge
            .label()
            .map(|label| format!("|\"{}\"|", escape(&label)));
        let (from, to) = (from.identifier(), to.identifier());
        let _ = writeln!(text, "  {from} {arrow}{} {to}", label.unwrap_or_default());
    }
}

/// `text` with everything that Mermaid, its Markdown or HTML might read as more than a character
/// written as `#code;`. The list markers that Markdown knows count only at the beginning.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut may_be_marker = true;
    for character in text.chars() {
        let is_plain = match character {
            ' ' | ',' | '=' | '$' | '?' | '!' | '/' | '\'' | '(' | '[' | ']' | '_' => true,
            '.' | ')' | '-' | '+' | ':' => !may_be_marker,
            other => other.is_alphanumeric(),
        };
        may_be_marker &= character.is_numeric() || character == ' ';
        if is_plain {
            escaped.push(character);
        } else if character.is_control() {
            escaped.push(' ');
        } else {
            let _ = write!(escaped, "#{};", u32::from(character));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(escape(text), expected);
    }

    #[test]
    fn ordinary_names_stay_readable() {
        check("Charge card (2)", "Charge card (2)");
        check("$.total = 5", "$.total = 5");
        check("größe_1", "größe_1");
    }

    #[test]
    fn characters_with_a_meaning_are_written_as_codes() {
        check(
            r#""a" #b; <c> & `d`"#,
            "#34;a#34; #35;b#59; #60;c#62; #38; #96;d#96;",
        );
        check("a\n%%b{|}*\\", "a #37;#37;b#123;#124;#125;#42;#92;");
        check("1. one", "1#46; one");
        check("- one-two", "#45; one-two");
        check("😀", "#128512;");
    }
}
