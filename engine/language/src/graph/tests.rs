use indexmap::IndexMap;

use super::*;
use crate::model::{
    Catcher, Condition, Fail, Map, MapMode, Parallel, Pass, PathField, QueryLanguage, Resource,
    ResultPath, Rule, StateName, Task, Wait, WaitDuration,
};

const ROOT: u32 = 0;

/// A machine of states (name, scope, kind) and scopes (first state, owner); both numbered as given.
fn machine(states: Vec<(&str, u32, StateKind)>, scopes: &[(u32, Option<u32>)]) -> StateMachine {
    let ids = |scope: u32| {
        let in_scope = states
            .iter()
            .zip(0..)
            .filter(move |((_, of, _), _)| *of == scope);
        in_scope.map(|(_, id)| StateId(id)).collect()
    };
    let scopes = scopes
        .iter()
        .zip(0..)
        .map(|((start_at, owner), id)| Scope {
            start_at: StateId(*start_at),
            owner: owner.map(StateId),
            states: ids(id),
            location: String::new(),
        })
        .collect();
    let states: IndexMap<StateName, State> = states
        .into_iter()
        .zip(0..)
        .map(|((name, scope, kind), id)| {
            let name = StateName::parse(name).unwrap();
            let state = State {
                id: StateId(id),
                name: name.clone(),
                scope: ScopeId(scope),
                comment: None,
                query_language: QueryLanguage::default(),
                data_flow: crate::model::DataFlow::default(),
                kind,
            };
            (name, state)
        })
        .collect();
    StateMachine {
        comment: None,
        query_language: QueryLanguage::default(),
        timeout_seconds: None,
        scopes,
        states,
    }
}

fn next(id: u32) -> Transition {
    Transition::Next(StateId(id))
}

fn pass(transition: Transition) -> StateKind {
    StateKind::Pass(Pass {
        result: None,
        transition,
    })
}

fn rule(condition: Condition, next: u32) -> Rule {
    Rule {
        condition,
        next: StateId(next),
        assign: None,
        output: None,
        comment: None,
    }
}

fn choice(rules: Vec<Rule>, default: Option<u32>) -> StateKind {
    StateKind::Choice(Choice {
        rules,
        default: default.map(StateId),
    })
}

fn catcher(errors: &[&str], next: u32) -> Catcher {
    Catcher {
        error_equals: errors.iter().map(|name| Arc::from(*name)).collect(),
        next: StateId(next),
        result_path: ResultPath::default(),
        output: None,
        assign: None,
        comment: None,
    }
}

/// Every state type, a cycle, a Parallel state with two branches, and a Map state in one of them.
fn example() -> StateMachine {
    let task = StateKind::Task(Box::new(Task {
        resource: Resource::parse("arn:aws:states:::sqs:sendMessage").unwrap(),
        timeout_seconds: None,
        heartbeat_seconds: None,
        credentials: None,
        retry: vec![],
        catch: vec![
            catcher(&["States.Timeout", "Odd \"error\""], 2),
            catcher(&["States.ALL"], 7),
        ],
        transition: next(1),
    }));
    let wait = StateKind::Wait(Wait {
        duration: WaitDuration::Seconds(5),
        transition: next(0),
    });
    let parallel = StateKind::Parallel(Parallel {
        branches: vec![ScopeId(1), ScopeId(2)],
        retry: vec![],
        catch: vec![catcher(&["States.ALL"], 7)],
        transition: next(6),
    });
    let map = StateKind::Map(Box::new(Map {
        processor: ScopeId(3),
        mode: MapMode::Inline,
        items_path: PathField::default(),
        items: None,
        item_selector: None,
        max_concurrency: None,
        retry: vec![],
        catch: vec![],
        transition: Transition::End,
    }));
    let condition = Condition::And(vec![Condition::Constant(true), Condition::Constant(false)]);
    machine(
        vec![
            ("Send \"it\"", ROOT, task),
            (
                "Sent?",
                ROOT,
                choice(
                    vec![rule(condition, 2), rule(Condition::Constant(false), 1)],
                    Some(3),
                ),
            ),
            ("Wait; <b>", ROOT, wait),
            ("Both", ROOT, parallel),
            ("Left", 1, pass(Transition::End)),
            ("Items", 2, map),
            ("Done", ROOT, StateKind::Succeed),
            ("Failed", ROOT, StateKind::Fail(Fail::default())),
            ("1. item", 3, pass(Transition::End)),
            ("Nobody's", ROOT, pass(next(6))),
        ],
        &[(0, None), (4, Some(3)), (5, Some(3)), (8, Some(5))],
    )
}

