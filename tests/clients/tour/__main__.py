"""`python -m tour PROGRAM FOLDER`: the whole tour, on a server of the program."""

import os
import sys
import time

import server
from model import check

from . import (
    activities,
    callbacks,
    constraints,
    deletions,
    executions,
    express,
    map_runs,
    redrives,
    single_states,
    state_machines,
    tags,
    versions,
)
from .world import World

TOPICS = (
    map_runs,
    executions,
    state_machines,
    versions,
    express,
    activities,
    callbacks,
    redrives,
    deletions,
    tags,
    single_states,
    constraints,
)


def main(program, folder):
    with server.Server(program, folder) as running:
        os.environ.update(server.environment(running.address))
        world = World(running)
        tours = [(topic.__name__, topic.tour(world)) for topic in TOPICS]
        began = time.monotonic()
        for name, tour in tours:
            print(f"{name}, until the server is killed", flush=True)
            next(tour)
        running.kill()
        running.start()
        world.connect()
        for name, tour in tours:
            print(f"{name}, after the kill", flush=True)
            assert next(tour, "done") == "done", f"{name} yields once"
        running.check_log()
    check(world.answered, world.raised)
    took = time.monotonic() - began
    print(f"{len(world.answered)} operations, {len(world.raised)} refusals, {took:.1f} s")


main(*sys.argv[1:])
