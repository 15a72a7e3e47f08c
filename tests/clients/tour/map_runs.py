"""Distributed Maps: their Map Runs, and the children of these."""

import json

from machines import PASS, arn, distributed

ABSENT = arn("mapRun", "absent/each", "0198c0a0-0000-7000-8000-000000000000")
ITEMS = json.dumps(list(range(7)))


def tour(world):
    sfn = world.sfn
    machine = world.create("each", distributed({"Type": "Pass"}, MaxConcurrency=2))
    execution = world.start(machine, "one", ITEMS)
    assert json.loads(world.ended(execution)["output"]) == list(range(7))
    run = only_run(world, execution)
    assert run["stateMachineArn"] == f"{machine}/each" and run["executionArn"] == execution
    described = sfn.describe_map_run(mapRunArn=run["mapRunArn"])
    assert described["status"] == "SUCCEEDED" and described["maxConcurrency"] == 2
    assert described["itemCounts"]["total"] == described["itemCounts"]["succeeded"] == 7
    assert described["executionCounts"]["succeeded"] == 7
    children = world.pages("list_executions", "executions", 3, mapRunArn=run["mapRunArn"])
    assert len(children) == 7
    child = world.describe(children[0]["executionArn"])
    assert child["mapRunArn"] == run["mapRunArn"] and child["status"] == "SUCCEEDED"

    waiting = world.create("waiting", distributed({"Type": "Wait", "Seconds": 3}, MaxConcurrency=1))
    slow = world.start(waiting, "slow", ITEMS)
    slow_run = world.until(lambda: only_run(world, slow))["mapRunArn"]
    sfn.update_map_run(mapRunArn=slow_run, maxConcurrency=100, toleratedFailureCount=5)
    refusals(world, machine, execution, run["mapRunArn"])
    started = sfn.list_executions(mapRunArn=slow_run)["executions"]
    yield

    sfn = world.sfn
    described = sfn.describe_map_run(mapRunArn=slow_run)
    assert described["maxConcurrency"] == 100 and described["toleratedFailureCount"] == 5
    listed = sfn.list_executions(mapRunArn=slow_run)["executions"]
    arns = {item["executionArn"] for item in listed}
    assert {item["executionArn"] for item in started} <= arns, "no child is lost"
    assert json.loads(world.ended(slow)["output"]) == list(range(7))
    described = sfn.describe_map_run(mapRunArn=slow_run)
    assert described["itemCounts"]["succeeded"] == 7, described
    assert len(sfn.list_executions(mapRunArn=slow_run)["executions"]) == 7
    counted = sfn.describe_map_run(mapRunArn=run["mapRunArn"])
    assert counted["itemCounts"]["succeeded"] == 7


def only_run(world, execution):
    """The Map Run of an execution, if it is there yet."""
    runs = world.sfn.list_map_runs(executionArn=execution)["mapRuns"]
    assert len(runs) <= 1, runs
    return runs[0] if runs else None


def refusals(world, machine, execution, run):
    sfn, refused = world.sfn, world.refused
    for call, more in ((sfn.describe_map_run, {}), (sfn.update_map_run, {"maxConcurrency": 1})):
        refused("InvalidArn", call, mapRunArn=machine, **more)
        refused("ResourceNotFound", call, mapRunArn=ABSENT, **more)
    late = refused("ValidationException", sfn.update_map_run, mapRunArn=run, maxConcurrency=1)
    assert late["reason"] == "CANNOT_UPDATE_COMPLETED_MAP_RUN", late
    refused("ResourceNotFound", sfn.list_executions, mapRunArn=ABSENT)
    listing = sfn.list_map_runs
    refused("InvalidArn", listing, executionArn=machine)
    refused("ExecutionDoesNotExist", listing, executionArn=arn("execution", "each", "none"))
    refused("InvalidToken", listing, executionArn=execution, nextToken="none")

    # An execution with two distributed Maps has several Map Runs, which come in pages.
    inner = distributed({"Type": "Pass"})
    first = json.loads(inner)["States"]["Only"]
    second = json.loads(inner.replace("Inner", "Other").replace("each", "other"))["States"]["Only"]
    del first["End"]
    states = {"First": {**first, "Next": "Second"}, "Second": second}
    twice = world.create("twice", json.dumps({"StartAt": "First", "States": states}))
    both = world.start(twice, "one", "[1]")
    world.ended(both)
    assert len(world.pages("list_map_runs", "mapRuns", 1, executionArn=both)) == 2
