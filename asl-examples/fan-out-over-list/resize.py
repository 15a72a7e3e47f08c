"""Computes the size of a thumbnail: the longest side shrinks to `longestSide`, the shape is kept."""

import json
import sys

request = json.load(sys.stdin)
picture = request["picture"]

if not picture["name"].endswith((".jpg", ".png")):
    message = f"{picture['name']} is neither a JPEG nor a PNG picture"
    print(json.dumps({"errorType": "UnsupportedFormat", "errorMessage": message}))
    sys.exit(1)

longest = max(picture["width"], picture["height"])
target = min(longest, request["longestSide"])  # small pictures are not blown up
thumbnail = {side: picture[side] * target // longest for side in ("width", "height")}
print(json.dumps(thumbnail))
