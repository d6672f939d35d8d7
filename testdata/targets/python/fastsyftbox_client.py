"""Call an app with a client of FastSyftBox.

Usage: python fastsyftbox_client.py local DATA_DIR SENDER OWNER APP
       python fastsyftbox_client.py gateway URL SENDER OWNER APP
       python fastsyftbox_client.py http URL SENDER OWNER APP

It reads calls as lines of JSON and prints a line with the response, or the error, for each.
DATA_DIR is the SyftBox folder, URL that of SyftBox's server, with a slash
at the end. With "http", URL is that of a web server, which is called with httpx alone, to
compare.
"""

import os

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import base64
import contextlib
import json
import signal
import sys

import httpx
from fastsyftbox import direct_http_transport
from fastsyftbox.simple_client import SimpleRPCClient


def main():
    transport, place, sender, owner, app = sys.argv[1:]
    if transport == "local":
        client = SimpleRPCClient.for_local_transport(app_owner=owner, app_name=app, data_dir=place, sender_email=sender)
    elif transport == "http":
        client = httpx.Client(base_url=place)
    else:
        # The package has no other way to name the server.
        direct_http_transport.CONSTANTS["DEFAULT_SERVER_URL"] = place
        client = SimpleRPCClient.for_syftbox_transport(app_owner=owner, app_name=app, sender_email=sender)
    for line in iter(sys.stdin.readline, ""):
        call = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # the package prints its progress
                response = client.request(
                    call["method"],
                    call["path"],
                    headers=call.get("headers"),
                    content=base64.b64decode(call["body"]) if "body" in call else None,
                )
            result = {
                "status": response.status_code,
                "headers": response.headers.multi_items(),
                "body": base64.b64encode(response.content).decode(),
            }
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    main()
