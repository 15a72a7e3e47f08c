"""States tested by themselves, and definitions that are judged."""

import json

from machines import PASS, PAY, ROLE

SEND = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Parameters": {"QueueUrl": "q", "MessageBody.$": "$.text"},
    "ResultSelector": {"id.$": "$.MessageId"},
    "End": True,
}


def tour(world):
    sfn, refused = world.sfn, world.refused
    state = json.dumps({"Type": "Pass", "Parameters": {"b.$": "$.a"}, "Next": "Other"})
    tested = sfn.test_state(definition=state, roleArn=ROLE, input='{"a": 1}')
    assert tested["status"] == "SUCCEEDED" and tested["nextState"] == "Other"
    assert json.loads(tested["output"]) == {"b": 1}

    mocked = {
        "definition": json.dumps(SEND),
        "input": '{"text": "hello"}',
        "inspectionLevel": "DEBUG",
    }
    result = {"result": '{"MessageId": "7", "MD5OfMessageBody": "x"}'}
    tested = sfn.test_state(**mocked, mock=result)
    assert json.loads(tested["output"]) == {"id": "7"}
    parameters = json.loads(tested["inspectionData"]["afterParameters"])
    assert parameters == {"QueueUrl": "q", "MessageBody": "hello"}
    error = {"errorOutput": {"error": "Full", "cause": "no room"}}
    tested = sfn.test_state(**mocked, mock=error)
    assert (tested["status"], tested["error"], tested["cause"]) == ("FAILED", "Full", "no room")
    alone = json.dumps(json.loads(PAY)["States"]["Only"])
    tested = sfn.test_state(definition=alone, roleArn=ROLE, input="{}")
    assert tested["error"] == "CardDeclined", "without a mock it runs through the server's handlers"

    refused("InvalidArn", sfn.test_state, definition=state, roleArn="nobody")
    refused("InvalidDefinition", sfn.test_state, definition="{", roleArn=ROLE)
    refused("InvalidExecutionInput", sfn.test_state, definition=state, roleArn=ROLE, input="{")
    wrong = {"result": '{"MessageId": 7}'}
    refused("ValidationException", sfn.test_state, **mocked, mock=wrong)

    validate = sfn.validate_state_machine_definition
    judged = validate(definition=PASS)
    assert judged["result"] == "OK" and judged["diagnostics"] == [] and not judged["truncated"]
    judged = validate(definition=PASS.replace('"Pass"', '"Pas"'), type="EXPRESS", maxResults=1)
    assert judged["result"] == "FAIL" and judged["diagnostics"][0]["severity"] == "ERROR"
    assert judged["diagnostics"][0]["location"].startswith("/States/Only")
    refused("ValidationException", validate, definition=PASS, type="NONE")
    yield
