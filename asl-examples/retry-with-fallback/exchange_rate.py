"""A flaky exchange rate service.

The payload says how it behaves: `outage` is `none`, `short` (the first call of an execution
fails) or `long` (every call fails).
"""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

RATES = {"USD": 1.0842, "GBP": 0.8561}


def fail(error_type, message):
    print(json.dumps({"errorType": error_type, "errorMessage": message}))
    sys.exit(1)


def is_first_call():
    """Leaves a file behind at the first call of an execution and takes it away at the second."""
    execution = os.environ.get("STEPWELL_EXECUTION_ARN", "by-hand")
    name = hashlib.sha256(execution.encode()).hexdigest()[:16]
    mark = Path(tempfile.gettempdir()) / f"stepwell-exchange-rate-{name}"
    if mark.exists():
        mark.unlink()
        return False
    mark.touch()
    return True


request = json.load(sys.stdin)
if request["outage"] == "long" or (request["outage"] == "short" and is_first_call()):
    fail("RateServiceDown", "the rate service does not answer")
if request["currency"] not in RATES:
    fail("UnknownCurrency", f"no rate for {request['currency']}")
print(json.dumps({"rate": RATES[request["currency"]]}))
