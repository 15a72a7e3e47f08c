//! The routes of the plain face, each with all there is to know of it.

use axum::http::StatusCode;
use axum::routing::MethodFilter;

/// A route.
pub(super) struct Route {
    pub(super) verb: Verb,
    /// Its path under `/v1`. `{machine}` and `{execution}` are names, of which ARNs are made; so
    /// are `{label}` and `{map_run}`, the parts of a Map Run's.
    pub(super) path: &'static str,
    /// What no other route is called.
    pub(super) id: &'static str,
    pub(super) act: Act,
    /// What it does, in a sentence.
    pub(super) summary: &'static str,
    /// Members of the operation that the query may have.
    pub(super) query: &'static [Member],
    pub(super) body: Body,
    /// The status of success.
    pub(super) status: StatusCode,
}

/// The method of a route.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    Get,
    Put,
    Post,
    Delete,
}

impl Verb {
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Put => MethodFilter::PUT,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// Its name in an `OpenAPI` document.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// What a route does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// The operation of this name.
    Operation(&'static str),
    /// `CreateStateMachine` or, if there is one of this name, `UpdateStateMachine`.
    PutStateMachine,
}

/// What the body of a request is.
#[derive(Clone, Copy)]
pub(super) enum Body {
    /// There is none.
    None,
    /// An object with members of the operation.
    Members(&'static [Member]),
    /// The value of one member, as JSON.
    Whole {
        member: &'static str,
        about: &'static str,
        is_required: bool,
    },
}

/// A member of an operation.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) about: &'static str,
    pub(super) is_required: bool,
}

/// What the value of a member is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    /// JSON, where the operation has JSON text.
    Json,
}

const fn member(name: &'static str, kind: Kind, about: &'static str) -> Member {
    Member {
        name,
        kind,
        about,
        is_required: false,
    }
}

const fn required(name: &'static str, kind: Kind, about: &'static str) -> Member {
    Member {
        name,
        kind,
        about,
        is_required: true,
    }
}

const MAX_RESULTS: Member = member(
    "maxResults",
    Kind::Integer,
    "At most so many, 0 to 1,000; 0 means 100.",
);
const NEXT_TOKEN: Member = member(
    "nextToken",
    Kind::Text,
    "Where the page before ended: its `nextToken`.",
);
const PAGE: &[Member] = &[MAX_RESULTS, NEXT_TOKEN];
const FILTERED_PAGE: &[Member] = &[
    MAX_RESULTS,
    NEXT_TOKEN,
    member(
        "statusFilter",
        Kind::Text,
        "Only those that stand like this: `RUNNING`.",
    ),
    member("redriveFilter", Kind::Text, "`REDRIVEN` or `NOT_REDRIVEN`."),
];
const START: &[Member] = &[
    member(
        "name",
        Kind::Text,
        "The execution's name; absent: one of its own.",
    ),
    member(
        "testCase",
        Kind::Text,
        "A test case of the mock configuration.",
    ),
    member(
        "traceHeader",
        Kind::Text,
        "The header of a trace that the execution is part of.",
    ),
];
const FAILURE: &[Member] = &[
    member(
        "error",
        Kind::Text,
        "The error to show, up to 256 characters.",
    ),
    member("cause", Kind::Text, "Its cause, up to 32,768 characters."),
];
const TOKEN: Member = required("taskToken", Kind::Text, "The task's token.");
const DEFINITION: Body = Body::Whole {
    member: "definition",
    about: "The definition, in the Amazon States Language.",
    is_required: true,
};
const INPUT: Body = Body::Whole {
    member: "input",
    about: "The input, any JSON; none stands for `{}`.",
    is_required: false,
};

const MACHINE: &str = "/state-machines/{machine}";
const EXECUTIONS: &str = "/state-machines/{machine}/executions";
const MAP_RUN: &str = "/state-machines/{machine}/map-runs/{label}/{map_run}";
const EXECUTION: &str = "/state-machines/{machine}/executions/{execution}";

const fn route(verb: Verb, path: &'static str, operation: &'static str) -> Route {
    Route {
        verb,
        path,
        id: operation,
        act: Act::Operation(operation),
        summary: "",
        query: &[],
        body: Body::None,
        status: StatusCode::OK,
    }
}

