"""Executions that go on from where they failed."""

import json

from machines import PASS, PAY, arn


def tour(world):
    sfn = world.sfn
    machine = world.create("paying", PAY)
    execution = world.start(machine, "one", '{"amount": 7}')
    ended = world.ended(execution, "FAILED")
    assert (ended["error"], ended["redriveStatus"]) == ("CardDeclined", "REDRIVABLE")
    another = world.start(machine, "two", '{"amount": 8}')
    world.ended(another, "FAILED")

    redrive = sfn.redrive_execution
    first = redrive(executionArn=another, clientToken="again")["redriveDate"]
    assert redrive(executionArn=another, clientToken="again")["redriveDate"] == first
    world.ended(another, "FAILED")
    refused = world.refused
    refused("InvalidArn", redrive, executionArn=machine)
    refused("ExecutionDoesNotExist", redrive, executionArn=arn("execution", "paying", "none"))
    refused("ValidationException", redrive, executionArn=another, clientToken="x" * 65)
    well = world.start(world.create("paid", PASS), "well")
    world.ended(well)
    refused("ExecutionNotRedrivable", redrive, executionArn=well)
    yield

    (world.server.folder / "repaired").write_text("")
    world.sfn.redrive_execution(executionArn=execution)
    ended = world.ended(execution)
    assert json.loads(ended["output"]) == {"amount": 7}
    assert ended["redriveCount"] == 1 and ended["redriveDate"] >= ended["startDate"]
    events = world.sfn.get_execution_history(executionArn=execution)["events"]
    types = [event["type"] for event in events]
    assert types.count("ExecutionRedriven") == 1 and types.count("TaskStateEntered") == 1, types
    listed = world.sfn.list_executions(stateMachineArn=machine, redriveFilter="REDRIVEN")
    assert [item["name"] for item in listed["executions"]] == ["two", "one"]
    assert world.describe(another)["redriveCount"] == 1
