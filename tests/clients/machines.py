"""Definitions and ARNs that the tours share."""

import json

ROLE = "arn:aws:iam::123456789012:role/tour"
PREFIX = "arn:aws:states:us-east-1:123456789012"


def lone(**state):
    """The definition of a state machine with one state."""
    return json.dumps({"StartAt": "Only", "States": {"Only": {**state, "End": True}}})


def arn(kind, *names):
    """The ARN of something that may not be there."""
    return ":".join([PREFIX, kind, *names])


PASS = lone(Type="Pass")
# Ends only when somebody stops it.
WAIT = lone(Type="Wait", Seconds=86400)
FAIL = '{"StartAt": "Only", "States": {"Only": {"Type": "Fail", "Error": "Sorry", "Cause": "no"}}}'
PAY = lone(Type="Task", Resource="arn:aws:lambda:us-east-1:123456789012:function:pay")


def activity_task(activity, **more):
    return lone(Type="Task", Resource=activity, **more)


# Hands its token and its input to the function `ask`.
ASK = lone(
    Type="Task",
    Resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
    Parameters={
        "FunctionName": "ask",
        "Payload": {"token.$": "$$.Task.Token", "order.$": "$.order"},
    },
    HeartbeatSeconds=600,
)


def distributed(inner, **more):
    """A distributed Map whose children run the state `inner`."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Inner",
        "States": {"Inner": {**inner, "End": True}},
    }
    return lone(Type="Map", Label="each", ItemProcessor=processor, **more)