fn ids(numbers: &[u32]) -> Vec<StateId> {
    numbers.iter().copied().map(StateId).collect()
}

#[test]
fn each_scope_reaches_its_own_states() {
    let machine = example();
    let graph = StateGraph::new(&machine);
    let reachable = |scope| {
        graph
            .reachable(ScopeId(scope))
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(reachable(0), ids(&[0, 1, 2, 3, 6, 7]));
    assert_eq!(reachable(1), ids(&[4]));
    assert_eq!(reachable(2), ids(&[5]));
    assert_eq!(reachable(3), ids(&[8]));
}

#[test]
fn states_that_nothing_reaches_are_listed_in_document_order() {
    let machine = example();
    let graph = StateGraph::new(&machine);
    let names: Vec<&str> = graph
        .unreachable_states()
        .map(|state| state.name.as_str())
        .collect();
    assert_eq!(names, ["Nobody's"]);
}

#[test]
fn a_branch_of_an_unreachable_state_is_judged_from_its_own_start() {
    let branch = |transition| {
        StateKind::Parallel(Parallel {
            branches: vec![ScopeId(1)],
            retry: vec![],
            catch: vec![],
            transition,
        })
    };
    let machine = machine(
        vec![
            ("A", ROOT, StateKind::Succeed),
            ("Lost", ROOT, branch(Transition::End)),
            ("Inside", 1, StateKind::Succeed),
            ("Lost inside", 1, StateKind::Succeed),
        ],
        &[(0, None), (2, Some(1))],
    );
    let graph = StateGraph::new(&machine);
    let names: Vec<&str> = graph
        .unreachable_states()
        .map(|state| state.name.as_str())
        .collect();
    assert_eq!(names, ["Lost", "Lost inside"]);
}

#[test]
fn cycles_are_found_even_those_of_one_state() {
    let machine = example();
    let graph = StateGraph::new(&machine);
    assert!(graph.has_cycle());
    assert_eq!(graph.cycles(), [ids(&[0, 1, 2])]);

    let straight = self::machine(
        vec![("A", ROOT, pass(next(1))), ("B", ROOT, StateKind::Succeed)],
        &[(0, None)],
    );
    assert!(!StateGraph::new(&straight).has_cycle());

    let own = self::machine(vec![("A", ROOT, pass(next(0)))], &[(0, None)]);
    assert_eq!(StateGraph::new(&own).cycles(), [ids(&[0])]);
}

#[test]
fn edges_come_in_the_order_of_the_definition_with_their_reasons() {
    let machine = example();
    let graph = StateGraph::new(&machine);
    let edges = |id| {
        let edges = graph.edges_from(Node::State(StateId(id)));
        edges
            .map(|(edge, to)| (edge.label().unwrap_or_default(), to))
            .collect::<Vec<_>>()
    };
    let state = |id| Node::State(StateId(id));
    assert_eq!(
        edges(1),
        [
            ("true and false".to_owned(), state(2)),
            ("false".to_owned(), state(1)),
            ("Default".to_owned(), state(3)),
        ]
    );
    assert_eq!(
        edges(3),
        [
            ("branch 1".to_owned(), Node::Start(ScopeId(1))),
            ("branch 2".to_owned(), Node::Start(ScopeId(2))),
            (String::new(), state(6)),
            ("Catch States.ALL".to_owned(), state(7)),
        ]
    );
    assert_eq!(edges(6), [(String::new(), Node::End(ScopeId::ROOT))]);
}

#[test]
fn a_mermaid_flowchart_has_subgraphs() {
    insta::assert_snapshot!(StateGraph::new(&example()).mermaid());
}

#[test]
fn a_dot_graph_has_clusters() {
    insta::assert_snapshot!(StateGraph::new(&example()).dot());
}

#[test]
fn a_chain_of_100_000_states_needs_no_stack() {
    let last = 100_000;
    let names: Vec<String> = (0..=last).map(|id| format!("S{id}")).collect();
    let states = names
        .iter()
        .zip(0..)
        .map(|(name, id)| {
            (
                name.as_str(),
                ROOT,
                pass(next(if id == last { 0 } else { id + 1 })),
            )
        })
        .collect();
    let machine = machine(states, &[(0, None)]);
    let graph = StateGraph::new(&machine);
    assert_eq!(graph.cycles().len(), 1);
    assert_eq!(graph.unreachable_states().count(), 0);
    assert_eq!(graph.reachable(ScopeId::ROOT).len(), 100_001);
    assert!(graph.mermaid().len() > 1_000_000);
}
