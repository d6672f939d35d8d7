"""The conformance application of SPEC.md, Appendix A, for the Python package syft-event.

The package has no patterns, so the features that need them are missing. The feature encryption
is missing, too: no option of the package makes an endpoint demand encryption, so a handler gets
plaintext requests and messages that cannot be decrypted. `make python` installs the package, and

    bin/syftevent-conformance -- .venv/bin/python testdata/targets/python/server.py

runs the suite against it.
"""

import os

# Debug logging costs the package a tenth of its speed.
os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import base64
import importlib.metadata
import json
import signal
import sys
import threading
import time

from syft_core import Client
from syft_event import Request, Response, SyftEvents

options = json.loads(os.environ.get("SYFTEVENT_OPTIONS") or "{}") or {}
events = SyftEvents(
    app_name=os.environ["SYFTEVENT_APP"],
    client=Client.load(),
    cleanup_expiry=options.get("cleanup_expiry", "30d"),
    cleanup_interval=options.get("cleanup_interval", "1h"),
)


@events.on_request("/echo")
def echo(request: Request) -> Response:
    headers = {f"x-echo-{name}": value for name, value in (request.headers or {}).items()}
    return Response(body=request.body, headers=headers)


@events.on_request("/fail")
def fail(request: Request) -> Response:
    raise RuntimeError("conformance-secret")


@events.on_request("/inspect")
def inspect(request: Request) -> Response:
    body = request.body
    return Response(
        body={
            "id": str(request.id),
            "sender": request.sender,
            "method": str(getattr(request.method, "value", request.method)),
            "url": str(request.url),
            "headers": dict(request.headers or {}),
            "body_text": None if body is None else body.decode(errors="replace"),
            "body_base64": None if body is None else base64.b64encode(body).decode(),
        }
    )


def append_record(request: Request) -> None:
    with open(os.environ["SYFTEVENT_RECORD"], "a") as f:
        f.write(f"{request.id}\n")


@events.on_request("/record")
def record(request: Request) -> Response:
    append_record(request)
    return Response(body="recorded")


@events.on_request("/slow")
def slow(request: Request) -> Response:
    append_record(request)
    time.sleep(json.loads(request.body)["ms"] / 1000)
    return Response(body="done")


@events.on_request("/sum")
def sum_(numbers: dict) -> Response:
    return Response(body={"result": numbers["a"] + numbers["b"]})


@events.on_request("/status")
def status(request: Request) -> Response:
    return Response(body=b"", status_code=json.loads(request.body)["code"])


@events.on_request("/empty")
def empty(request: Request) -> Response:
    return Response()


@events.on_request("/nested")
def nested(request: Request) -> Response:
    return Response(body="outer")


@events.on_request("/nested/inner")
def nested_inner(request: Request) -> Response:
    return Response(body="inner")


for n in range(options.get("extra_endpoints", 0)):
    events.on_request(f"/extra{n}")(echo)

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())


def watch_input():
    sys.stdin.buffer.read()
    stop.set()


threading.Thread(target=watch_input, daemon=True).start()
events.start()
ready = {
    "ready": True,
    "implementation": "syft-event (Python)",
    "version": importlib.metadata.version("syft-event"),
    "features": ["sum", "status", "empty", "nested", "extra", "schema", "cleanup"],
    # The package watches instead of polling: this is its detection delay.
    "poll_ms": 100,
    "settle_ms": 2000,
}
print(json.dumps(ready), flush=True)
stop.wait()
events.stop()
