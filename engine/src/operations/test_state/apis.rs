//! Which call of which API stands behind a resource: what a mocked result has to look like.

use stepwell_language::model::{Pattern, Resource};

use super::shapes::Spelling;

/// An API's answer that a mock stands in for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Answer<'a> {
    /// The service, as the table of its shapes is called.
    pub(super) service: &'a str,
    /// The operation; capitals do not matter.
    pub(super) operation: &'a str,
    /// How its members are spelt.
    pub(super) spelling: Spelling,
    /// Members that hold anything, because Step Functions reads the JSON in them.
    pub(super) parsed: &'static [&'static str],
}

/// Services whose name after `aws-sdk:` is not that of their table.
const SDK_NAMES: [(&str, &str); 9] = [
    ("bedrockruntime", "bedrock-runtime"),
    ("cloudwatchlogs", "logs"),
    ("cognitoidentityprovider", "cognito-idp"),
    ("emrcontainers", "emr-containers"),
    ("emrserverless", "emr-serverless"),
    ("eventbridge", "events"),
    ("sfn", "stepfunctions"),
    // Names of tables that are no names of the SDK.
    ("events", ""),
    ("logs", ""),
];

/// An action of an optimised integration that is not simply the operation of the same name: the
/// service, the action, whether it waits for the job, and what answers.
type Special = (&'static str, &'static str, bool, &'static str, &'static str);

/// A job is waited for by asking for it again and again: that is the answer which a mock stands
/// for. Source: developer guide, "Testing .sync states".
const SPECIAL: &[Special] = &[
    (
        "athena",
        "startQueryExecution",
        true,
        "athena",
        "GetQueryExecution",
    ),
    ("batch", "submitJob", true, "batch", "DescribeJobs"),
    (
        "bedrock",
        "invokeModel",
        false,
        "bedrock-runtime",
        "InvokeModel",
    ),
    (
        "bedrock",
        "createModelCustomizationJob",
        true,
        "bedrock",
        "GetModelCustomizationJob",
    ),
    (
        "codebuild",
        "startBuild",
        true,
        "codebuild",
        "BatchGetBuilds",
    ),
    (
        "codebuild",
        "startBuildBatch",
        true,
        "codebuild",
        "BatchGetBuildBatches",
    ),
    (
        "codebuild",
        "retryBuildBatch",
        true,
        "codebuild",
        "BatchGetBuildBatches",
    ),
    (
        "databrew",
        "startJobRun",
        true,
        "databrew",
        "DescribeJobRun",
    ),
    ("ecs", "runTask", true, "ecs", "DescribeTasks"),
    ("eks", "createCluster", true, "eks", "DescribeCluster"),
    ("eks", "deleteCluster", true, "eks", "DescribeCluster"),
    ("eks", "createNodegroup", true, "eks", "DescribeNodegroup"),
    ("eks", "deleteNodegroup", true, "eks", "DescribeNodegroup"),
    (
        "eks",
        "createFargateProfile",
        true,
        "eks",
        "DescribeFargateProfile",
    ),
    (
        "eks",
        "deleteFargateProfile",
        true,
        "eks",
        "DescribeFargateProfile",
    ),
    (
        "elasticmapreduce",
        "createCluster",
        false,
        "emr",
        "RunJobFlow",
    ),
    (
        "elasticmapreduce",
        "createCluster",
        true,
        "emr",
        "DescribeCluster",
    ),
    (
        "elasticmapreduce",
        "terminateCluster",
        false,
        "emr",
        "TerminateJobFlows",
    ),
    (
        "elasticmapreduce",
        "terminateCluster",
        true,
        "emr",
        "DescribeCluster",
    ),
    (
        "elasticmapreduce",
        "addStep",
        false,
        "emr",
        "AddJobFlowSteps",
    ),
    ("elasticmapreduce", "addStep", true, "emr", "DescribeStep"),
    (
        "elasticmapreduce",
        "cancelStep",
        false,
        "emr",
        "CancelSteps",
    ),
    (
        "elasticmapreduce",
        "setClusterTerminationProtection",
        false,
        "emr",
        "SetTerminationProtection",
    ),
    (
        "elasticmapreduce",
        "modifyInstanceFleetByName",
        false,
        "emr",
        "ModifyInstanceFleet",
    ),
    (
        "elasticmapreduce",
        "modifyInstanceGroupByName",
        false,
        "emr",
        "ModifyInstanceGroups",
    ),
    (
        "emr-containers",
        "createVirtualCluster",
        true,
        "emr-containers",
        "DescribeVirtualCluster",
    ),
    (
        "emr-containers",
        "deleteVirtualCluster",
        true,
        "emr-containers",
        "DescribeVirtualCluster",
    ),
    (
        "emr-containers",
        "startJobRun",
        true,
        "emr-containers",
        "DescribeJobRun",
    ),
    (
        "emr-serverless",
        "createApplication",
        true,
        "emr-serverless",
        "GetApplication",
    ),
    (
        "emr-serverless",
        "startApplication",
        true,
        "emr-serverless",
        "GetApplication",
    ),
    (
        "emr-serverless",
        "stopApplication",
        true,
        "emr-serverless",
        "GetApplication",
    ),
    (
        "emr-serverless",
        "deleteApplication",
        true,
        "emr-serverless",
        "GetApplication",
    ),
    (
        "emr-serverless",
        "startJobRun",
        true,
        "emr-serverless",
        "GetJobRun",
    ),
    (
        "emr-serverless",
        "cancelJobRun",
        true,
        "emr-serverless",
        "GetJobRun",
    ),
    ("glue", "startJobRun", true, "glue", "GetJobRun"),
    ("mediaconvert", "createJob", true, "mediaconvert", "GetJob"),
    (
        "sagemaker",
        "createTrainingJob",
        true,
        "sagemaker",
        "DescribeTrainingJob",
    ),
    (
        "sagemaker",
        "createTransformJob",
        true,
        "sagemaker",
        "DescribeTransformJob",
    ),
    (
        "sagemaker",
        "createProcessingJob",
        true,
        "sagemaker",
        "DescribeProcessingJob",
    ),
    (
        "sagemaker",
        "createHyperParameterTuningJob",
        true,
        "sagemaker",
        "DescribeHyperParameterTuningJob",
    ),
    (
        "sagemaker",
        "createLabelingJob",
        true,
        "sagemaker",
        "DescribeLabelingJob",
    ),
    (
        "states",
        "startExecution",
        false,
        "stepfunctions",
        "StartExecution",
    ),
    (
        "states",
        "startExecution",
        true,
        "stepfunctions",
        "DescribeExecution",
    ),
];

