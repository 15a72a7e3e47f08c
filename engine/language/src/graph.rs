//! A state machine as a graph: what can reach what, where the cycles are, and pictures of it.
//!
//! The nodes of a [`StateGraph`] are the states and, for each `States` map, a start and an end.
//! Its edges say why one follows another. Branches and processors hang off their Parallel or Map
//! state; their ends lead nowhere, since going on is the business of that state.

use std::collections::BTreeSet;
use std::sync::Arc;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef};

use crate::model::{Choice, Scope, ScopeId, State, StateId, StateKind, StateMachine, Transition};

mod label;
mod mermaid;
mod dot;

#[cfg(test)]
mod tests;

/// A node of a [`StateGraph`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Node {
    /// Where a scope starts.
    Start(ScopeId),
    /// A state.
    State(StateId),
    /// Where a scope ends, in success or failure.
    End(ScopeId),
}

/// Why one node follows another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Edge {
    /// `StartAt`.
    StartAt,
    /// `Next`.
    Next,
    /// `End`, Succeed or Fail.
    End,
    /// A rule of a Choice state.
    Rule {
        /// Its place in `Choices`, from 0.
        index: usize,
        /// Its condition, short enough to read: `$.total >= 100`.
        condition: String,
    },
    /// `Default`.
    Default,
    /// An element of `Catch`.
    Catch {
        /// The error names it answers to.
        error_equals: Vec<Arc<str>>,
    },
    /// A Parallel state starts a branch.
    Branch {
        /// Its place in `Branches`, from 0.
        index: usize,
    },
    /// A Map state starts an iteration.
    Iteration,
}

/// A state machine as a graph. [`Self::new`] builds it once; everything else only looks.
#[derive(Debug)]
pub struct StateGraph<'machine> {
    machine: &'machine StateMachine,
    graph: DiGraph<Node, Edge>,
}

impl<'machine> StateGraph<'machine> {
    /// The graph of `machine`.
    pub fn new(machine: &'machine StateMachine) -> Self {
        let mut graph = DiGraph::new();
        // States come first, so that a state's id is its index.
        for state in machine.states.values() {
            graph.add_node(Node::State(state.id));
        }
        for scope in (0..).map(ScopeId).take(machine.scopes.len()) {
            graph.add_node(Node::Start(scope));
            graph.add_node(Node::End(scope));
        }
        let mut this = Self { machine, graph };
        for (scope, id) in machine.scopes.iter().zip((0..).map(ScopeId)) {
            this.connect(Node::Start(id), Node::State(scope.start_at), Edge::StartAt);
        }
        for state in machine.states.values() {
            this.connect_state(state);
        }
        this
    }

