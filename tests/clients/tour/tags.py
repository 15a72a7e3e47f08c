"""Tags of state machines and activities."""

from machines import PASS, arn


def tour(world):
    sfn = world.sfn
    machine = world.create("tagged", PASS, tags=[{"key": "a", "value": "1"}])
    activity = sfn.create_activity(name="tagged")["activityArn"]
    for resource in (machine, activity):
        sfn.tag_resource(resourceArn=resource, tags=[{"key": "b", "value": "2"}])
        sfn.tag_resource(resourceArn=resource, tags=[{"key": "a", "value": "3"}])
    sfn.untag_resource(resourceArn=activity, tagKeys=["a", "absent"])

    tags = [{"key": f"key{number}", "value": ""} for number in range(49)]
    many = world.refused("TooManyTags", sfn.tag_resource, resourceArn=machine, tags=tags)
    assert many["resourceName"] == machine, many
    for call, more in (
        (sfn.tag_resource, {"tags": []}),
        (sfn.untag_resource, {"tagKeys": []}),
        (sfn.list_tags_for_resource, {}),
    ):
        absent = arn("activity", "absent")
        gone = world.refused("ResourceNotFound", call, resourceArn=absent, **more)
        assert gone["resourceName"] == absent, gone
        world.refused("InvalidArn", call, resourceArn="tagged", **more)
    yield

    assert tags_of(world, machine) == {"a": "3", "b": "2"}
    assert tags_of(world, activity) == {"b": "2"}
    world.sfn.delete_activity(activityArn=activity)


def tags_of(world, resource):
    listed = world.sfn.list_tags_for_resource(resourceArn=resource)["tags"]
    return {tag["key"]: tag["value"] for tag in listed}
