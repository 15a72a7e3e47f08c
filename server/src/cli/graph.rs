//! `asl graph`: a definition as a picture.

use std::path::PathBuf;

use clap::ValueEnum;
use stepwell::language::graph::StateGraph;
use stepwell::language::model::ExecutionType;
use stepwell::language::parse::parse;

use super::definition::Definition;
use super::{Exit, Problem, output};

const EXAMPLES: &str = "\
Examples:
  asl graph order.asl.json
  asl graph order.asl.json --format dot | dot -Tsvg > order.svg

Exit codes:
  0  the graph was printed
  2  the file could not be read, or its definition has errors";

/// Print the state graph of a definition.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The definition; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// In which language the graph is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// Mermaid, which Markdown viewers draw.
    #[default]
    Mermaid,
    /// Graphviz.
    Dot,
}

/// Runs the command.
pub(super) fn graph(arguments: &Arguments) -> Result<Exit, Problem> {
    let definition = Definition::read(&arguments.file)?;
    match parse(&definition.text, ExecutionType::Standard).into_result() {
        Ok(machine) => {
            let graph = StateGraph::new(&machine);
            let mut text = match arguments.format {
                Format::Mermaid => graph.mermaid(),
                Format::Dot => graph.dot(),
            };
            if !text.ends_with('\n') {
                text.push('\n');
            }
            output::result(&text)?;
            Ok(Exit::Success)
        }
        Err(diagnostics) => {
            output::note(&definition.render(&diagnostics, output::colours_notes()));
            Ok(Exit::CouldNotRun)
        }
    }
}
