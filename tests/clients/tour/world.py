"""What the topics of the tour share: the server, the client, and what has been asked of them."""

import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from machines import ROLE

# How long anything may take that is waited for, in seconds.
PATIENCE = 30


class World:
    """A server with a client that is as its users have it, retries aside."""

    def __init__(self, server):
        self.server = server
        self.answered = set()
        self.raised = set()
        self.sfn = None
        self.connect()

    def connect(self):
        """Makes a client of the server as it is now."""
        # A repeated request would hide an answer that should not have been.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=75, max_pool_connections=32)
        session = boto3.session.Session()
        self.sfn = session.client("stepfunctions", endpoint_url=self.server.address, config=config)
        self.sfn.meta.events.register("after-call.sfn", self._note)

    def _note(self, model, parsed, **_):
        if "Error" in parsed:
            self.raised.add((model.name, parsed["Error"]["Code"]))
        else:
            self.answered.add(model.name)

    def refused(self, error, call, /, **parameters):
        """Asserts that a call raises the error of this name as its own type; answers it."""
        try:
            answer = call(**parameters)
        except ClientError as raised:
            expected = getattr(self.sfn.exceptions, error)
            assert type(raised).__name__ == expected.__name__, f"not {error}: {raised}"
            assert raised.response["ResponseMetadata"]["HTTPStatusCode"] == 400, raised
            assert raised.response["Error"]["Message"], raised
            return raised.response
        raise AssertionError(f"not {error}, but {answer}")

    def create(self, name, definition, **more):
        """Creates a state machine; answers its ARN."""
        created = self.sfn.create_state_machine(
            name=name, definition=definition, roleArn=ROLE, **more
        )
        return created["stateMachineArn"]

    def start(self, machine, name, text="{}"):
        """Starts an execution; answers its ARN."""
        started = self.sfn.start_execution(stateMachineArn=machine, name=name, input=text)
        return started["executionArn"]

    def describe(self, execution):
        return self.sfn.describe_execution(executionArn=execution)

    def ended(self, execution, status="SUCCEEDED"):
        """Waits for the end of an execution and asserts how it is; answers its description."""
        described = self.until(
            lambda: (d := self.describe(execution))["status"] != "RUNNING" and d
        )
        assert described["status"] == status, described
        return described

    def until(self, condition):
        """Asks until there is an answer."""
        end = time.monotonic() + PATIENCE
        while True:
            answer = condition()
            if answer:
                return answer
            assert time.monotonic() < end, "it was waited for in vain"
            time.sleep(0.01)

    def pages(self, operation, member, size, **parameters):
        """All items of a list through boto3's paginator, which has to see several pages."""
        paginator = self.sfn.get_paginator(operation)
        pages = list(paginator.paginate(**parameters, PaginationConfig={"PageSize": size}))
        assert len(pages) > 1, f"{operation}: {pages}"
        assert all(len(page[member]) <= size for page in pages), pages
        whole = getattr(self.sfn, operation)(**parameters)[member]
        items = [item for page in pages for item in page[member]]
        assert items == whole, f"{operation}: {items} is not {whole}"
        return items


def without_metadata(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
