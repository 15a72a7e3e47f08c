"""Activities: workers in threads, and one worker whose task outlasts a kill."""

import json
import threading

from machines import activity_task, arn

from server import Server

from .state_machines import CUSTOMER_KEY
from .world import PATIENCE, World

TASKS = 12
WORKERS = 3


def tour(world):
    sfn = world.sfn
    activity = sfn.create_activity(name="pack", tags=[{"key": "team", "value": "shop"}])
    activity = activity["activityArn"]
    assert activity == arn("activity", "pack")
    assert sfn.create_activity(name="pack")["activityArn"] == activity
    described = sfn.describe_activity(activityArn=activity)
    assert described["name"] == "pack" and described["creationDate"].tzinfo
    others = [sfn.create_activity(name=name)["activityArn"] for name in ("send", "count")]
    names = [item["name"] for item in world.pages("list_activities", "activities", 2)]
    assert {"pack", "send", "count"} <= set(names)

    retry = [{"ErrorEquals": ["Dropped"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    machine = world.create("packing", activity_task(activity, Retry=retry, HeartbeatSeconds=600))
    packed_by_workers(world, activity, machine)

    held = world.start(machine, "held", '{"parcel": "held"}')
    token = next_task(world, activity, "held")
    sfn.send_task_heartbeat(taskToken=token)
    queued = world.start(machine, "queued", '{"parcel": "queued"}')
    refusals(world, activity, token)
    yield

    sfn = world.sfn
    again = sfn.describe_activity(activityArn=activity)
    assert again["creationDate"] == described["creationDate"]
    sfn.send_task_heartbeat(taskToken=token)
    sfn.send_task_success(taskToken=token, output='"packed"')
    assert world.ended(held)["output"] == '"packed"'
    for call, more in (
        (sfn.send_task_success, {"output": "{}"}),
        (sfn.send_task_failure, {}),
        (sfn.send_task_heartbeat, {}),
    ):
        world.refused("TaskTimedOut", call, taskToken=token, **more)
    token = next_task(world, activity, "queued")
    sfn.send_task_failure(taskToken=token, error="Broken", cause="glass")
    ended = world.ended(queued, "FAILED")
    assert (ended["error"], ended["cause"]) == ("Broken", "glass")
    for activity in [activity, *others]:
        sfn.delete_activity(activityArn=activity)
    world.refused("ActivityDoesNotExist", sfn.describe_activity, activityArn=activity)


def next_task(world, activity, parcel):
    """Takes the task that waits; answers its token."""
    task = world.sfn.get_activity_task(activityArn=activity, workerName="tour")
    assert json.loads(task["input"]) == {"parcel": parcel}, task
    return task["taskToken"]


def packed_by_workers(world, activity, machine):
    """Workers do all tasks; each drops its first one, which is tried again."""
    executions = [world.start(machine, f"p{n}", f'{{"parcel": {n}}}') for n in range(TASKS)]
    done, problems = [], []

    def work(name):
        try:
            has_dropped = False
            while True:
                task = world.sfn.get_activity_task(activityArn=activity, workerName=name)
                token, parcel = task["taskToken"], json.loads(task["input"])["parcel"]
                if not has_dropped and parcel != "home":
                    has_dropped = True
                    world.sfn.send_task_failure(taskToken=token, error="Dropped")
                    continue
                output = json.dumps({"packed": parcel})
                world.sfn.send_task_success(taskToken=token, output=output)
                if parcel == "home":
                    return
                done.append(parcel)
        except Exception as problem:
            problems.append(problem)

    workers = [threading.Thread(target=work, args=(f"worker{n}",)) for n in range(WORKERS)]
    for worker in workers:
        worker.start()
    for number, execution in enumerate(executions):
        assert json.loads(world.ended(execution)["output"]) == {"packed": number}
    homes = [world.start(machine, f"home{n}", '{"parcel": "home"}') for n in range(WORKERS)]
    for worker, home in zip(workers, homes):
        worker.join(PATIENCE)
        world.ended(home)
    assert not problems, problems
    assert sorted(done) == list(range(TASKS)), "each task is done once"


def refusals(world, activity, token):
    sfn, refused = world.sfn, world.refused
    create, absent = sfn.create_activity, arn("activity", "absent")
    refused("InvalidName", create, name="with space")
    tags = [{"key": f"key{number}", "value": ""} for number in range(51)]
    refused("TooManyTags", create, name="tagged", tags=tags)
    encrypted = {"name": "encrypted", "encryptionConfiguration": CUSTOMER_KEY}
    refused("InvalidEncryptionConfiguration", create, **encrypted)
    for call in (sfn.describe_activity, sfn.delete_activity, sfn.get_activity_task):
        refused("InvalidArn", call, activityArn="pack")
    for call in (sfn.describe_activity, sfn.get_activity_task):
        refused("ActivityDoesNotExist", call, activityArn=absent)
    refused("InvalidToken", sfn.list_activities, nextToken="none")
    refused("InvalidOutput", sfn.send_task_success, taskToken=token, output="{")
    foreign = token_of_another_database(world)
    for call, more in (
        (sfn.send_task_success, {"output": "{}"}),
        (sfn.send_task_failure, {}),
        (sfn.send_task_heartbeat, {}),
    ):
        refused("InvalidToken", call, taskToken="none", **more)
        refused("TaskDoesNotExist", call, taskToken=foreign, **more)


def token_of_another_database(world):
    folder = world.server.folder / "elsewhere"
    folder.mkdir()
    with Server(world.server.program, folder) as elsewhere:
        other = World(elsewhere)
        activity = other.sfn.create_activity(name="other")["activityArn"]
        other.start(other.create("other", activity_task(activity)), "one", '{"parcel": "other"}')
        return next_task(other, activity, "other")