    /// The state machine this is the graph of.
    pub fn machine(&self) -> &'machine StateMachine {
        self.machine
    }

    /// The petgraph itself, for algorithms that are not offered here.
    pub fn as_petgraph(&self) -> &DiGraph<Node, Edge> {
        &self.graph
    }

    /// What leaves `node`, in the order the definition gives.
    pub fn edges_from(&self, node: Node) -> impl Iterator<Item = (&Edge, Node)> {
        // Petgraph lists the newest edge first.
        let mut edges: Vec<_> = self.graph.edges(self.index(node)).collect();
        edges.sort_by_key(EdgeRef::id);
        edges
            .into_iter()
            .map(|edge| (edge.weight(), self.graph[edge.target()]))
    }

    /// The states of `scope` that its start reaches, without those inside their branches and
    /// processors.
    pub fn reachable(&self, scope: ScopeId) -> BTreeSet<StateId> {
        let mut search = Dfs::new(&self.graph, self.index(Node::Start(scope)));
        let mut found = BTreeSet::new();
        while let Some(index) = search.next(&self.graph) {
            if let Node::State(id) = self.graph[index]
                && self.machine.state(id).scope == scope
            {
                found.insert(id);
            }
        }
        found
    }

    /// The states that no path from the start of their own scope reaches, in document order.
    pub fn unreachable_states(&self) -> impl Iterator<Item = &'machine State> {
        // No edge leads into a scope but from its owner to its start, so one search from all
        // starts finds what each of them would find in its scope.
        let mut search = Dfs::empty(&self.graph);
        for scope in (0..).map(ScopeId).take(self.machine.scopes.len()) {
            search.move_to(self.index(Node::Start(scope)));
            while search.next(&self.graph).is_some() {}
        }
        let machine = self.machine;
        let is_lost =
            move |state: &&State| !search.discovered[self.index(Node::State(state.id)).index()];
        machine.states.values().filter(is_lost)
    }

    /// Whether some state can come again.
    pub fn has_cycle(&self) -> bool {
        !self.cycles().is_empty()
    }

    /// The groups of states that can all reach each other and themselves, each in document order.
    pub fn cycles(&self) -> Vec<Vec<StateId>> {
        // Not `tarjan_scc` or `is_cyclic_directed`: they recurse as deep as the longest path.
        let mut cycles: Vec<Vec<StateId>> = kosaraju_scc(&self.graph)
            .into_iter()
            .filter(|group| group.len() > 1 || self.graph.contains_edge(group[0], group[0]))
            .map(|group| {
                let mut states: Vec<StateId> = group
                    .into_iter()
                    .filter_map(|index| match self.graph[index] {
                        Node::State(id) => Some(id),
                        Node::Start(_) | Node::End(_) => None,
                    })
                    .collect();
                states.sort();
                states
            })
            .collect();
        cycles.sort();
        cycles
    }

    /// The graph as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        mermaid::render(self)
    }

    /// The graph in Graphviz's DOT language.
    pub fn dot(&self) -> String {
        dot::render(self)
    }

    fn connect_state(&mut self, state: &State) {
        let from = Node::State(state.id);
        match &state.kind {
            StateKind::Choice(choice) => self.connect_choice(from, choice),
            StateKind::Parallel(parallel) => {
                for (index, branch) in parallel.branches.iter().enumerate() {
                    self.connect(from, Node::Start(*branch), Edge::Branch { index });
                }
            }
            StateKind::Map(map) => {
                self.connect(from, Node::Start(map.processor), Edge::Iteration);
            }
            StateKind::Succeed | StateKind::Fail(_) => {
                self.connect(from, Node::End(state.scope), Edge::End);
            }
            StateKind::Task(_) | StateKind::Pass(_) | StateKind::Wait(_) => {}
        }
        match state.kind.transition() {
            Some(Transition::Next(next)) => self.connect(from, Node::State(next), Edge::Next),
            Some(Transition::End) => self.connect(from, Node::End(state.scope), Edge::End),
            None => {}
        }
        for catcher in state.kind.catch() {
            let error_equals = catcher.error_equals.clone();
            self.connect(
                from,
                Node::State(catcher.next),
                Edge::Catch { error_equals },
            );
        }
    }

    fn connect_choice(&mut self, from: Node, choice: &Choice) {
        for (index, rule) in choice.rules.iter().enumerate() {
            let condition = label::condition(&rule.condition);
            self.connect(
                from,
                Node::State(rule.next),
                Edge::Rule { index, condition },
            );
        }
        if let Some(default) = choice.default {
            self.connect(from, Node::State(default), Edge::Default);
        }
    }

    fn connect(&mut self, from: Node, to: Node, edge: Edge) {
        self.graph.add_edge(self.index(from), self.index(to), edge);
    }

    /// Where [`Self::new`] has put a node.
    fn index(&self, node: Node) -> NodeIndex {
        let states = self.machine.states.len();
        NodeIndex::new(match node {
            Node::State(id) => id.0 as usize,
            Node::Start(id) => states + 2 * id.0 as usize,
            Node::End(id) => states + 2 * id.0 as usize + 1,
        })
    }

    fn scope(&self, id: ScopeId) -> &'machine Scope {
        self.machine.scope(id)
    }
}

impl Edge {
    /// What to write beside the edge; `None` for those that need no word.
    pub fn label(&self) -> Option<String> {
        match self {
            Self::StartAt | Self::Next | Self::End => None,
            Self::Rule { condition, .. } => Some(condition.clone()),
            Self::Default => Some("Default".into()),
            Self::Catch { error_equals } => Some(label::catch(error_equals)),
            Self::Branch { index } => Some(format!("branch {}", index + 1)),
            Self::Iteration => Some("each item".into()),
        }
    }

    /// Whether the edge leads away from the ordinary way: a caught error, or into a branch.
    fn is_dashed(&self) -> bool {
        match self {
            Self::Catch { .. } | Self::Branch { .. } | Self::Iteration => true,
            Self::StartAt | Self::Next | Self::End | Self::Rule { .. } | Self::Default => false,
        }
    }
}

impl Node {
    /// A name for the node that every graph language takes unquoted.
    fn identifier(self) -> String {
        match self {
            Self::Start(id) => format!("start{}", id.0),
            Self::State(id) => format!("state{}", id.0),
            Self::End(id) => format!("stop{}", id.0),
        }
    }
}

/// The scopes that a state owns, each with what to call it.
fn owned_scopes(state: &State) -> Vec<(ScopeId, String)> {
    let name = &state.name;
    match &state.kind {
        StateKind::Parallel(parallel) => {
            let branches = parallel.branches.iter().enumerate();
            branches
                .map(|(index, id)| (*id, format!("{name}: branch {}", index + 1)))
                .collect()
        }
        StateKind::Map(map) => vec![(map.processor, format!("{name}: each item"))],
        StateKind::Task(_)
        | StateKind::Pass(_)
        | StateKind::Wait(_)
        | StateKind::Choice(_)
        | StateKind::Succeed
        | StateKind::Fail(_) => Vec::new(),
    }
}
