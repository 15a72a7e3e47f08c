"""Express state machines, with and without somebody who waits."""

import json

from machines import FAIL, PASS, arn


def tour(world):
    sfn = world.sfn
    machine = world.create("quick", PASS, type="EXPRESS")
    failing = world.create("failing", FAIL, type="EXPRESS")
    check(world, machine, failing)

    asynchronous = sfn.start_execution(stateMachineArn=machine, name="later", input="{}")
    assert asynchronous["executionArn"].startswith(arn("express", "quick", "later") + ":")
    refusals(world, machine)
    yield
    check(world, machine, failing)


def check(world, machine, failing):
    ended = world.sfn.start_sync_execution(stateMachineArn=machine, name="now", input='{"a": [1]}')
    assert ended["status"] == "SUCCEEDED" and ended["name"] == "now"
    assert ended["executionArn"].startswith(arn("express", "quick", "now") + ":")
    assert json.loads(ended["output"]) == {"a": [1]}
    assert ended["billingDetails"]["billedDurationInMilliseconds"] % 100 == 0
    failed = world.sfn.start_sync_execution(stateMachineArn=failing)
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "Sorry", "no")


def refusals(world, machine):
    sfn, refused = world.sfn, world.refused

    def of_start(error, **parameters):
        parameters = {"stateMachineArn": machine, **parameters}
        return refused(error, sfn.start_sync_execution, **parameters)

    of_start("InvalidArn", stateMachineArn="quick")
    of_start("InvalidName", name="with space")
    of_start("InvalidExecutionInput", input="{")
    of_start("StateMachineDoesNotExist", stateMachineArn=arn("stateMachine", "absent"))
    of_start("StateMachineTypeNotSupported", stateMachineArn=world.create("slow", PASS))
    refused("StateMachineTypeNotSupported", sfn.list_executions, stateMachineArn=machine)
