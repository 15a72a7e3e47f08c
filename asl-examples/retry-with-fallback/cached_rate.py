"""Answers with yesterday's exchange rate, from the file beside this program."""

import json
import sys
from pathlib import Path

cache = json.loads(Path(__file__).with_name("yesterday.json").read_text())
currency = json.load(sys.stdin)["currency"]
if currency not in cache["rates"]:
    print(json.dumps({"errorType": "UnknownCurrency", "errorMessage": f"no rate for {currency}"}))
    sys.exit(1)
print(json.dumps({"rate": cache["rates"][currency], "day": cache["day"]}))
