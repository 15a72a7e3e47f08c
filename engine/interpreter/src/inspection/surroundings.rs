//! What expressions see around a state that is tested: variables and a context object that were
//! given, or made up.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use stepwell_language::json::{Members, Value};
use stepwell_language::model::StateKind;

use crate::data_flow::{ContextMember, Stage, Surroundings};
use crate::payload::Payload;
use crate::state::item_context;
use crate::timestamp::Timestamp;

use super::{StateTest, TestContext};

/// What the made up context object calls the state, whatever its name: so AWS.
const STATE_NAME: &str = "StateName";

/// What the data was seen to become, the last look at each stage.
#[derive(Debug, Default)]
pub(super) struct Seen(RefCell<BTreeMap<Stage, Payload>>);

impl Seen {
    pub(super) fn take(&self) -> BTreeMap<Stage, Payload> {
        self.0.take()
    }
}

/// The surroundings of one look at the state.
pub(super) struct Probe<'a> {
    test: &'a StateTest,
    now: Timestamp,
    /// The item that an iteration is about to start with.
    item: Option<(u64, &'a Value)>,
    execution: OnceCell<Value>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(test: &'a StateTest, now: Timestamp) -> Self {
        Self {
            test,
            now,
            item: None,
            execution: OnceCell::new(),
        }
    }

    /// The same for the iteration over an item.
    pub(super) fn of_item(test: &'a StateTest, now: Timestamp, item: (u64, &'a Value)) -> Self {
        Self {
            item: Some(item),
            ..Self::new(test, now)
        }
    }

    fn made_up(&self, member: ContextMember) -> Option<Value> {
        match member {
            ContextMember::StateMachine => match &self.test.setup.context {
                TestContext::Given(_) => None,
                TestContext::Default {
                    state_machine,
                    state_machine_name,
                    ..
                } => {
                    let members = [("Id", &**state_machine), ("Name", &**state_machine_name)];
                    Some(Members::from(members).into())
                }
            },
            ContextMember::State => Some(self.state_context()),
            ContextMember::Task => {
                Some(Members::from([("Token", self.test.token.as_ref()?)]).into())
            }
            ContextMember::Map => self.map_context(),
        }
    }

    fn state_context(&self) -> Value {
        let state = self.test.tested();
        let entered_at = self.test.entered_at.to_string();
        let mut context = Members::from([("Name", STATE_NAME), ("EnteredTime", &entered_at)]);
        match state.kind {
            StateKind::Task(_) | StateKind::Parallel(_) | StateKind::Map(_) => {
                context.insert("RetryCount", self.test.setup.retries);
            }
            StateKind::Pass(_)
            | StateKind::Wait(_)
            | StateKind::Choice(_)
            | StateKind::Succeed
            | StateKind::Fail(_) => {}
        }
        context.into()
    }

    /// A state inside a Map is tested as of the first iteration, whose item is its input.
    fn map_context(&self) -> Option<Value> {
        if let Some((index, item)) = self.item {
            return Some(item_context(index, item, None));
        }
        let machine = &self.test.machine;
        let mut scope = self.test.tested().scope;
        while let Some(owner) = machine.scope(scope).owner {
            let owner = machine.state(owner);
            if let StateKind::Map(_) = owner.kind {
                return Some(item_context(0, self.test.setup.input.value(), None));
            }
            scope = owner.scope;
        }
        None
    }
}

impl Surroundings for Probe<'_> {
    fn execution(&self) -> Option<&Value> {
        match &self.test.setup.context {
            TestContext::Given(context) => context.get("Execution"),
            TestContext::Default {
                execution,
                name,
                role,
                ..
            } => Some(self.execution.get_or_init(|| {
                Members::from([
                    ("Id", Value::from(&**execution)),
                    ("Input", self.test.setup.input.value().clone()),
                    ("Name", Value::from(&**name)),
                    ("RoleArn", role.as_deref().into()),
                    ("StartTime", self.test.entered_at.to_string().into()),
                ])
                .into()
            })),
        }
    }

    fn context_member(&self, member: ContextMember) -> Option<Value> {
        match (&self.test.setup.context, member) {
            (TestContext::Given(_), ContextMember::Map) if self.item.is_some() => {
                self.map_context()
            }
            (TestContext::Given(context), _) => context.get(member.name()).cloned(),
            (TestContext::Default { .. }, _) => self.made_up(member),
        }
    }

    fn variable(&self, name: &str) -> Option<&Payload> {
        self.test.setup.variables.get(name)
    }

    fn variables_size(&self) -> usize {
        self.test.setup.variables.values().map(Payload::size).sum()
    }

    fn now(&self) -> Timestamp {
        self.now
    }

    fn see(&self, stage: Stage, data: &Payload) {
        self.test.seen.0.borrow_mut().insert(stage, data.clone());
    }
}
