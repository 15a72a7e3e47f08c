"""`python commands.py PROGRAM FOLDER`: every operation as a command of the `aws` CLI.

A command takes most of a second to start. So each operation is called once, what lies between the
calls is left to boto3, and commands that do not build on each other run side by side.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore import xform_name

from machines import ASK, PASS, PAY, ROLE, WAIT, activity_task, distributed, lone
from model import check_operations, service
from server import Server, environment

AWS = Path(sys.executable).parent / "aws"
COMMANDS_AT_ONCE = 4

# How long anything may take that is waited for, in seconds.
PATIENCE = 30


class Commands:
    """Runs commands and remembers which there were."""

    def __init__(self, server):
        self.server = server
        self.environment = {**os.environ, **environment(server.address), "AWS_PAGER": ""}
        self.names = set()
        session = boto3.session.Session(
            aws_access_key_id="any", aws_secret_access_key="any", region_name="us-east-1"
        )
        self.sfn = session.client("stepfunctions", endpoint_url=server.address)

    def run(self, command, *arguments):
        """Runs a command that has to succeed; answers what it printed, as JSON."""
        done = self._run(command, *arguments)
        assert done.returncode == 0, f"{command} {arguments}: {done.stderr}"
        self.names.add(command)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, error, command, *arguments):
        """Runs a command that has to fail with the error of this name."""
        done = self._run(command, *arguments)
        assert done.returncode != 0, f"{command} {arguments}: {done.stdout}"
        assert f"An error occurred ({error}) when calling" in done.stderr, done.stderr

    def _run(self, command, *arguments):
        return subprocess.run(
            [AWS, "stepfunctions", command, "--output", "json", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * PATIENCE,
        )

    def create(self, name, definition, **more):
        """Creates a state machine, without a command."""
        create = self.sfn.create_state_machine
        return create(name=name, definition=definition, roleArn=ROLE, **more)["stateMachineArn"]

    def start(self, machine, name, text="{}"):
        """Starts an execution, without a command."""
        started = self.sfn.start_execution(stateMachineArn=machine, name=name, input=text)
        return started["executionArn"]

    def ended(self, execution, status="SUCCEEDED"):
        """Waits for the end of an execution, without a command."""

        def ended():
            described = self.sfn.describe_execution(executionArn=execution)
            return described["status"] != "RUNNING" and described

        described = until(ended)
        assert described["status"] == status, described
        return described


def until(condition):
    """Asks until there is an answer."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, "it was waited for in vain"
        time.sleep(0.01)
    return answer


def machines(aws):
    file = aws.server.folder / "greet.asl.json"
    file.write_text(lone(Type="Pass", Result="hello"))
    created = aws.run(
        *("create-state-machine", "--name", "orders", "--role-arn", ROLE),
        *("--definition", f"file://{file}", "--tags", "key=a,value=b"),
    )
    at = ("--state-machine-arn", created["stateMachineArn"])
    described = aws.run("describe-state-machine", *at)
    assert described["definition"] == file.read_text() and described["status"] == "ACTIVE"
    aws.run("update-state-machine", *at, "--definition", PASS)
    query = ("--query", "stateMachines[?name=='orders'].stateMachineArn")
    assert aws.run("list-state-machines", *query) == [created["stateMachineArn"]]
    aws.run("delete-state-machine", *at)
    aws.refused("StateMachineDoesNotExist", "describe-state-machine", *at)


def tags(aws):
    at = ("--resource-arn", aws.create("tagged", PASS))
    aws.run("tag-resource", *at, "--tags", "key=team,value=shop", "key=a,value=b")
    aws.run("untag-resource", *at, "--tag-keys", "a")
    listed = aws.run("list-tags-for-resource", *at)
    assert listed["tags"] == [{"key": "team", "value": "shop"}]


def versions(aws):
    at = ("--state-machine-arn", aws.create("versioned", PASS))
    version = aws.run("publish-state-machine-version", *at)["stateMachineVersionArn"]
    assert version == f"{at[1]}:1"
    routing = f"stateMachineVersionArn={version},weight=100"
    created = ("create-state-machine-alias", "--name", "live", "--routing-configuration", routing)
    alias = ("--state-machine-alias-arn", aws.run(*created)["stateMachineAliasArn"])
    aws.run("update-state-machine-alias", *alias, "--description", "now")
    assert aws.run("describe-state-machine-alias", *alias)["description"] == "now"
    listed = aws.run("list-state-machine-aliases", *at)["stateMachineAliases"]
    assert [item["stateMachineAliasArn"] for item in listed] == [alias[1]]
    aws.run("delete-state-machine-alias", *alias)
    aws.run("delete-state-machine-version", "--state-machine-version-arn", version)
    assert aws.run("list-state-machine-versions", *at)["stateMachineVersions"] == []


