//! Which resources AWS knows, and where they may be used.

use crate::model::{ExecutionType, Pattern, Resource};

use super::wording;

/// An optimised integration: its actions, and the patterns that each has besides
/// request-response.
struct Service {
    name: &'static str,
    actions: &'static [(&'static str, &'static [Pattern])],
}

const NONE: &[Pattern] = &[];
const SYNC: &[Pattern] = &[Pattern::Sync];
const TOKEN: &[Pattern] = &[Pattern::WaitForTaskToken];
const SYNC_TOKEN: &[Pattern] = &[Pattern::Sync, Pattern::WaitForTaskToken];

/// Source: developer guide, "Integrating optimized services".
const SERVICES: &[Service] = &[
    Service {
        name: "lambda",
        actions: &[("invoke", TOKEN)],
    },
    Service {
        name: "states",
        actions: &[(
            "startExecution",
            &[Pattern::Sync, Pattern::Sync2, Pattern::WaitForTaskToken],
        )],
    },
    Service {
        name: "sqs",
        actions: &[("sendMessage", TOKEN)],
    },
    Service {
        name: "sns",
        actions: &[("publish", TOKEN)],
    },
    Service {
        name: "dynamodb",
        actions: &[
            ("getItem", NONE),
            ("putItem", NONE),
            ("updateItem", NONE),
            ("deleteItem", NONE),
        ],
    },
    Service {
        name: "events",
        actions: &[("putEvents", TOKEN)],
    },
    Service {
        name: "apigateway",
        actions: &[("invoke", TOKEN)],
    },
    Service {
        name: "http",
        actions: &[("invoke", NONE)],
    },
    Service {
        name: "ecs",
        actions: &[("runTask", SYNC_TOKEN)],
    },
    Service {
        name: "batch",
        actions: &[("submitJob", SYNC)],
    },
    Service {
        name: "glue",
        actions: &[("startJobRun", SYNC)],
    },
    Service {
        name: "databrew",
        actions: &[("startJobRun", SYNC)],
    },
    Service {
        name: "athena",
        actions: &[
            ("startQueryExecution", SYNC),
            ("stopQueryExecution", NONE),
            ("getQueryExecution", NONE),
            ("getQueryResults", NONE),
        ],
    },
    Service {
        name: "bedrock",
        actions: &[
            ("invokeModel", TOKEN),
            ("createModelCustomizationJob", SYNC),
        ],
    },
    Service {
        name: "codebuild",
        actions: &[
            ("startBuild", SYNC),
            ("stopBuild", NONE),
            ("batchDeleteBuilds", NONE),
            ("batchGetReports", NONE),
            ("startBuildBatch", SYNC),
            ("stopBuildBatch", NONE),
            ("retryBuildBatch", SYNC),
            ("deleteBuildBatch", NONE),
        ],
    },
    Service {
        name: "eks",
        actions: &[
            ("createCluster", SYNC),
            ("deleteCluster", SYNC),
            ("createNodegroup", SYNC),
            ("deleteNodegroup", SYNC),
            ("createFargateProfile", SYNC),
            ("deleteFargateProfile", SYNC),
            ("call", TOKEN),
            ("runJob", SYNC_TOKEN),
        ],
    },
    Service {
        name: "elasticmapreduce",
        actions: &[
            ("createCluster", SYNC),
            ("terminateCluster", SYNC),
            ("addStep", SYNC),
            ("cancelStep", NONE),
            ("setClusterTerminationProtection", NONE),
            ("modifyInstanceFleetByName", NONE),
            ("modifyInstanceGroupByName", NONE),
        ],
    },
    Service {
        name: "emr-containers",
        actions: &[
            ("createVirtualCluster", NONE),
            ("deleteVirtualCluster", SYNC),
            ("startJobRun", SYNC),
        ],
    },
    Service {
        name: "emr-serverless",
        actions: &[
            ("createApplication", SYNC),
            ("startApplication", SYNC),
            ("stopApplication", SYNC),
            ("deleteApplication", SYNC),
            ("startJobRun", SYNC),
            ("cancelJobRun", SYNC),
        ],
    },
    Service {
        name: "mediaconvert",
        actions: &[("createJob", SYNC)],
    },
    Service {
        name: "sagemaker",
        actions: &[
            ("createTrainingJob", SYNC),
            ("createTransformJob", SYNC),
            ("createProcessingJob", SYNC),
            ("createHyperParameterTuningJob", SYNC),
            ("createLabelingJob", SYNC),
            ("createModel", NONE),
            ("createEndpoint", NONE),
            ("createEndpointConfig", NONE),
            ("updateEndpoint", NONE),
        ],
    },
];

/// Whether AWS has such a resource. Of SDK integrations every action that
/// is spelt like one is believed.
pub(super) fn is_known(resource: &Resource) -> bool {
    let Resource::Service {
        service,
        action,
        pattern,
        ..
    } = resource
    else {
        return true;
    };
    if let Some(sdk) = service.strip_prefix("aws-sdk:") {
        let is_lower =
            |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
        let is_camel = action.starts_with(|first: char| first.is_ascii_lowercase());
        return match pattern {
            Pattern::RequestResponse | Pattern::WaitForTaskToken => {
                is_camel && sdk.chars().all(is_lower)
            }
            Pattern::Sync | Pattern::Sync2 => false,
        };
    }
    // Its actions are new and not stable yet.
    if &**service == "bedrockagentcore" {
        return true;
    }
    SERVICES
        .iter()
        .filter(|known| *known.name == **service)
        .flat_map(|known| known.actions)
        .filter(|(name, _)| **name == **action)
        .any(|(_, patterns)| *pattern == Pattern::RequestResponse || patterns.contains(pattern))
}

/// Why a machine of this type cannot use a resource.
pub(super) fn express_problem(
    execution_type: ExecutionType,
    resource: &Resource,
) -> Option<&'static str> {
    if execution_type == ExecutionType::Standard {
        return None;
    }
    match resource {
        Resource::Function { .. } => None,
        Resource::Activity { .. } => Some(wording::EXPRESS_ACTIVITY),
        Resource::Service { pattern, .. } => match pattern {
            Pattern::RequestResponse => None,
            Pattern::Sync | Pattern::Sync2 => Some(wording::EXPRESS_SYNC),
            Pattern::WaitForTaskToken => Some(wording::EXPRESS_TOKEN),
        },
    }
}
