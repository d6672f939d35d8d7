"""Measures the page and the network under load: python load.py [CALLS] [SECONDS] [PAGE...]. It
writes requests and responses as files, directly, once for each PAGE: off (there is none), hidden
(open in a tab in the background) or shown. The default is all three."""

import base64
import collections
import json
import os
import sys
import threading
import time
import uuid

from network import ALICE, BOB, Network, browser

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 60
PAGES = sys.argv[3:] or ["off", "hidden", "shown"]

PERMISSIONS = """rules:
- pattern: '**/{{.UserEmail}}/*.request'
  access:
    read: ['USER']
    write: ['USER']
- pattern: '**/{{.UserEmail}}/*.response'
  access:
    read: ['USER']
    write: ['USER']
"""

# Counts frames, their times, and tasks of more than 50 ms.
OBSERVE = """
window.frames_ = []; window.long_ = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) long_.push(e.duration); }).observe({entryTypes: ["longtask"]});
let last = performance.now();
requestAnimationFrame(function frame(now) { frames_.push(now - last); last = now; requestAnimationFrame(frame); });
"""


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


def cpu(pid):
    """Returns the CPU time of a process in seconds, and its memory in MiB."""
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    pages = int(open(f"/proc/{pid}/statm").read().split()[1])
    return (int(fields[11]) + int(fields[12])) / 100, pages * 4096 / 2**20


def run(page):
    """Makes the calls, and prints how many arrived and what they cost."""
    network = Network("-page", "off" if page == "off" else "127.0.0.1:0", server=False)
    driver = None
    try:
        rpc = network.rpc(BOB)
        rpc.mkdir(parents=True)
        (rpc / "syft.pub.yaml").write_text(PERMISSIONS)
        keep = rpc / "hello" / ALICE / "keep.request"
        keep.parent.mkdir(parents=True)
        keep.write_text("{}")
        requests = network.rpc(ALICE) / "hello" / ALICE
        while not (requests / "keep.request").exists():
            time.sleep(0.1)
        if page != "off":
            driver = browser()
            driver.get(network.page)
            driver.execute_script(OBSERVE)
        if page == "hidden":
            tab = driver.current_window_handle
            driver.switch_to.new_window("tab")
            time.sleep(3)  # until the page has noticed
        before, start = cpu(network.box.pid)[0], time.monotonic()
        delays, queue = [], collections.deque()
        done = threading.Event()

        def answer():
            """Answers requests in the order in which they were sent, as they arrive, at most one
            in 2 ms: SyftBox loses bursts."""
            body = base64.urlsafe_b64encode(b'{"ok": true}').decode()
            waiting = []
            while not done.is_set():
                while queue:
                    waiting.append(queue.popleft())
                now, rest = time.monotonic(), []
                for stem, at in waiting:
                    if (keep.parent / f"{stem}.request").exists():
                        delays.append(now - at)
                        message = {"id": stem, "sender": BOB, "status_code": 200, "headers": {}, "body": body}
                        (keep.parent / f"{stem}.response").write_text(json.dumps(message))
                        time.sleep(0.002)
                    elif now - at < 30:  # otherwise it was lost
                        rest.append((stem, at))
                waiting = rest
                time.sleep(0.005)

        server = threading.Thread(target=answer)
        server.start()
        for i in range(CALLS):
            stem = str(uuid.uuid4())
            body = base64.urlsafe_b64encode(json.dumps({"number": i}).encode()).decode()
            data = json.dumps({"id": stem, "sender": ALICE, "url": f"syft://{BOB}/app_data/echo/rpc/hello", "method": "POST", "headers": {"x-number": str(i)}, "body": body})
            (requests / f"{stem}.request").write_text(data)
            queue.append((stem, time.monotonic()))
            pause = start + (i + 1) * SECONDS / CALLS - time.monotonic()
            if pause > 0:
                time.sleep(pause)
        written = time.monotonic() - start
        # A request that was lost never arrives.
        count, quiet = 0, 0
        while quiet < 15:
            now = len(list(requests.glob("*.response")))
            quiet = 0 if now > count else quiet + 1
            count = now
            time.sleep(1)
        took = time.monotonic() - start - quiet
        done.set()
        server.join()
        used, memory = cpu(network.box.pid)
        result = {
            "page": page, "written_s": round(written, 1), "answered": count, "took_s": round(took, 1), "calls_per_s": round(count / took, 1),
            "request_median_ms": round(percentile(delays, 0.5) * 1000), "request_p95_ms": round(percentile(delays, 0.95) * 1000),
            "box_cpu_s": round(used - before, 1), "box_cpu_ms_per_call": round((used - before) / CALLS * 1000, 2), "box_memory_mib": round(memory),
            "load_average": os.getloadavg()[0],
        }
        if page == "hidden":
            driver.switch_to.window(tab)
            result["caught_up_ms"] = driver.execute_async_script(
                """const start = performance.now(), [wanted, done] = arguments;
                (function wait() { if (order.length < wanted) setTimeout(wait, 20); else done(Math.round(performance.now() - start)); })()""",
                min(10_000, CALLS),
            )
        if page != "off":
            result |= driver.execute_script(
                """frames_.sort((a, b) => a - b); const at = (p) => Math.round(frames_[Math.min(frames_.length - 1, Math.floor(frames_.length * p))] * 10) / 10;
                return {frames: frames_.length, frame_median_ms: at(0.5), frame_p95_ms: at(0.95), frame_p99_ms: at(0.99), frame_max_ms: at(1),
                  long_tasks: long_.length, longest_task_ms: Math.max(0, ...long_), heap_mib: Math.round(performance.memory.usedJSHeapSize / 2 ** 20),
                  shown_calls: order.length, shown_events: events.length, dropped, counts: document.getElementById("counts").textContent, nodes: document.querySelectorAll("*").length}"""
            )
        print(json.dumps(result), flush=True)
        return result
    finally:
        if driver:
            driver.quit()
        network.close()


results = {}
for page in PAGES:
    results[page] = run(page)
if "off" in results:
    for page, result in results.items():
        ratio = lambda name: round(result[name] / results["off"][name], 3)
        print(page, "calls_per_s:", ratio("calls_per_s"), "box_cpu_s:", ratio("box_cpu_s"))
