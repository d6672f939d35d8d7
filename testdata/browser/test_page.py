"""Tests of the page in a real browser: python -m unittest -v. SCREENSHOTS names a folder
for screenshots."""

import http.server
import json
import os
import threading
import unittest
from pathlib import Path

from network import ALICE, BOB, Network, browser
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

TIMEOUT = 90  # seconds, for a busy machine


# The ids of the controls that Tab must reach. Tabs that are not selected are reached by arrow keys.
FOCUSABLE = """return [...document.querySelectorAll("button, input, select, textarea, a[href], summary")].filter((n) => n.offsetParent &&
  !n.disabled && n.tabIndex >= 0).map((n, i) => i)"""


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = Network("-speed", "2")
        cls.addClassCleanup(cls.network.close)
        cls.driver = browser()
        cls.addClassCleanup(cls.driver.quit)

    def setUp(self):
        self.driver.get("about:blank")
        self.driver.get(self.network.page)
        self.wait("the stream", lambda: "live" in self.css("#connection").text)

    def css(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, what, condition):
        return WebDriverWait(self.driver, TIMEOUT, 0.1, ignored_exceptions=[StaleElementReferenceException]).until(
            lambda _: condition(), f"timeout: {what}"
        )

    def api(self, method, path, body=None):
        """Calls the API from the page itself."""
        return self.driver.execute_async_script(
            """const [method, path, body, done] = arguments;
            fetch(path, {method, headers: body ? {"Content-Type": "application/json"} : {}, body})
              .then(async (r) => done({status: r.status, text: await r.text()}), (e) => done({status: 0, text: String(e)}));""",
            method,
            path,
            None if body is None else json.dumps(body),
        )

    def click(self, selector):
        """Clicks an element, which the page may replace at any time."""
        self.wait(selector, lambda: self.css(selector).click() or True)

    def tab(self, name):
        self.css(f"#tab-{name}").click()

    def fill(self, selector, text):
        field = self.css(selector)
        field.clear()
        field.send_keys(text)

    def send(self, endpoint, body, app="echo"):
        """Sends a request by the form and returns the number of the call."""
        self.tab("send")
        self.wait("people", lambda: len(self.all("#send-from option")) == 2)
        Select(self.css("#send-from")).select_by_value(ALICE)
        Select(self.css("#send-to")).select_by_value(BOB)
        self.fill("#send-app", app)
        self.fill("#send-endpoint", endpoint)
        self.fill("#send-body", body)
        before = self.css("#answer").text
        self.css("#send button[type=submit]").click()
        self.wait("a call number", lambda: "#" in self.css("#answer").text and self.css("#answer").text != before)
        return self.driver.execute_script("return answered.number")

    def answer(self):
        return self.css("#answer").text

    def test_send_shows_answer(self):
        number = self.send("/echo", '{"greeting": "hello"}')
        self.wait("the answer", lambda: "answered 200" in self.answer())
        text = self.answer()
        for part in ('"greeting": "hello"', "server responds", "alice app", "bob box", "received response"):
            self.assertIn(part, text)
        self.tab("calls")
        row = self.wait("the call", lambda: next((r for r in self.all("#calls .row") if f"#{number}\n" in r.text), None))
        self.assertIn("echo/echo", row.text)
        row.click()
        self.wait("the detail", lambda: f"#{number} POST echo/echo" in self.css("#detail").text)
        raw = self.api("GET", f"api/raw?n={number}&part=response")
        self.assertEqual(json.loads(raw["text"])["status_code"], 200)

    def test_lost_response_is_delivered_later(self):
        self.send("/echo", '"first"')  # creates the folders, which SyftBox then watches
        self.wait("the answer", lambda: "answered 200" in self.answer())
        for _ in range(5):  # a response that a full sync carries is not lost
            number = self.send("/slow", '{"ms": 4000}')
            self.wait("the arrival", lambda: "no answer" in self.answer() or "answered" in self.answer())
            self.tab("faults")
            self.wait("faults", lambda: self.all("[data-fault='burst-loss']"))
            self.click("[data-key='inject burst-loss']")
            self.wait("the fault", lambda: "next 1" in self.css("[data-fault='burst-loss'] .now").text)
            self.assertIn("publish-again", self.css("[data-fault='burst-loss']").text)
            self.tab("calls")
            self.css("#calls").send_keys(Keys.HOME, Keys.ENTER)
            self.wait("the detail", lambda: f"#{number} " in self.css("#detail").text)
            self.wait("the loss or the answer", lambda: "lost" in self.css("#detail").text or "answered" in self.css("#detail header").text)
            if "lost" in self.css("#detail").text:
                break
            self.tab("faults")
            self.css("#heal").click()
        self.wait("the later delivery", lambda: "the response arrived all the same" in self.css("#detail").text)
        Select(self.css("#filter-status")).select_by_value("lost")
        self.wait("one lost call", lambda: "1 of " in self.css("#counts").text)
        self.tab("faults")
        self.css("#heal").click()
        self.wait("no fault", lambda: not self.all(".fault.on"))
        self.assertIn("box fault -response burst-loss", self.api("GET", "api/script")["text"])

    def test_says_why_nobody_answers(self):
        self.send("/hello", "{}", app="nobody")
        self.wait("the diagnosis", lambda: "No server has created the app nobody" in self.answer())
        self.send("/logs/last", "{}")
        self.wait("the diagnosis", lambda: "never delivers this name" in self.answer())

    def test_offline_machine(self):
        self.tab("faults")
        self.wait("machines", lambda: self.all(f"[data-key='online {BOB}']"))
        self.click(f"[data-key='online {BOB}']")
        self.wait("the notice", lambda: f"{BOB} is offline" in self.css("#notices").text)
        self.send("/echo", '"later"')
        self.wait("the diagnosis", lambda: f"The machine of {BOB} is offline" in self.answer() or "not sent it" in self.answer())
        self.tab("faults")
        self.css("#heal").click()
        self.tab("send")
        self.wait("the answer", lambda: "answered 200" in self.answer())

    def test_other_site_can_neither_read_nor_send(self):
        target = self.network.page
        attack = f"""<!doctype html><title>other site</title><iframe name="f" src="{target}"></iframe><script>
            const done = [];
            const record = (name) => (p) => p.then(async (r) => done.push(name + " " + r.type + " " + r.status + " " + await r.text().catch(() => "")), () => done.push(name + " failed"));
            const page = {json.dumps(target)};
            record("read")(fetch(page + "api/state"));
            record("opaque")(fetch(page + "api/state", {{mode: "no-cors"}}));
            record("post")(fetch(page + "api/online", {{method: "POST", headers: {{"Content-Type": "application/json"}}, body: '{{"email":"{BOB}","online":false}}'}}));
            record("simple")(fetch(page + "api/online", {{method: "POST", mode: "no-cors", body: '{{"email":"{BOB}","online":false}}'}}));
            </script><script src="{target}app.js"></script><img src="{target}api/heal">
            <form method="post" enctype="text/plain" target="f" action="{target}api/online"><input name='{{"email":"{BOB}","online":false,"x":"' value='"}}'></form>
            <script>document.forms[0].submit()</script>""".encode()

        class Site(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(attack)

            def log_message(self, *_):
                pass

        site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        threading.Thread(target=site.serve_forever, daemon=True).start()
        try:
            self.driver.get(f"http://127.0.0.1:{site.server_port}/")
            results = self.wait("all attempts", lambda: (r := self.driver.execute_script("return done")) and len(r) == 4 and r)
            for result in results:
                self.assertNotIn(BOB, result)
                self.assertNotIn(" 200 ", result)
            self.assertEqual(self.driver.execute_script("return typeof addPart"), "undefined")
        finally:
            site.shutdown()
            site.server_close()
        self.setUp()
        state = json.loads(self.api("GET", "api/state")["text"])
        self.assertEqual([p["online"] for p in state["people"]], [True, True])
        self.driver.get(self.network.page.rsplit("/", 2)[0] + "/")
        self.assertIn("refused", self.css("body").text)

    def test_script_of_a_sender_does_not_run(self):
        attack = "<script>window.owned=1</script><img src=x onerror='window.owned=1'>"
        name = "<img src=x onerror=window.owned=1>"
        folder = self.network.rpc(ALICE) / name / ALICE
        folder.mkdir(parents=True, exist_ok=True)
        fields = {key: attack for key in ("id", "sender", "method", "url", "created", "expires")}
        message = {**fields, "headers": {attack: attack}, "body": "PHNjcmlwdD53aW5kb3cub3duZWQ9MTwvc2NyaXB0Pg=="}
        (folder / f"{name}.request").write_text(json.dumps(message))
        self.wait("the call", lambda: any("onerror" in row.text for row in self.all("#calls .row")))
        next(row for row in self.all("#calls .row") if "onerror" in row.text).click()
        self.wait("the detail", lambda: "<script>window.owned=1</script>" in self.css("#detail").text)
        for view in ("events", "faults", "send", "files", "calls"):
            self.tab(view)
        self.tab("files")
        self.wait("the file", lambda: "onerror" in self.css("#tree").text)
        next(b for b in self.all("#tree .file-name") if "onerror" in b.text).click()
        self.wait("its content", lambda: "window.owned" in self.css("#file").text)
        self.assertIsNone(self.driver.execute_script("return window.owned ?? null"))
        self.assertEqual(len(self.all("main img, main script, main iframe")), 0)
        # The policy blocks even a page that parses markup.
        blocked = self.driver.execute_script("try { document.body.innerHTML = '<p>'; return 'parsed' } catch (e) { return e.name }")
        self.assertEqual(blocked, "TypeError")

    def test_keyboard_only(self):
        active = lambda: self.driver.switch_to.active_element
        body = self.css("body")
        body.send_keys("3")
        self.wait("the form", lambda: active().get_attribute("id") == "tab-send")
        self.wait("people", lambda: len(self.all("#send-from option")) == 2)

        def tab_to(name):
            for _ in range(60):
                if self.driver.execute_script("const a = document.activeElement; return a.id === arguments[0] || a.dataset.key === arguments[0]", name):
                    return active()
                self.wait("the focus", lambda: active().send_keys(Keys.TAB) or True)
            self.fail(f"Tab does not reach {name}")

        tab_to("send-from").send_keys("alice")
        tab_to("send-to").send_keys("bob")
        tab_to("send-app").send_keys(Keys.CONTROL, "a", Keys.NULL, "echo")
        tab_to("send-endpoint").send_keys(Keys.CONTROL, "a", Keys.NULL, "/echo")
        tab_to("send-body").send_keys(Keys.CONTROL, "a", Keys.NULL, '"by keyboard"')
        active().send_keys(Keys.TAB)
        active().send_keys(Keys.ENTER)
        self.wait("the answer", lambda: "answered 200" in self.answer())
        number = self.driver.execute_script("return answered.number")
        active().send_keys("1")
        tab_to("calls").send_keys(Keys.HOME, Keys.ENTER)
        self.wait("the detail", lambda: "by keyboard" in self.css("#detail").text and f"#{number} " in self.css("#detail").text)
        tab_to("script")
        active().send_keys(Keys.ESCAPE)
        self.wait("the list", lambda: not self.css("#detail").is_displayed() and active().get_attribute("id") == "calls")
        active().send_keys("4")
        self.wait("faults", lambda: self.all("[data-key='next torn']"))
        tab_to("next torn").send_keys(Keys.ENTER)
        self.wait("the fault", lambda: "next 1" in self.css("[data-fault='torn'] .now").text)
        self.css("#heal").send_keys(Keys.ENTER)
        self.wait("no fault", lambda: not self.all(".fault.on"))
        active().send_keys("?")
        self.wait("the help", lambda: self.css("#help").is_displayed())

    def test_every_control_has_a_name(self):
        self.send("/echo", "1")
        for view in ("calls", "events", "send", "faults", "files"):
            self.tab(view)
            nameless = self.driver.execute_script(
                """return [...document.querySelectorAll("button, input, select, textarea, a[href]")].filter((node) => node.offsetParent &&
                  !(node.textContent.trim() && node.tagName !== "SELECT" && node.tagName !== "TEXTAREA") && !node.getAttribute("aria-label") && !node.labels?.length).map((node) => node.outerHTML)"""
            )
            self.assertEqual(nameless, [], view)

    def test_schema_fields_become_a_form(self):
        schema = self.network.datasites(BOB) / BOB / "app_data" / "sums" / "rpc" / "rpc.schema.json"
        schema.parent.mkdir(parents=True, exist_ok=True)
        schema.write_text(
            json.dumps({"/sum": {"description": "Adds.", "args": {"a": {"type": "int", "required": True}, "b": {"type": "bool", "required": False}}, "returns": "int"}})
        )
        self.tab("send")
        self.wait("people", lambda: len(self.all("#send-from option")) == 2)
        Select(self.css("#send-to")).select_by_value(BOB)
        self.wait("the app", lambda: self.driver.execute_script("return state.apps.some((a) => a.name === 'sums')"))
        self.fill("#send-app", "sums")
        self.fill("#send-endpoint", "/sum")
        self.wait("the fields", lambda: len(self.all("#send-args input")) == 2)
        self.fill("#send-args input[data-name=a]", "7")
        self.css("#send-args input[data-name=b]").click()
        self.assertEqual(json.loads(self.css("#send-body").get_property("value")), {"a": 7, "b": True})
        self.fill("#send-body", '{"a": 9}')
        self.assertEqual(self.css("#send-args input[data-name=a]").get_property("value"), "9")
        snippets = json.loads(self.api("POST", "api/snippets", self.driver.execute_script("return outgoing()"))["text"])
        self.assertEqual(sorted(snippets), ["curl", "go", "python", "testscript"])

    def test_path_parameters_become_fields(self):
        self.tab("send")
        self.wait("people", lambda: len(self.all("#send-from option")) == 2)
        Select(self.css("#send-from")).select_by_value(ALICE)
        Select(self.css("#send-to")).select_by_value(BOB)
        self.fill("#send-app", "echo")
        self.fill("#send-endpoint", "/users/{email}/profile?a=1")
        self.wait("the field", lambda: len(self.all("#send-path input")) == 1)
        for value, error in (("", "path parameter “email” is empty"), ("a/b", "contains a character")):
            self.fill("#send-path input", value)
            self.click("[data-copy=testscript]")
            self.wait("the error", lambda: error in self.css("#send-error").text)
        self.fill("#send-path input", "ann@example.com")
        self.fill("#send-body", "")
        self.assertEqual(self.driver.execute_script("return outgoing().endpoint"), "/users/ann@example.com/profile?a=1")
        before = self.answer()
        self.css("#send button[type=submit]").click()
        self.wait("the answer", lambda: self.answer() != before and "answered 200" in self.answer())
        self.assertIn("/rpc/users/ann@example.com/profile?a=1", self.answer())
        self.assertIn("ann@example.com", self.css("#answer .messages").text)
        # A call keeps its query and its expiry when it is edited.
        self.click("#answer [data-key=again]")
        self.assertEqual(self.css("#send-endpoint").get_property("value"), "/users/ann@example.com/profile?a=1")
        self.fill("#send-expires", "60")
        curl = json.loads(self.api("POST", "api/snippets", self.driver.execute_script("return outgoing()"))["text"])["curl"]
        self.assertIn("cannot set the expiry of 1m", curl)

    def test_differing_files_are_in_sight(self):
        self.api("POST", "api/online", {"email": BOB, "online": False})
        self.wait("offline", lambda: BOB in self.css("#notices").text)
        folder = self.network.datasites(BOB) / BOB / "public" / "deep" / "down"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "differs.txt").write_text("x")
        try:
            self.tab("files")
            self.wait("files", lambda: self.all("#tree .entry"))
            for details in self.all("#tree > details[open] > summary"):
                details.click()  # close all
            self.css("#files-differing").click()
            self.css("#files-form button").click()
            shown = self.wait("the file", lambda: next((b for b in self.all("#tree .file-name") if b.is_displayed() and b.text == "differs.txt"), None))
            shown.send_keys(Keys.ENTER)
            self.wait("its content", lambda: self.css("#file").is_displayed())
            self.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
            self.wait("the tree", lambda: not self.css("#file").is_displayed() and self.driver.switch_to.active_element.text == "differs.txt")
        finally:
            self.api("POST", "api/heal", {})
            (folder / "differs.txt").unlink()

    def test_events_are_not_cut(self):
        self.send("/echo", "1")
        self.wait("the answer", lambda: "answered 200" in self.answer())
        self.send("/hello", "{}", app="nobody")
        self.wait("the diagnosis", lambda: "rejected" in self.answer())
        self.tab("events")
        cut = """const box = document.getElementById("events").getBoundingClientRect();
            return [...document.querySelectorAll("#events .row:not([hidden]) .op")].filter((cell) => {
              const range = document.createRange(); range.selectNodeContents(cell); const text = range.getBoundingClientRect(), own = cell.getBoundingClientRect();
              const wide = cell.matches(".left, .right"); // may extend over its neighbors
              return text.width > 0 && (wide ? text.left < box.left || text.right > box.right : cell.scrollWidth > cell.clientWidth);
            }).map((cell) => cell.textContent)"""
        self.wait("events", lambda: self.all("#events .row"))
        self.assertEqual(self.driver.execute_script(cut), [])

    def test_requirement_links_to_specification(self):
        self.send("/hello", "{}", app="nobody")
        # The page may replace the link meanwhile.
        link = self.wait("the link", lambda: [(a.get_attribute("href"), a.get_attribute("rel")) for a in self.all("#answer .diagnosis a")])[0]
        self.assertEqual(link, ("https://github.com/syftevent/syftevent-go/blob/main/SPEC.md#layout-permissions", "noopener noreferrer"))
        origins = self.driver.execute_script("return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]")
        self.assertEqual(origins, [self.driver.execute_script("return location.origin")])

    def test_arrow_keys_follow_open_call(self):
        self.send("/echo", "1")
        self.wait("the answer", lambda: "answered 200" in self.answer())
        self.send("/echo", "2")
        self.wait("the answer", lambda: "answered 200" in self.answer())
        number = self.driver.execute_script("return answered.number")
        self.tab("calls")
        self.css("#calls").send_keys(Keys.HOME, Keys.ENTER)
        self.wait("the last call", lambda: f"#{number} " in self.css("#detail").text)
        self.css("#calls").send_keys(Keys.ARROW_DOWN)
        self.wait("the call before", lambda: f"#{number - 1} " in self.css("#detail").text)
        self.css("#calls").send_keys(Keys.ESCAPE)

    def test_focus_is_visible_and_never_trapped(self):
        self.send("/echo", "1")
        self.wait("the answer", lambda: "answered 200" in self.answer())
        for view in ("calls", "events", "send", "faults", "files"):
            self.tab(view)
            if view == "files":
                self.wait("files", lambda: self.all("#tree .entry"))
            self.driver.execute_script("document.querySelector('.skip').focus()")
            seen, wanted = [], set(self.driver.execute_script(FOCUSABLE))
            for _ in range(400):
                state = self.driver.execute_script(
                    """const a = document.activeElement; if (!a.dataset.seen) a.dataset.seen = String(window.seen_ = (window.seen_ || 0) + 1);
                    const s = getComputedStyle(a); return [a.dataset.seen, a === document.body || a.matches(".skip") || s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0, a.outerHTML.slice(0, 80)]"""
                )
                if seen and state[0] in seen:
                    break
                self.assertTrue(state[1], f"{view}: no focus is visible at {state[2]}")
                seen.append(state[0])
                self.driver.switch_to.active_element.send_keys(Keys.TAB)
            else:
                self.fail(f"{view}: Tab does not come back")
            reached = len(seen)
            self.assertGreaterEqual(reached, len(wanted), f"{view}: Tab reaches {reached} of {len(wanted)} controls")

    def test_hidden_page_catches_up(self):
        script = self.driver.execute_script
        script("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true}); document.dispatchEvent(new Event('visibilitychange'))")
        self.wait("the end of the stream", lambda: script("return stream === null"))
        request = {"from": ALICE, "to": BOB, "app": "echo", "endpoint": "/echo", "method": "POST", "body": "1"}
        number = json.loads(self.api("POST", "api/send", request)["text"])["n"]
        self.wait("the answer", lambda: json.loads(self.api("GET", f"api/call?n={number}")["text"])["st"] == "answered")
        self.assertFalse(script("return calls.has(arguments[0])", number))
        script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        self.wait("the call", lambda: script("return calls.get(arguments[0])?.st", number) == "answered")
        self.assertEqual(script("return new Set(events.map((e) => e.q)).size - events.length"), 0)

    def test_screenshots(self):
        folder = os.environ.get("SCREENSHOTS")
        self.send("/echo", '{"greeting": "hello", "list": [1, 2, 3]}')
        self.wait("the answer", lambda: "answered 200" in self.answer())
        self.send("/hello", '{"a": 1}', app="nobody")
        self.wait("the diagnosis", lambda: "rejected" in self.answer())
        for width in (400, 1280, 2000):
            self.driver.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            )
            for scheme in ("light", "dark"):
                self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
                for view in ("list", "calls", "events", "send", "faults", "files"):
                    self.tab("calls" if view == "list" else view)
                    if view == "list":
                        self.driver.execute_script("if (shown.number) closeCall()")
                    if view == "calls":
                        self.css("#calls").send_keys(Keys.HOME, Keys.ENTER)
                        self.wait("the detail", lambda: "Timeline" in self.css("#detail").text)
                    if view == "files":
                        self.wait("files", lambda: self.all("#tree .entry"))
                    overflow = self.driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    self.assertLessEqual(overflow, 0, f"{view} at {width} px is wider than the window")
                    if folder:
                        Path(folder).mkdir(parents=True, exist_ok=True)
                        self.driver.save_screenshot(str(Path(folder) / f"{view}-{width}-{scheme}.png"))
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def tearDown(self):
        problems = [entry["message"] for entry in self.driver.get_log("browser") if "SEVERE" in entry["level"]]
        allowed = ("Trusted", "TrustedHTML", "403", "ERR_BLOCKED", "CORS", "frame", "ERR_FAILED", "favicon")
        self.assertEqual([p for p in problems if not any(word in p for word in allowed)], [])


if __name__ == "__main__":
    unittest.main()
