"""Standard executions: started, described, listed, stopped, with their histories."""

import json

from machines import PASS, WAIT, arn, lone

from .world import without_metadata


def tour(world):
    sfn = world.sfn
    machine = world.create("runs", PASS)
    first = sfn.start_execution(
        stateMachineArn=machine, name="first", input='{"a": 1}', traceHeader="Root=1-2-3"
    )
    assert first["executionArn"] == arn("execution", "runs", "first")
    described = world.ended(first["executionArn"])
    assert described["stateMachineArn"] == machine and described["name"] == "first"
    assert json.loads(described["input"]) == json.loads(described["output"]) == {"a": 1}
    assert described["inputDetails"] == described["outputDetails"] == {"included": True}
    assert described["startDate"] == first["startDate"] <= described["stopDate"]
    assert described["traceHeader"] == "Root=1-2-3"
    assert described["redriveCount"] == 0 and described["redriveStatus"] == "NOT_REDRIVABLE"

    history = world.pages("get_execution_history", "events", 2, executionArn=first["executionArn"])
    assert [event["type"] for event in history] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    places = [(event["id"], event["previousEventId"]) for event in history]
    assert places == [(1, 0), (2, 0), (3, 2), (4, 3)], places
    backwards = world.pages(
        "get_execution_history", "events", 3, executionArn=first["executionArn"], reverseOrder=True
    )
    assert backwards == history[::-1]

    sleeper = world.create("sleeper", lone(Type="Wait", SecondsPath="$.seconds"))
    lasting = world.start(sleeper, "lasting", '{"seconds": 86400}')
    again = world.start(sleeper, "lasting", '{"seconds": 86400}')
    assert again == lasting, "the same start again is the same execution"
    brief = world.start(sleeper, "brief", '{"seconds": 2}')
    sfn.update_state_machine(stateMachineArn=sleeper, definition=PASS)
    older = sfn.describe_state_machine_for_execution(executionArn=lasting)
    assert json.loads(older["definition"])["States"]["Only"]["SecondsPath"] == "$.seconds"
    assert older["stateMachineArn"] == sleeper and older["name"] == "sleeper"
    world.start(sleeper, "third")
    listed = world.pages("list_executions", "executions", 2, stateMachineArn=sleeper)
    assert [item["name"] for item in listed] == ["third", "brief", "lasting"]
    refusals(world, machine, sleeper, lasting)
    before = without_metadata(world.describe(lasting))
    yield

    sfn = world.sfn
    assert without_metadata(world.describe(first["executionArn"])) == without_metadata(described)
    kept = sfn.get_execution_history(executionArn=first["executionArn"])
    assert kept["events"] == history
    assert without_metadata(world.describe(lasting)) == before
    ended = world.ended(brief)
    waited = (ended["stopDate"] - ended["startDate"]).total_seconds()
    assert waited >= 2, f"it waited for {waited} s"
    running = sfn.list_executions(stateMachineArn=sleeper, statusFilter="RUNNING")["executions"]
    assert [item["executionArn"] for item in running] == [lasting]
    stopped = sfn.stop_execution(executionArn=lasting, error="Enough", cause="it lasted")
    ended = world.ended(lasting, "ABORTED")
    assert ended["stopDate"] == stopped["stopDate"]
    assert (ended["error"], ended["cause"]) == ("Enough", "it lasted")
    events = sfn.get_execution_history(executionArn=lasting)["events"]
    assert [event["type"] for event in events][-1] == "ExecutionAborted"


def refusals(world, machine, sleeper, lasting):
    sfn, refused = world.sfn, world.refused
    absent = arn("execution", "runs", "absent")

    def of_start(error, **parameters):
        return refused(error, sfn.start_execution, **{"stateMachineArn": machine, **parameters})

    of_start("InvalidArn", stateMachineArn="runs")
    of_start("InvalidName", name="with space")
    of_start("InvalidExecutionInput", input="{")
    of_start("ExecutionAlreadyExists", name="first", input="{}")
    of_start("StateMachineDoesNotExist", stateMachineArn=arn("stateMachine", "absent"))
    of_start("ValidationException", traceHeader="x" * 257)

    by_arn = (
        sfn.describe_execution,
        sfn.describe_state_machine_for_execution,
        sfn.get_execution_history,
        sfn.stop_execution,
    )
    for call in by_arn:
        refused("InvalidArn", call, executionArn=machine)
        refused("ExecutionDoesNotExist", call, executionArn=absent)
    refused("ValidationException", sfn.stop_execution, executionArn=lasting, error="x" * 257)
    refused("InvalidToken", sfn.get_execution_history, executionArn=lasting, nextToken="none")

    listing = sfn.list_executions
    refused("InvalidArn", listing, stateMachineArn="runs")
    refused("InvalidToken", listing, stateMachineArn=sleeper, nextToken="none")
    refused("StateMachineDoesNotExist", listing, stateMachineArn=arn("stateMachine", "absent"))
    refused("ValidationException", listing)
