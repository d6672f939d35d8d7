"""A client under test for the Python package syft-rpc.

It reads calls from standard input and writes results to standard output, one JSON
object a line. Each call has a thread of its own:

    {"call":"1","url":"syft://...","method":"POST","body":"<base64>","headers":{},"timeout_ms":30000}
    {"call":"1","status":200,"body":"<base64>","took_ms":113.2,"error":"","resent":0}

It exits when standard input has ended and every call has a result.
"""

import os

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import base64
import json
import sys
import threading
import time

from syft_core import Client
from syft_rpc import rpc

# The package's default is 100 ms, which would dominate the measured latency.
POLL_INTERVAL = 0.005

client = Client.load()
output = threading.Lock()


def run(line):
    end = {"call": line["call"], "status": 0, "body": None, "took_ms": 0, "error": "", "resent": 0}
    body = line.get("body")
    timeout = (line.get("timeout_ms") or 900_000) / 1000
    try:
        began = time.monotonic()
        future = rpc.send(
            url=line["url"],
            method=line.get("method") or "GET",
            body=None if body is None else base64.b64decode(body),
            headers=line.get("headers") or {},
            expiry=f"{max(1, round(timeout))}s",
            cache=False,
            client=client,
        )
        response = future.wait(timeout=timeout, poll_interval=POLL_INTERVAL)
        end["took_ms"] = (time.monotonic() - began) * 1000
        end["status"] = int(response.status_code)
        if response.body is not None:
            end["body"] = base64.b64encode(response.body).decode()
        # The package makes these responses itself when a request is gone or rejected.
        if response.sender == "system@syftbox.localhost":
            end["error"] = f"no response: {end['status']} {response.body!r}"
    except Exception as error:  # every call must have a result
        end["error"] = f"{type(error).__name__}: {error}"
    with output:
        print(json.dumps(end), flush=True)


threads = []
for text in sys.stdin:
    thread = threading.Thread(target=run, args=(json.loads(text),))
    thread.start()
    threads.append(thread)
for thread in threads:
    thread.join()