def executions(aws):
    machine = aws.create("runs", PASS)
    started = aws.run("start-execution", "--state-machine-arn", machine, "--input", "[1]")
    for name in ("two", "three"):
        aws.ended(aws.start(machine, name))
    aws.ended(started["executionArn"])
    at = ("--execution-arn", started["executionArn"])
    described = aws.run("describe-execution", *at)
    assert described["status"] == "SUCCEEDED" and described["output"] == "[1]"
    assert described["startDate"] == started["startDate"]
    used = aws.run("describe-state-machine-for-execution", *at)
    assert used["definition"] == PASS and used["stateMachineArn"] == machine
    history = aws.run("get-execution-history", *at, "--page-size", "2")["events"]
    assert [event["id"] for event in history] == [1, 2, 3, 4]
    listing = ("list-executions", "--state-machine-arn", machine, "--max-items", "2")
    some = aws.run(*listing)
    rest = aws.run(*listing, "--starting-token", some["NextToken"])
    listed = [item["name"] for item in some["executions"] + rest["executions"]]
    assert listed[:2] == ["three", "two"] and len(listed) == 3


def failures(aws):
    execution = aws.start(aws.create("paying", PAY), "one", '{"amount": 7}')
    assert aws.ended(execution, "FAILED")["error"] == "CardDeclined"
    (aws.server.folder / "repaired").write_text("")
    aws.run("redrive-execution", "--execution-arn", execution)
    assert json.loads(aws.ended(execution)["output"]) == {"amount": 7}

    lasting = aws.start(aws.create("lasting", WAIT), "one")
    aws.run("stop-execution", "--execution-arn", lasting, "--error", "Enough")
    assert aws.ended(lasting, "ABORTED")["error"] == "Enough"


def express(aws):
    machine = ("--state-machine-arn", aws.create("quick", PASS, type="EXPRESS"))
    ended = aws.run("start-sync-execution", *machine, "--input", "[1]")
    assert ended["status"] == "SUCCEEDED" and ended["output"] == "[1]"
    aws.refused("StateMachineTypeNotSupported", "list-executions", *machine)


def activities(aws):
    activity = aws.run("create-activity", "--name", "pack")["activityArn"]
    at = ("--activity-arn", activity)
    assert aws.run("describe-activity", *at)["name"] == "pack"
    assert aws.run("list-activities")["activities"][0]["activityArn"] == activity
    execution = aws.start(aws.create("packing", activity_task(activity)), "one", '"parcel"')
    task = aws.run("get-activity-task", *at, "--worker-name", "shell")
    assert task["input"] == '"parcel"'
    token = ("--task-token", task["taskToken"])
    aws.run("send-task-heartbeat", *token)
    aws.run("send-task-failure", *token, "--error", "Broken")
    assert aws.ended(execution, "FAILED")["error"] == "Broken"
    aws.refused("TaskTimedOut", "send-task-heartbeat", *token)
    aws.run("delete-activity", *at)


def callbacks(aws):
    execution = aws.start(aws.create("asking", ASK), "one", '{"order": 1}')
    file = aws.server.folder / "asked.jsonl"
    text = until(lambda: file.exists() and (text := file.read_text()).endswith("\n") and text)
    token = json.loads(text.splitlines()[0])["token"]
    aws.run("send-task-success", "--task-token", token, "--task-output", '{"approved": true}')
    assert json.loads(aws.ended(execution)["output"]) == {"approved": True}


def map_runs(aws):
    machine = aws.create("each", distributed({"Type": "Wait", "Seconds": 86400}, MaxConcurrency=1))
    execution = aws.start(machine, "one", "[1, 2]")
    until(lambda: aws.sfn.list_map_runs(executionArn=execution)["mapRuns"])
    runs = aws.run("list-map-runs", "--execution-arn", execution)["mapRuns"]
    at = ("--map-run-arn", runs[0]["mapRunArn"])
    aws.run("update-map-run", *at, "--max-concurrency", "2")
    described = aws.run("describe-map-run", *at)
    assert described["status"] == "RUNNING" and described["maxConcurrency"] == 2


def single_states(aws):
    state = '{"Type": "Pass", "Parameters": {"b.$": "$.a"}, "Next": "Other"}'
    tested = aws.run(
        *("test-state", "--definition", state, "--role-arn", ROLE),
        *("--input", '{"a": 1}', "--inspection-level", "DEBUG"),
    )
    assert tested["nextState"] == "Other" and json.loads(tested["output"]) == {"b": 1}
    judged = aws.run("validate-state-machine-definition", "--definition", "{}")
    assert judged["result"] == "FAIL" and judged["diagnostics"]


PARTS = (
    versions,
    executions,
    activities,
    machines,
    tags,
    failures,
    map_runs,
    callbacks,
    express,
    single_states,
)


def main(program, folder):
    with Server(program, folder) as server:
        aws = Commands(server)
        with ThreadPoolExecutor(COMMANDS_AT_ONCE) as pool:
            for done in [pool.submit(part, aws) for part in PARTS]:
                done.result()
        server.check_log()
    operations = {xform_name(name, "-"): name for name in service().operation_names}
    check_operations({operations[name] for name in aws.names})
    print(f"{len(aws.names)} commands")


main(*sys.argv[1:])
