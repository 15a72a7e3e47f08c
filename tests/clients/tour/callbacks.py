"""Tasks that hand their token to a function and wait for whoever got it."""

import json

from machines import ASK


def tour(world):
    machine = world.create("asking", ASK)
    executions = {
        order: world.start(machine, f"order{order}", json.dumps({"order": order}))
        for order in (1, 2, 3)
    }
    tokens = world.until(lambda: len(t := asked(world)) == 3 and t)
    world.sfn.send_task_success(taskToken=tokens[1], output='{"approved": true}')
    assert json.loads(world.ended(executions[1])["output"]) == {"approved": True}
    for order in (2, 3):
        world.until(lambda: history(world, executions[order])[-1] == "TaskSubmitted")
    yield

    world.sfn.send_task_heartbeat(taskToken=tokens[2])
    world.sfn.send_task_success(taskToken=tokens[2], output='"late"')
    assert world.ended(executions[2])["output"] == '"late"'
    world.refused("TaskTimedOut", world.sfn.send_task_success, taskToken=tokens[2], output="1")
    world.sfn.send_task_failure(taskToken=tokens[3], error="Refused", cause="too dear")
    ended = world.ended(executions[3], "FAILED")
    assert (ended["error"], ended["cause"]) == ("Refused", "too dear")
    assert history(world, executions[3])[-2:] == ["TaskFailed", "ExecutionFailed"]
    assert len(asked(world)) == 3, "nobody is asked twice"


def asked(world):
    """The tokens that the function `ask` was given, by order."""
    try:
        lines = (world.server.folder / "asked.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return {}
    payloads = [json.loads(line) for line in lines if line]
    return {payload["order"]: payload["token"] for payload in payloads}


def history(world, execution):
    events = world.sfn.get_execution_history(executionArn=execution)["events"]
    return [event["type"] for event in events]