impl<'a> Answer<'a> {
    /// What answers for a resource; `None` where there is no model of it: functions, activities,
    /// HTTP tasks, API Gateway, calls and jobs of EKS.
    pub(super) fn of(resource: &'a Resource) -> Option<Self> {
        let Resource::Service {
            service,
            action,
            pattern,
            ..
        } = resource
        else {
            return None;
        };
        if let Some(sdk) = service.strip_prefix("aws-sdk:") {
            let known = SDK_NAMES.iter().find(|(name, _)| *name == sdk);
            return Some(Self {
                service: known.map_or(sdk, |(_, table)| table),
                operation: action,
                spelling: Spelling::Sdk,
                parsed: &[],
            });
        }
        let waits = matches!(pattern, Pattern::Sync | Pattern::Sync2);
        let special = SPECIAL.iter().find(|(its_service, its_action, sync, ..)| {
            *its_service == &**service && *its_action == &**action && *sync == waits
        });
        let (table, operation) = match (&**service, &**action) {
            ("http" | "apigateway", _) | ("eks", "call" | "runJob") => return None,
            (plain, action) => special.map_or((plain, action), |(.., table, name)| (*table, *name)),
        };
        Some(Self {
            service: table,
            operation,
            spelling: Spelling::Optimised,
            parsed: match (&**service, pattern) {
                ("lambda", _) => &["Payload"],
                ("bedrock", _) => &["Body"],
                ("states", Pattern::Sync2) => &["Input", "Output"],
                (_, _) => &[],
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::shapes;
    use super::*;

    #[track_caller]
    fn check(resource: &str, expected: Option<(&str, &str)>) {
        let resource = Resource::parse(resource).expect("it is a resource");
        let answer = Answer::of(&resource);
        let found = answer.map(|answer| (answer.service, answer.operation));
        assert_eq!(found, expected, "{resource}");
    }

    #[test]
    fn a_resource_leads_to_the_answer_of_an_api() {
        check(
            "arn:aws:states:::sqs:sendMessage",
            Some(("sqs", "sendMessage")),
        );
        check(
            "arn:aws:states:::states:startExecution.sync:2",
            Some(("stepfunctions", "DescribeExecution")),
        );
        check(
            "arn:aws:states:::batch:submitJob",
            Some(("batch", "submitJob")),
        );
        check(
            "arn:aws:states:::batch:submitJob.sync",
            Some(("batch", "DescribeJobs")),
        );
        check(
            "arn:aws:states:::aws-sdk:cloudwatchlogs:putLogEvents",
            Some(("logs", "putLogEvents")),
        );
        check("arn:aws:states:::http:invoke", None);
        check("arn:aws:states:::eks:runJob.sync", None);
        check("arn:aws:lambda:us-east-1:1:function:f", None);
    }

    #[test]
    fn every_special_answer_is_in_a_table_or_is_empty() {
        let empty = [
            "TerminateJobFlows",
            "SetTerminationProtection",
            "ModifyInstanceGroups",
            "ModifyInstanceFleet",
        ];
        for (_, action, _, service, operation) in SPECIAL {
            assert!(
                shapes::is_covered(service, operation) || empty.contains(operation),
                "{action} is answered by {service}:{operation}"
            );
        }
    }
}
