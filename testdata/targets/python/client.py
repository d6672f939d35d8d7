"""The conformance application of SPEC.md, Appendix A, in the role client, for the Python
package syft-rpc.

Results have two additional members, which the suite ignores: took_ms is the time from
before the request is sent until the call ends, and resent is always 0. Each call has a
thread of its own.
"""

import os

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import base64
import importlib.metadata
import json
import math
import re
import signal
import sys
import threading
import time

from syft_core import Client
from syft_rpc import rpc

# The sender of responses that the package makes itself because it has none, and the error
# codes by their status.
SYSTEM = "system@syftbox.localhost"
CODES = {403: "rejected", 404: "not-found", 419: "expired", 500: "bad-response"}

SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(duration):
    number, unit = re.fullmatch(r"([0-9]+)(ms|s|m|h)", duration).groups()
    return int(number) * SECONDS[unit]


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
options = json.loads(os.environ.get("SYFTEVENT_OPTIONS") or "{}")
# The package's default of 100 ms would dominate the measured latency.
poll_interval = seconds(options.get("poll_interval", "5ms"))
client = Client.load()
output = threading.Lock()


def write(line):
    with output:
        print(json.dumps(line), flush=True)


def send(call):
    body = call.get("body_base64")
    return rpc.send(
        url=call["url"],
        method=call["method"],
        body=None if body is None else base64.b64decode(body),
        headers=call.get("headers") or {},
        # The package has no smaller unit.
        expiry=f"{math.ceil(call['expires_in'])}s",
        cache=call.get("options", {}).get("cached", False),
        client=client,
    )


def outcome(call):
    """Make a call and return the members of its result."""
    try:
        future = send(call)
    except ValueError as error:  # also that of pydantic
        return {"error": "invalid", "detail": str(error)}
    # Without a timeout the package waits until the request expires.
    response = future.wait(timeout=None, poll_interval=poll_interval)
    status, body = int(response.status_code), response.body
    if response.sender == SYSTEM:
        return {"error": CODES.get(status, "other"), "detail": f"{status} {response.text()}"}
    return {
        "status": status,
        "headers": dict(response.headers),
        "body_base64": None if body is None else base64.b64encode(body).decode(),
    }


def run(call):
    began = time.monotonic()
    try:
        members = outcome(call)
    except Exception as error:  # every call must have a result
        members = {"error": "other", "detail": f"{type(error).__name__}: {error}"}
    write({"call": call["call"], **members, "took_ms": (time.monotonic() - began) * 1000, "resent": 0})


write(
    {
        "ready": True,
        "role": "client",
        "implementation": "syft-rpc",
        "version": importlib.metadata.version("syft-rpc"),
        "features": ["cached"],
        "poll_ms": poll_interval * 1000,
        # The package takes an incomplete response for a malformed one at once.
        "settle_ms": 0,
    }
)
threads = []
for text in sys.stdin.buffer:
    thread = threading.Thread(target=run, args=(json.loads(text),))
    thread.start()
    threads.append(thread)
for thread in threads:
    thread.join()
