"""A FastSyftBox app, which the tests of package syfthttp call over HTTP and over SyftBox.

Usage: python fastsyftbox_app.py APP

It serves APP for the datasite in $SYFTBOX_CLIENT_CONFIG_PATH. When it is ready, it prints a
line of JSON with the port of its HTTP server on 127.0.0.1. It stops at SIGTERM, and at the
end of its standard input.
"""

import os

os.environ.setdefault("LOGURU_LEVEL", "WARNING")

import asyncio
import base64
import json
import signal
import socket
import sys
import threading
from contextlib import asynccontextmanager
from typing import Optional

import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from fastsyftbox import FastSyftBox
from pydantic import BaseModel

listener = socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def lifespan(_: FastAPI):
    # FastSyftBox has started its bridge before.
    print(json.dumps({"ready": True, "port": listener.getsockname()[1]}), flush=True)
    yield


app = FastSyftBox(sys.argv[1], lifespan=lifespan)
app.add_middleware(GZipMiddleware, minimum_size=500)


@app.api_route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
async def echo(request: Request) -> JSONResponse:
    """Return the request as the app sees it."""
    return JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "headers": {name: value for name, value in request.headers.items() if name.startswith(("x-", "content-", "cookie"))},
            "body": (await request.body()).decode("latin-1"),
        }
    )


class Numbers(BaseModel):
    a: int
    b: int


@app.post("/sum")
def sum_(numbers: Numbers) -> dict:
    return {"result": numbers.a + numbers.b}


@app.get("/hello")
def hello(name: str, times: int = 1) -> dict:
    return {"hello": [name] * times}


@app.get("/headers")
def headers() -> Response:
    response = PlainTextResponse("headers")
    response.set_cookie("a", "1", expires="Wed, 21 Oct 2099 07:28:00 GMT")
    response.set_cookie("b", "2", path="/b")
    response.headers.append("X-Multi", "one")
    response.headers.append("X-Multi", "two")
    return response


@app.get("/large")
def large() -> Response:
    return PlainTextResponse("large " * 200)


@app.get("/gzip")
def gzip_file() -> Response:
    return Response(base64.b64decode("H4sIAAAAAAACA8vMU0hUSMvMSQUAs7KnswkAAAA="), media_type="application/gzip")


@app.get("/status/418")
def teapot() -> Response:
    raise HTTPException(418, "short and stout", headers={"X-Reason": "teapot"})


@app.get("/status/420")
def unregistered() -> Response:
    return PlainTextResponse("enhance your calm", status_code=420)


@app.get("/status/204")
def no_content() -> Response:
    return Response(status_code=204)


@app.get("/status/304")
def not_modified() -> Response:
    return Response(status_code=304, headers={"ETag": '"1"'})


@app.get("/missing")
def missing() -> Response:
    raise HTTPException(404, "no such note")


@app.get("/exception")
def exception() -> Response:
    raise RuntimeError("secret")


@app.api_route("/binary", methods=["GET", "POST"])
async def binary(request: Request) -> Response:
    return Response(bytes(range(256)) + await request.body(), media_type="application/octet-stream")


@app.get("/empty")
def empty() -> Response:
    return Response()


@app.get("/redirect")
def redirect() -> Response:
    return RedirectResponse("/hello?name=redirected")


@app.get("/folder/")
def folder() -> str:
    return "folder"


@app.get("/stream")
def stream() -> Response:
    return StreamingResponse(iter(["one ", "two ", "three"]), media_type="text/plain")


runs = []


@app.get("/notes")
def list_notes() -> dict:
    return {"notes": runs}


@app.post("/notes")
def add_note(note: str) -> dict:
    runs.append(note)
    return {"added": note}


@app.get("/slow")
async def slow() -> str:
    await asyncio.sleep(6)  # longer than the timeout that httpx has by default
    return "slow"


@app.get("/items/{item}")
def item(item: str, limit: Optional[int] = None) -> dict:
    return {"item": item, "limit": limit}


@app.get("/items/all")
def items() -> dict:
    return {"items": "all"}


if __name__ == "__main__":
    # The server of uvicorn restores this handler and raises the signal again.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=30))

    def watch_input():
        # Not with sys.stdin, whose lock Python needs at its exit.
        while os.read(0, 4096):
            pass
        server.should_exit = True

    threading.Thread(target=watch_input, daemon=True).start()
    server.run(sockets=[listener])
