"""A job service that knows one job per execution: submit, status, cancel.

The job succeeds at the poll that its submitter asked for. Between calls it lives in a file in
the temporary folder, named after the execution, and goes away with its last answer.
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

execution = os.environ.get("STEPWELL_EXECUTION_ARN", "by-hand")
name = hashlib.sha256(execution.encode()).hexdigest()[:16]
FILE = Path(tempfile.gettempdir()) / f"stepwell-poller-{name}.json"


def submit(request):
    job = request["job"]
    FILE.write_text(json.dumps({"pollsLeft": job["pollsNeeded"]}))
    return {"jobId": f"job-{job['name']}"}


def status(_request):
    polls_left = json.loads(FILE.read_text())["pollsLeft"] - 1
    if polls_left > 0:
        FILE.write_text(json.dumps({"pollsLeft": polls_left}))
        return {"state": "RUNNING"}
    FILE.unlink()
    return {"state": "SUCCEEDED", "result": {"documents": 1200}}


def cancel(_request):
    FILE.unlink(missing_ok=True)
    return {"state": "CANCELLED"}


ACTIONS = {"submit": submit, "status": status, "cancel": cancel}
print(json.dumps(ACTIONS[sys.argv[1]](json.load(sys.stdin))))
