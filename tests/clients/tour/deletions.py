"""State machines that are deleted while executions of theirs run."""

import json

from machines import ROLE, WAIT, activity_task


def tour(world):
    sfn, refused = world.sfn, world.refused
    activity = sfn.create_activity(name="leaving")["activityArn"]
    definition = json.loads(activity_task(activity))
    del definition["States"]["Only"]["End"]
    definition["States"]["Only"]["Next"] = "Other"
    definition["States"]["Other"] = {"Type": "Pass", "End": True}
    machine = world.create("leaving", json.dumps(definition))
    version = sfn.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    routes = [{"stateMachineVersionArn": version, "weight": 100}]
    alias = sfn.create_state_machine_alias(name="live", routingConfiguration=routes)
    alias = alias["stateMachineAliasArn"]
    executions = [world.start(machine, name) for name in ("one", "two")]
    tokens = [sfn.get_activity_task(activityArn=activity)["taskToken"] for _ in executions]

    sfn.delete_state_machine(stateMachineArn=machine)
    assert status(world, machine) == "DELETING"
    deleting = "StateMachineDeleting"
    refused(deleting, sfn.start_execution, stateMachineArn=machine)
    create = {"name": "leaving", "definition": WAIT, "roleArn": ROLE}
    refused(deleting, sfn.create_state_machine, **create)
    refused(deleting, sfn.update_state_machine, stateMachineArn=machine, definition=WAIT)
    refused(deleting, sfn.publish_state_machine_version, stateMachineArn=machine)
    create = {"name": "other", "routingConfiguration": routes}
    refused(deleting, sfn.create_state_machine_alias, **create)
    update = {"stateMachineAliasArn": alias, "description": "new"}
    refused(deleting, sfn.update_state_machine_alias, **update)
    refused(deleting, sfn.list_state_machine_aliases, stateMachineArn=machine)
    sfn.send_task_success(taskToken=tokens[0], output="1")
    check_failed(world, executions[0])
    assert status(world, machine) == "DELETING"
    yield

    sfn = world.sfn
    assert status(world, machine) == "DELETING"
    sfn.send_task_success(taskToken=tokens[1], output="1")
    check_failed(world, executions[1])
    world.until(lambda: status(world, machine) is None)
    assert world.create("leaving", WAIT) == machine, "the name is free"
    assert status(world, machine) == "ACTIVE"
    sfn.delete_activity(activityArn=activity)


def check_failed(world, execution):
    ended = world.ended(execution, "FAILED")
    assert ended["error"] == "States.Runtime", ended
    assert ended["cause"] == "State machine leaving has been deleted.", ended


def status(world, machine):
    """How a state machine stands; `None` if there is none."""
    try:
        return world.sfn.describe_state_machine(stateMachineArn=machine)["status"]
    except world.sfn.exceptions.StateMachineDoesNotExist:
        return None
