"""What botocore's model says of every member of every request, broken all at once."""

import re

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from model import service

# Bytes of a request that may be spent on texts that are too long.
ROOM = 900_000

VIOLATION = re.compile(
    r"Value(?: (?:null|'.*'))? at '([^']+)' failed to satisfy constraint: Member must (.+)", re.S
)

# The model lets a tag be without a key, and what such a tag would be is not known.
KEYS = "tags.1.member.key"


def tour(world):
    check(world)
    yield
    check(world)


def check(world):
    """Asserts that each operation tells all that is wrong, in the order of its model."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    session = boto3.session.Session()
    client = session.client("stepfunctions", endpoint_url=world.server.address, config=config)
    for name in service().operation_names:
        request, expected = {}, []
        room = ROOM
        shape = service().operation_model(name).input_shape
        for member, inner in shape.members.items():
            is_required = member in shape.required_members
            value, broken = wrong(inner, member, is_required, room)
            room -= len(str(value))
            if value is not None:
                request[member] = value
            expected += broken
        if expected:
            assert told(client, name, request) == expected, name


def told(client, name, request):
    """The members that a refusal names, each with its rule."""
    try:
        answer = getattr(client, xform_name(name))(**request)
    except ClientError as raised:
        error = raised.response["Error"]
        assert error["Code"] == "ValidationException", raised
        head, _, body = error["Message"].partition(" detected: ")
        found = [VIOLATION.fullmatch(part).groups() for part in split(body)]
        plural = "" if len(found) == 1 else "s"
        assert head == f"{len(found)} validation error{plural}", head
        return [(member, ordered(rule)) for member, rule in found]
    raise AssertionError(f"{name} accepts {request}: {answer}")


def split(body):
    return re.split(r"; (?=Value (?:null |'|at '))", body)


def ordered(rule):
    """A rule whose order does not matter: AWS's order of most texts is not known."""
    start = "satisfy enum value set: ["
    if rule.startswith(start):
        return start + ", ".join(sorted(rule[len(start) : -1].split(", "))) + "]"
    return rule


def wrong(shape, path, is_required, room):
    """A value that breaks what it can, and the members with the rules that it breaks."""
    if shape.type_name == "structure":
        value, broken = {}, []
        for name, inner in shape.members.items():
            at = f"{path}.{name}"
            given, more = wrong(inner, at, name in shape.required_members or at == KEYS, room)
            room -= len(str(given))
            if given is not None:
                value[name] = given
            broken += more
        return value, broken
    if shape.type_name == "list":
        value, broken = wrong(shape.member, f"{path}.1.member", False, room)
        return [value], broken
    if shape.type_name == "string":
        return wrong_text(shape, path, is_required, room)
    if "min" in shape.metadata:
        return shape.metadata["min"] - 1, [
            (path, f"have value greater than or equal to {shape.metadata['min']}")
        ]
    return None, [(path, "not be null")] if is_required else []


def wrong_text(shape, path, is_required, room):
    if shape.enum:
        return "?", [(path, ordered(f"satisfy enum value set: [{', '.join(shape.enum)}]"))]
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max")
    if least > 0 and "pattern" not in shape.metadata:
        return "", [(path, f"have length greater than or equal to {least}")]
    if most is not None and most < room:
        return "x" * (most + 1), [(path, f"have length less than or equal to {most}")]
    return None, [(path, "not be null")] if is_required else []
