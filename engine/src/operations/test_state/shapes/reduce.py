#!/usr/bin/env python3
"""Reduces the API models of AWS services to the tables that mocks of TestState are checked against.

    pip install botocore==1.41.5
    python3 engine/src/operations/test_state/shapes/reduce.py

writes one text file per service of SERVICES beside this script. Step Functions lags behind the
services: the version is that of the time at which its answers were recorded, and newer ones have
bounds that it did not know. The models are those of botocore,
Copyright Amazon.com, Inc. or its affiliates, licensed under the Apache License, Version 2.0
(https://github.com/boto/botocore). What is kept of them are facts: which members an operation
answers with, of which type and within which bounds, and which of them are required.

A table has one line per operation that answers something, `Name=type`, and one line per shape:
`7 Member:type,!Required:type` for a structure, `8 =ONE|TWO` for the values of a text. A type is

    s1..64   a text, with the bounds of its length where there are any
    x1..     bytes, which are a text too
    t        a time, which is a text too
    n0..10   a number, with its bounds
    b        a truth value
    *        anything
    [type    a list
    {type    a map
    7        the shape with this number
"""

import gzip
import json
import pathlib

import botocore

SERVICES = [
    "apigateway", "athena", "batch", "bedrock", "bedrock-runtime", "cloudwatch", "codebuild",
    "cognito-idp", "databrew", "dynamodb", "ec2", "ecs", "eks", "emr", "emr-containers",
    "emr-serverless", "events", "firehose", "glue", "iam", "kinesis", "kms", "lambda", "logs",
    "mediaconvert", "pipes", "rds", "s3", "sagemaker", "scheduler", "secretsmanager", "sns", "sqs",
    "ssm", "stepfunctions", "sts",
]

DATA = pathlib.Path(botocore.__file__).parent / "data"
HERE = pathlib.Path(__file__).parent


def read_model(service):
    """The newest model of a service, and its version."""
    version = sorted(folder.name for folder in (DATA / service).iterdir())[-1]
    plain = DATA / service / version / "service-2.json"
    if plain.exists():
        return json.loads(plain.read_text()), version
    with gzip.open(f"{plain}.gz") as file:
        return json.load(file), version


def bounds(shape):
    low, high = shape.get("min"), shape.get("max")
    if low in (None, 0) and shape["type"] in ("string", "blob"):
        low = None
    if low is None and high is None:
        return ""
    return f"{'' if low is None else low}..{'' if high is None else high}"


class Table:
    """The shapes that are reached from the answers of a service's operations."""

    def __init__(self, shapes):
        self.shapes = shapes
        self.numbers = {}
        self.lines = []

    def number(self, name, line):
        """The number of a shape; its line is made once, after the number is known."""
        if name not in self.numbers:
            number = self.numbers[name] = len(self.lines)
            self.lines.append(None)
            self.lines[number] = f"{number} {line()}"
        return str(self.numbers[name])

    def type_of(self, reference):
        name = reference["shape"]
        shape = self.shapes[name]
        kind = shape["type"]
        if shape.get("document") or shape.get("eventstream") or reference.get("jsonvalue"):
            return "*"
        if kind == "structure":
            return self.number(name, lambda: self.members(shape))
        if kind == "list":
            return "[" + self.type_of(shape["member"])
        if kind == "map":
            return "{" + self.type_of(shape["value"])
        if kind == "string" and shape.get("enum"):
            assert not any("|" in value or "\n" in value for value in shape["enum"]), name
            return self.number(name, lambda: "=" + "|".join(shape["enum"]))
        if kind == "boolean":
            return "b"
        if kind == "timestamp":
            return "t"
        letter = {"string": "s", "character": "s", "blob": "x"}.get(kind, "n")
        return letter + bounds(shape)

    def members(self, shape):
        required = shape.get("required", [])
        members = []
        for member, reference in shape.get("members", {}).items():
            mark = "!" if member in required else ""
            members.append(f"{mark}{member}:{self.type_of(reference)}")
        return ",".join(members)


def reduce(service):
    model, version = read_model(service)
    table = Table(model["shapes"])
    operations = []
    for name, operation in sorted(model["operations"].items()):
        if "output" in operation:
            operations.append(f"{name}={table.type_of(operation['output'])}")
    head = (
        f"# {service} {version}: what its operations answer with. Made by reduce.py from the model"
        f" in botocore {botocore.__version__},\n# Copyright Amazon.com, Inc. or its affiliates,"
        " Apache License 2.0.\n"
    )
    return head + "\n".join(operations + table.lines) + "\n"


def main():
    for service in SERVICES:
        (HERE / f"{service}.txt").write_text(reduce(service))


if __name__ == "__main__":
    main()
