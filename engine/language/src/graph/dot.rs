//! Graphviz: a digraph with a cluster for each branch and processor.

use std::fmt::Write;

use super::{Node, StateGraph, owned_scopes};
use crate::model::{ScopeId, State, StateKind};

/// Renders `graph`. Names stand in quoted labels only; identifiers are numbers.
pub(super) fn render(graph: &StateGraph<'_>) -> String {
    let mut text = String::from(
        "digraph StateMachine {\n  graph [fontname=\"sans-serif\"]\n  node [fontname=\"sans-serif\", \
         shape=box, style=rounded]\n  edge [fontname=\"sans-serif\", fontsize=10]\n",
    );
    scope(&mut text, graph, ScopeId::ROOT, 1);
    for index in graph.as_petgraph().node_indices() {
        edges(&mut text, graph, graph.as_petgraph()[index]);
    }
    text.push_str("}\n");
    text
}

fn scope(text: &mut String, graph: &StateGraph<'_>, id: ScopeId, depth: usize) {
    let indent = "  ".repeat(depth);
    let (start, end) = (Node::Start(id).identifier(), Node::End(id).identifier());
    let _ = writeln!(
        text,
        "{indent}{start} [label=\"\", shape=circle, style=filled, width=0.2]"
    );
    for state_id in &graph.scope(id).states {
        let state = graph.machine().state(*state_id);
        let _ = writeln!(text, "{indent}{}", node(state));
        for (inner, title) in owned_scopes(state) {
            let _ = writeln!(text, "{indent}subgraph cluster_{} {{", inner.0);
            let _ = writeln!(text, "{indent}  label=\"{}\"", escape(&title));
            scope(text, graph, inner, depth + 1);
            let _ = writeln!(text, "{indent}}}");
        }
    }
    let _ = writeln!(
        text,
        "{indent}{end} [label=\"\", shape=doublecircle, style=filled, width=0.2]"
    );
}

fn node(state: &State) -> String {
    let shape = match &state.kind {
        StateKind::Choice(_) => ", shape=diamond, style=solid",
        StateKind::Wait(_) => ", shape=oval, style=solid",
        StateKind::Parallel(_) | StateKind::Map(_) => ", peripheries=2",
        StateKind::Task(_) | StateKind::Pass(_) | StateKind::Succeed | StateKind::Fail(_) => "",
    };
    format!(
        "{} [label=\"{}\"{shape}]",
        Node::State(state.id).identifier(),
        escape(&state.name)
    )
}

fn edges(text: &mut String, graph: &StateGraph<'_>, from: Node) {
    for (edge, to) in graph.edges_from(from) {
        let mut attributes = Vec::new();
        if let Some(label) = edge.label() {
            attributes.push(format!("label=\"{}\"", escape(&label)));
        }
        if edge.is_dashed() {
            attributes.push("style=dashed".into());
        }
        let _ = write!(text, "  {} -> {}", from.identifier(), to.identifier());
        if !attributes.is_empty() {
            let _ = write!(text, " [{}]", attributes.join(", "));
        }
        text.push('\n');
    }
}

/// `text` for a quoted label: backslashes would be escapes of Graphviz, and an ampersand would
/// start an HTML entity.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '&' => escaped.push_str("&amp;"),
            control if control.is_control() => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_inside_their_quotes() {
        assert_eq!(
            escape("a\"]; b\\N &lt; \u{0}\nc"),
            "a\\\"]; b\\\\N &amp;lt;   c"
        );
    }
}
