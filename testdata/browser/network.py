"""Starts a fakebox network, a server and a browser for the tests of the page."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "bin" / "syftevent-conformance"
BOB, ALICE = "bob@example.com", "alice@example.com"


class Network:
    """The command box for Bob and Alice, and the reference server of Bob's app echo."""

    def __init__(self, *flags, server=True):
        self.dir = Path(tempfile.mkdtemp(prefix="boxpage"))
        self.box = subprocess.Popen(
            [COMMAND, "box", *flags, self.dir / "box", BOB, ALICE], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.page = self.gateway = ""
        for line in self.box.stdout:
            if found := re.search(r"'(http://[^/]*)/api/", line):
                self.gateway = found[1]
            if found := re.match(r"  (http://\S+)$", line):
                self.page = found[1]
            if line.startswith("Events"):
                break
        # A full pipe would stop the network.
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.box.stdout), daemon=True).start()
        self.server = None
        if server:
            self.start_server()

    def start_server(self):
        environment = {
            **os.environ,
            "SYFTBOX_CLIENT_CONFIG_PATH": str(self.config(BOB)),
            "SYFTEVENT_APP": "echo",
            "SYFTEVENT_RECORD": str(self.dir / "record"),
        }
        self.server = subprocess.Popen(
            [COMMAND, "serve"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.server.stdout.readline()  # ready
        # SyftBox rejects requests until the permissions have reached its server.
        while not (self.rpc(ALICE) / "rpc.schema.json").exists():
            time.sleep(0.05)

    def config(self, email):
        return self.dir / "box" / email / "config.json"

    def datasites(self, email):
        return self.dir / "box" / email / "SyftBox" / "datasites"

    def rpc(self, email):
        """The folder rpc of Bob's app echo in somebody's replica."""
        return self.datasites(email) / BOB / "app_data" / "echo" / "rpc"

    def close(self):
        for process in self.server, self.box:
            if process is not None:
                process.terminate()
                process.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


def browser():
    """Returns a headless Chromium of Debian's packages chromium and chromium-driver."""
    options = webdriver.ChromeOptions()
    options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",  # the tests may run as root
        "--disable-dev-shm-usage",
        "--window-size=1280,900",
        "--enable-precise-memory-info",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
    driver.set_script_timeout(120)
    return driver
