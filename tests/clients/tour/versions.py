"""Versions and aliases, and executions that are started through them."""

from machines import PASS, WAIT, arn, lone


def routes(*pairs):
    return [{"stateMachineVersionArn": version, "weight": weight} for version, weight in pairs]


def tour(world):
    sfn = world.sfn
    machine = world.create("versioned", PASS)
    one = sfn.publish_state_machine_version(stateMachineArn=machine, description="first")
    one = one["stateMachineVersionArn"]
    assert one == f"{machine}:1"
    two = sfn.update_state_machine(
        stateMachineArn=machine, definition=lone(Type="Pass", Result=2), publish=True
    )["stateMachineVersionArn"]
    sfn.update_state_machine(stateMachineArn=machine, definition=WAIT)
    described = sfn.describe_state_machine(stateMachineArn=one)
    assert described["stateMachineArn"] == one and described["description"] == "first"
    assert described["definition"] == PASS

    live = sfn.create_state_machine_alias(name="live", routingConfiguration=routes((one, 100)))
    live = live["stateMachineAliasArn"]
    assert live == f"{machine}:live"
    execution = world.start(live, "through-live")
    ended = world.ended(execution)
    assert (ended["stateMachineAliasArn"], ended["stateMachineVersionArn"]) == (live, one)
    sfn.update_state_machine_alias(
        stateMachineAliasArn=live, description="now two", routingConfiguration=routes((two, 100))
    )
    refusals(world, machine, one, two, live)
    yield

    sfn = world.sfn
    described = sfn.describe_state_machine_alias(stateMachineAliasArn=live)
    assert described["name"] == "live" and described["description"] == "now two"
    assert described["routingConfiguration"] == routes((two, 100))
    assert described["updateDate"] >= described["creationDate"]
    listed = sfn.list_state_machine_aliases(stateMachineArn=machine)["stateMachineAliases"]
    assert [alias["stateMachineAliasArn"] for alias in listed] == [live]
    assert world.ended(world.start(live, "after-the-kill"))["output"] == "2"

    listed = sfn.list_state_machine_versions(stateMachineArn=machine, maxResults=1)
    assert [v["stateMachineVersionArn"] for v in listed["stateMachineVersions"]] == [two]
    listed = sfn.list_state_machine_versions(
        stateMachineArn=machine, maxResults=1, nextToken=listed["nextToken"]
    )
    assert [v["stateMachineVersionArn"] for v in listed["stateMachineVersions"]] == [one]
    assert "nextToken" not in listed

    sfn.delete_state_machine_version(stateMachineVersionArn=one)
    world.refused("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=one)
    sfn.delete_state_machine_alias(stateMachineAliasArn=live)
    world.refused("ResourceNotFound", sfn.describe_state_machine_alias, stateMachineAliasArn=live)
    sfn.delete_state_machine_version(stateMachineVersionArn=two)
    three = sfn.publish_state_machine_version(stateMachineArn=machine)
    assert three["stateMachineVersionArn"] == f"{machine}:3", "numbers never come back"


def refusals(world, machine, one, two, live):
    sfn, refused = world.sfn, world.refused
    absent = arn("stateMachine", "absent")

    publish = sfn.publish_state_machine_version
    refused("ConflictException", publish, stateMachineArn=machine, revisionId="other")
    refused("InvalidArn", publish, stateMachineArn="versioned")
    refused("StateMachineDoesNotExist", publish, stateMachineArn=absent)
    refused("ValidationException", publish, stateMachineArn=machine, description="x" * 257)

    for parameters in ({"description": "x" * 257}, {"name": "1"}):
        refused(
            "ValidationException",
            sfn.create_state_machine_alias,
            **{"name": "other", "routingConfiguration": routes((one, 100)), **parameters},
        )
    for error, name, routing in (
        ("ConflictException", "live", routes((one, 50), (two, 50))),
        ("InvalidArn", "other", routes(("one", 100))),
        ("ResourceNotFound", "other", routes((f"{machine}:9", 100))),
        ("ValidationException", "other", routes((one, 50), (two, 49))),
    ):
        create = sfn.create_state_machine_alias
        answer = refused(error, create, name=name, routingConfiguration=routing)
    assert answer["reason"] == "INVALID_ROUTING_CONFIGURATION", answer

    update = sfn.update_state_machine_alias
    refused("ValidationException", update, stateMachineAliasArn=live)
    refused("InvalidArn", update, stateMachineAliasArn="live", description="")
    refused("ResourceNotFound", update, stateMachineAliasArn=f"{machine}:none", description="")
    for call in (sfn.describe_state_machine_alias, sfn.delete_state_machine_alias):
        refused("InvalidArn", call, stateMachineAliasArn="live")
        refused("ValidationException", call, stateMachineAliasArn="a" * 300)
    sfn.delete_state_machine_alias(stateMachineAliasArn=f"{machine}:none")

    delete = sfn.delete_state_machine_version
    refused("ConflictException", delete, stateMachineVersionArn=two)
    refused("InvalidArn", delete, stateMachineVersionArn=machine)
    refused("ValidationException", delete, stateMachineVersionArn="a" * 2001)

    aliases, versions = sfn.list_state_machine_aliases, sfn.list_state_machine_versions
    for call in (aliases, versions):
        refused("InvalidArn", call, stateMachineArn="versioned")
        refused("InvalidToken", call, stateMachineArn=machine, nextToken="none")
    refused("StateMachineDoesNotExist", aliases, stateMachineArn=absent)
    refused("ResourceNotFound", aliases, stateMachineArn=f"{machine}:9")
    refused("ValidationException", versions, stateMachineArn=machine, maxResults=1001)
