"""State machines: created, changed, described and listed."""

import json

from machines import PASS, ROLE, WAIT, arn, lone

from .world import without_metadata

ABSENT = arn("stateMachine", "absent")
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
CUSTOMER_KEY = {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": KEY}


def tour(world):
    sfn = world.sfn
    machine = world.create("orders", PASS, tags=[{"key": "team", "value": "shop"}])
    assert machine == arn("stateMachine", "orders")
    assert world.create("orders", PASS) == machine, "the same again is the same"
    described = sfn.describe_state_machine(stateMachineArn=machine)
    assert described["name"] == "orders" and described["status"] == "ACTIVE"
    assert described["type"] == "STANDARD" and described["roleArn"] == ROLE
    assert described["definition"] == PASS and "revisionId" not in described
    assert described["creationDate"].tzinfo, "an instant"

    updated = sfn.update_state_machine(stateMachineArn=machine, definition=WAIT)
    assert updated["updateDate"] >= described["creationDate"]
    described = sfn.describe_state_machine(stateMachineArn=machine)
    assert described["definition"] == WAIT
    assert described["revisionId"] == updated["revisionId"]
    metadata = sfn.describe_state_machine(stateMachineArn=machine, includedData="METADATA_ONLY")
    assert metadata["definition"] == "{}"

    greeting = "{% 'Hello ' & $states.input.name %}"
    greeting = lone(Type="Pass", QueryLanguage="JSONata", Output=greeting)
    assert world.create("greeting", greeting) == arn("stateMachine", "greeting")
    world.create("third", PASS)
    names = [item["name"] for item in world.pages("list_state_machines", "stateMachines", 2)]
    assert {"orders", "greeting", "third"} <= set(names)
    refusals(world, machine)
    yield

    again = world.sfn.describe_state_machine(stateMachineArn=machine)
    assert without_metadata(again) == without_metadata(described)
    execution = world.start(arn("stateMachine", "greeting"), "one", '{"name": "Ada"}')
    assert json.loads(world.ended(execution)["output"]) == "Hello Ada"
    for name in ("orders", "greeting", "third"):
        world.sfn.delete_state_machine(stateMachineArn=arn("stateMachine", name))
    world.refused(
        "StateMachineDoesNotExist", world.sfn.describe_state_machine, stateMachineArn=machine
    )
    world.sfn.delete_state_machine(stateMachineArn=machine)


def refusals(world, machine):
    sfn, refused = world.sfn, world.refused
    create = {"name": "orders", "definition": PASS, "roleArn": ROLE}

    def of_create(error, **other):
        return refused(error, sfn.create_state_machine, **{**create, **other})

    def of_update(error, **other):
        other = {"stateMachineArn": machine, **other}
        return refused(error, sfn.update_state_machine, **other)

    of_create("InvalidArn", roleArn="nobody")
    of_create("InvalidName", name="or ders")
    of_create("StateMachineAlreadyExists", definition=lone(Type="Wait", Seconds=1))
    of_create("InvalidDefinition", definition='{"StartAt": "A", "States": {}}')
    of_create("InvalidLoggingConfiguration", loggingConfiguration={"level": "ALL"})
    of_create("ValidationException", type="SOMETHING")
    of_create("InvalidEncryptionConfiguration", encryptionConfiguration=CUSTOMER_KEY)
    tags = [{"key": f"key{number}", "value": ""} for number in range(51)]
    of_create("TooManyTags", name="tagged", tags=tags)

    of_update("MissingRequiredParameter")
    of_update("InvalidArn", roleArn="nobody")
    of_update("InvalidDefinition", definition="[]")
    of_update("InvalidLoggingConfiguration", loggingConfiguration={"level": "ALL"})
    of_update("InvalidEncryptionConfiguration", encryptionConfiguration=CUSTOMER_KEY)
    of_update("StateMachineDoesNotExist", stateMachineArn=ABSENT, definition=PASS)
    of_update("ValidationException", definition=PASS, versionDescription="without publish")

    label = f"{machine}/label"
    labelled = refused("ValidationException", sfn.delete_state_machine, stateMachineArn=label)
    assert labelled["reason"] == "API_DOES_NOT_SUPPORT_LABELED_ARNS", labelled
    for call in (sfn.describe_state_machine, sfn.delete_state_machine):
        refused("InvalidArn", call, stateMachineArn="orders")
    refused("InvalidToken", sfn.list_state_machines, nextToken="none")
