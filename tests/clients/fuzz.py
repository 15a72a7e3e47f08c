"""`python fuzz.py PROGRAM FOLDER`: schemathesis, from the document that the server has of itself.

Once with names of what is there, so that a request gets behind the first checks, and once with
whatever names it thinks of.
"""

import os
import subprocess
import sys
from pathlib import Path

import boto3

from machines import PASS, ROLE, WAIT
from server import Server, environment

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
SEED = "7"
# Cases of each operation that are made up by chance; others follow from its description.
CASES_MAX = "15"
# An answer that takes longer counts as none, in seconds.
HANG = "20"

KNOWN_NAMES = """
[parameters]
"path.machine" = "orders"
"path.execution" = "first"
"""


CHECKS = (
    "not_a_server_error,content_type_conformance,response_schema_conformance,unsupported_method"
)


def main(program, folder):
    with Server(program, folder) as server:
        os.environ.update(environment(server.address))
        sfn = boto3.client("stepfunctions")
        orders = begin(sfn, "orders", PASS)
        waiting = begin(sfn, "waiting", WAIT)
        configuration = Path(folder) / "schemathesis.toml"
        configuration.write_text(KNOWN_NAMES)
        # Without its state machine the rest would find nothing there.
        run(server, configuration, "--exclude-method", "DELETE")
        listed = sfn.list_executions(stateMachineArn=orders)["executions"]
        assert len(listed) > 1, "it has started none of what is there"
        configuration.write_text("")
        run(server, configuration)
        listed = sfn.list_executions(stateMachineArn=waiting)["executions"]
        assert [item["status"] for item in listed] == ["RUNNING"], "it was left alone"
        server.check_log()


def begin(sfn, name, definition):
    """Creates a state machine with an execution; answers its ARN."""
    created = sfn.create_state_machine(name=name, definition=definition, roleArn=ROLE)
    machine = created["stateMachineArn"]
    sfn.start_execution(stateMachineArn=machine, name="first", input="{}")
    return machine


def run(server, configuration, *more):
    """Runs it; what it finds it prints itself, with the request that shows it again."""
    done = subprocess.run(
        [SCHEMATHESIS, "--config-file", configuration, "run", *more]
        + ["--seed", SEED, "--generation-database", "none", "--max-examples", CASES_MAX]
        + ["--phases", "examples,coverage,fuzzing", "--checks", CHECKS, "--no-color"]
        + ["--request-timeout", HANG, "--warnings", "off", f"{server.address}/v1/openapi.json"],
        cwd=server.folder,
        timeout=300,
    )
    assert done.returncode == 0, f"schemathesis ended with {done.returncode}"


main(*sys.argv[1:])
