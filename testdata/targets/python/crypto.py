"""Encrypt and decrypt with the Python package, for the tests of syftevent/syftcrypt.

Usage: python crypto.py COMMAND ARGUMENT ...

    path CONFIG ...          print the path of the private keys for each configuration
    bootstrap CONFIG         make keys
    check CONFIG             check that the private keys fit the DID document
    encrypt CONFIG TO        encrypt the standard input
    decrypt CONFIG           decrypt the standard input
    send CONFIG URL          send the standard input encrypted, decrypt the response, print it as JSON
    serve CONFIG APP         serve until the standard input is closed

The SyftBox server in the configurations does not exist, so that nothing uses the network.
"""

import os

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import json
import sys

from syft_core import Client
from syft_core.config import SyftClientConfig
from syft_crypto import EncryptedPayload, bootstrap_user, decrypt_message, encrypt_message, ensure_bootstrap, private_key_path
from syft_event import Request, Response, SyftEvents
from syft_rpc import rpc


def load(path):
    return Client(SyftClientConfig.load(path))


def send(client, url, body):
    future = rpc.send(url=url, method="POST", body=body, headers={"X-H": "1"}, encrypt=True, client=client)
    response = future.wait(timeout=60, poll_interval=0.01)
    text = response.body.decode()
    try:
        payload = EncryptedPayload.model_validate_json(text)
    except ValueError:
        encrypted = False
    else:
        encrypted, text = True, decrypt_message(payload, client=client)
    headers = dict(response.headers or {})
    return {"status": int(response.status_code), "encrypted": encrypted, "text": text, "headers": headers}


def serve(client, app):
    events = SyftEvents(app_name=app, client=client)

    def describe(request):
        headers = dict(request.headers or {})
        body = request.body or b""
        return Response(body=json.dumps({"text": body.decode(), "headers": headers}), headers={"X-Echo": "yes"})

    @events.on_request("/echo", encrypt_reply=True)
    def echo(request: Request) -> Response:
        return describe(request)

    @events.on_request("/plain")
    def plain(request: Request) -> Response:
        return describe(request)

    events.start()
    print("ready", flush=True)
    sys.stdin.read()
    events.stop()


def main():
    command, config, *rest = sys.argv[1:]
    if command == "path":
        for path in [config, *rest]:
            print(private_key_path(load(path)))
        return
    client = load(config)
    if command == "bootstrap":
        bootstrap_user(client)
    elif command == "check":
        ensure_bootstrap(client)
    elif command == "encrypt":
        print(encrypt_message(sys.stdin.read(), rest[0], client).model_dump_json(), end="")
    elif command == "decrypt":
        print(decrypt_message(EncryptedPayload.model_validate_json(sys.stdin.read()), client), end="")
    elif command == "send":
        print(json.dumps(send(client, rest[0], sys.stdin.read())))
    elif command == "serve":
        serve(client, rest[0])
    else:
        sys.exit(__doc__)


main()
