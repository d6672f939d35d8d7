"""Test a server with the Python package's client.

Usage: python interop.py SERVER [ARGUMENT ...]

SERVER is started by the contract of SPEC.md, Appendix A. The Python package sends the
requests and parses the responses. One request is a recorded file of the package, from
syftevent/internal/wire/testdata.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from syft_core import Client
from syft_core.config import SyftClientConfig
from syft_rpc import rpc
from syft_rpc.protocol import SyftFuture, SyftResponse

SERVER, CLIENT, APP = "alice@example.org", "bob@example.org", "demo"
VECTOR = Path(__file__).parents[3] / "syftevent/internal/wire/testdata/syft-rpc-send.request"
checked = 0


def check(what, got, want):
    global checked
    if got != want:
        sys.exit(f"{what}: {got!r}, want {want!r}")
    checked += 1


def config(directory, email):
    path = directory / f"{email}.json"
    path.write_text(json.dumps({"email": email, "data_dir": str(directory / "SyftBox"), "client_url": "http://127.0.0.1:1"}))
    return path


def calls(client):
    """Make calls through the package's API."""

    def call(endpoint, **arguments):
        url = rpc.make_url(SERVER, APP, endpoint)
        response = rpc.send(url=url, client=client, cache=False, **arguments).wait(timeout=60, poll_interval=0.01)
        check(f"{endpoint}: sender", response.sender, SERVER)
        check(f"{endpoint}: url", str(response.url), str(url))
        return int(response.status_code), response

    for body in (None, "", "text", "h\u00e9llo \u2028 <>&", b"\x00\xff\xfb", "x" * 1_000_000):
        status, response = call("echo", method="POST", body=body, headers={"X-A": 'a "quoted" \u00fc'})
        want = body.encode() if isinstance(body, str) else body
        check("echo: status", status, 200)
        check("echo: body", response.body, want)
        check("echo: header", response.headers.get("x-echo-X-A"), 'a "quoted" \u00fc')
    status, response = call("sum", method="POST", body={"a": 2, "b": 3})
    check("sum", (status, response.json()), (200, {"result": 5}))
    check("fail", call("fail", method="GET")[0], 500)
    check("unknown endpoint", call("no/such/endpoint", method="GET")[0], 404)
    check("path value", call("items/42", method="GET")[1].json(), {"id": "42"})
    check("status 418", call("status", method="POST", body={"code": 418})[0], 418)


def files(client, rpc_dir):
    """Send recorded and malformed request files."""
    folder = rpc_dir / "echo" / CLIENT
    folder.mkdir(parents=True, exist_ok=True)

    def answer(content, stem):
        # The package's client also writes a temporary file and renames it.
        temporary = folder / f"{stem}.tmp"
        temporary.write_text(content)
        temporary.rename(folder / f"{stem}.request")
        response_path = folder / f"{stem}.response"
        for _ in range(6000):
            if response_path.exists():
                break
            time.sleep(0.01)
        return SyftResponse.load(response_path)

    text = VECTOR.read_text()
    stem = json.loads(text)["id"]
    response = answer(text, stem)
    check("expired vector", (int(response.status_code), response.body), (419, b"Request expired"))
    check("expired vector: id", str(response.id), stem)

    other = str(uuid.uuid4())
    live = text.replace(stem, other).replace("2026-11-23T12:10:00.040308", "2099-01-01T00:00:00")
    response = answer(live, other)
    check("live vector", (int(response.status_code), response.body), (200, b'{"a":1}'))
    resolved = SyftFuture(id=uuid.UUID(other), path=folder, expires="2099-01-01T00:00:00Z").wait(timeout=10)
    check("live vector, by a future", (int(resolved.status_code), resolved.body), (200, b'{"a":1}'))

    broken = str(uuid.uuid4())
    response = answer("{]", broken)
    check("malformed file", (int(response.status_code), str(response.id)), (400, broken))


def main():
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    directory = Path(tempfile.mkdtemp(prefix="interop-"))
    server = None
    try:
        environment = dict(os.environ, SYFTEVENT_APP=APP, SYFTBOX_CLIENT_CONFIG_PATH=str(config(directory, SERVER)))
        server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while True:
            line = server.stdout.readline()
            if not line:
                sys.exit("the server exited before it was ready")
            if '"ready":true' in line.replace(" ", ""):
                break
        client = Client(SyftClientConfig.load(config(directory, CLIENT)))
        calls(client)
        files(client, directory / "SyftBox" / "datasites" / SERVER / "app_data" / APP / "rpc")
        server.stdin.close()
        check("the server's exit status", server.wait(timeout=30), 0)
    finally:
        if server is not None and server.poll() is None:
            server.kill()
            server.wait()
        shutil.rmtree(directory)
    print(f"the Python package accepts every response: {checked} checks")


if __name__ == "__main__":
    main()