/// Every route there is.
pub(super) const ROUTES: &[Route] = &[
    Route {
        summary: "Lists the state machines.",
        query: PAGE,
        ..route(Verb::Get, "/state-machines", "ListStateMachines")
    },
    Route {
        summary: "Describes a state machine.",
        ..route(Verb::Get, MACHINE, "DescribeStateMachine")
    },
    Route {
        act: Act::PutStateMachine,
        id: "PutStateMachine",
        summary: "Creates a state machine, or updates the one of this name.",
        query: &[
            member(
                "type",
                Kind::Text,
                "`STANDARD`, the default, or `EXPRESS`; never changes.",
            ),
            member(
                "roleArn",
                Kind::Text,
                "The role of its executions; nothing checks it.",
            ),
        ],
        body: DEFINITION,
        status: StatusCode::CREATED,
        ..route(Verb::Put, MACHINE, "")
    },
    Route {
        summary: "Deletes a state machine.",
        ..route(Verb::Delete, MACHINE, "DeleteStateMachine")
    },
    Route {
        summary: "Tells what is wrong with a definition.",
        query: &[
            member("type", Kind::Text, "`STANDARD`, the default, or `EXPRESS`."),
            member(
                "severity",
                Kind::Text,
                "`ERROR`, the default, or `WARNING` for both.",
            ),
            member(
                "maxResults",
                Kind::Integer,
                "At most so many, 0 to 100; 0 means 100.",
            ),
        ],
        body: DEFINITION,
        ..route(Verb::Post, "/validate", "ValidateStateMachineDefinition")
    },
    Route {
        summary: "Lists the executions of a state machine, the latest start first.",
        query: FILTERED_PAGE,
        ..route(Verb::Get, EXECUTIONS, "ListExecutions")
    },
    Route {
        summary: "Starts an execution.",
        query: START,
        body: INPUT,
        status: StatusCode::CREATED,
        ..route(Verb::Post, EXECUTIONS, "StartExecution")
    },
    Route {
        summary: "Runs an Express execution to its end.",
        query: START,
        body: INPUT,
        ..route(
            Verb::Post,
            "/state-machines/{machine}/sync-executions",
            "StartSyncExecution",
        )
    },
    Route {
        summary: "Describes an execution.",
        ..route(Verb::Get, EXECUTION, "DescribeExecution")
    },
    Route {
        summary: "Gives the history of an execution.",
        query: &[
            MAX_RESULTS,
            NEXT_TOKEN,
            member("reverseOrder", Kind::Boolean, "The last event first."),
            member(
                "includeExecutionData",
                Kind::Boolean,
                "With payloads, as is the default.",
            ),
        ],
        ..route(
            Verb::Get,
            "/state-machines/{machine}/executions/{execution}/history",
            "GetExecutionHistory",
        )
    },
    Route {
        summary: "Lists the Map Runs of an execution.",
        query: PAGE,
        ..route(
            Verb::Get,
            "/state-machines/{machine}/executions/{execution}/map-runs",
            "ListMapRuns",
        )
    },
    Route {
        summary: "Describes a Map Run.",
        ..route(Verb::Get, MAP_RUN, "DescribeMapRun")
    },
    Route {
        summary: "Changes the limits of a Map Run that runs.",
        body: Body::Members(&[
            member(
                "maxConcurrency",
                Kind::Integer,
                "Children at a time, 0 for no limit of its own.",
            ),
            member(
                "toleratedFailurePercentage",
                Kind::Number,
                "Failed items in percent that it survives, 0 to 100.",
            ),
            member(
                "toleratedFailureCount",
                Kind::Integer,
                "Failed items that it survives.",
            ),
        ]),
        ..route(Verb::Put, MAP_RUN, "UpdateMapRun")
    },
    Route {
        id: "ListMapRunExecutions",
        summary: "Lists the children of a Map Run, the latest start first.",
        query: FILTERED_PAGE,
        ..route(
            Verb::Get,
            "/state-machines/{machine}/map-runs/{label}/{map_run}/executions",
            "ListExecutions",
        )
    },
    Route {
        summary: "Stops an execution.",
        body: Body::Members(FAILURE),
        ..route(
            Verb::Post,
            "/state-machines/{machine}/executions/{execution}/stop",
            "StopExecution",
        )
    },
    Route {
        summary: "Goes on with an execution from where it failed.",
        body: Body::Members(&[member(
            "clientToken",
            Kind::Text,
            "Makes the same request again the same, 1 to 64 characters.",
        )]),
        ..route(
            Verb::Post,
            "/state-machines/{machine}/executions/{execution}/redrive",
            "RedriveExecution",
        )
    },
    Route {
        summary: "Gives a task its result.",
        body: Body::Members(&[
            TOKEN,
            required("output", Kind::Json, "The result, any JSON."),
        ]),
        ..route(Verb::Post, "/tasks/success", "SendTaskSuccess")
    },
    Route {
        summary: "Fails a task.",
        body: Body::Members(&[TOKEN, FAILURE[0], FAILURE[1]]),
        ..route(Verb::Post, "/tasks/failure", "SendTaskFailure")
    },
    Route {
        summary: "Tells that a task is alive.",
        body: Body::Members(&[TOKEN]),
        ..route(Verb::Post, "/tasks/heartbeat", "SendTaskHeartbeat")
    },
];
