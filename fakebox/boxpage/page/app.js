// The page of a fakebox network. What senders wrote is only ever inserted as text.
"use strict";

const maxEvents = 20000;
// Links to requirements lead to this address; the page itself requests nothing from it.
const specURL = "https://github.com/syftevent/syftevent-go/blob/main/SPEC.md#";
const $ = (id) => document.getElementById(id);

// el creates an element. Properties beginning with "on" are listeners, "class" and others
// with a dash are attributes. Children that are not nodes become text.
function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (name === "class" || name === "role" || name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === "") continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

function toast(text) {
  $("toast").textContent = text;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").textContent = ""; }, 4000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    $("copy-text").value = text;
    $("copy-dialog").showModal();
    $("copy-text").select();
  }
}

async function get(path) {
  const response = await fetch(path);
  if (!response.ok) {
    const failure = await response.json().catch(() => ({}));
    throw new Error(failure.error || "status " + response.status);
  }
  return (response.headers.get("Content-Type") || "").startsWith("application/json") ? response.json() : response.text();
}

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error || "status " + response.status);
  return answer;
}

// act changes the network, and shows the new state or the error.
async function act(path, body, message) {
  try {
    await post(path, body);
    if (message) toast(message);
  } catch (error) {
    toast(error.message);
  }
  refreshState();
}

// ---- Data

const calls = new Map(); // by number
let order = []; // numbers, ascending
let events = []; // oldest first
let state = { people: [], faults: [], apps: [], server: true, speed: 1, rate: 0 };
let dropped = 0, total = 0, gaps = 0;
const endpointsSeen = new Set(), appsSeen = new Set(), peopleSeen = new Set();

function addPart(part) {
  let sorted = true;
  for (const call of part.calls || []) {
    if (!calls.has(call.n)) {
      if (order.length && order[order.length - 1] > call.n) sorted = false;
      order.push(call.n);
      see(peopleSeen, call.from, "filter-person");
      see(peopleSeen, call.to, "filter-person");
      see(appsSeen, call.app, "filter-app");
      see(endpointsSeen, call.ep, "filter-endpoint");
    }
    calls.set(call.n, call);
    if (call.n === shown.number) refreshDetail();
    if (call.n === answered.number) refreshAnswer();
  }
  if (!sorted) order.sort((a, b) => a - b);
  let gone = 0;
  while (gone < order.length && order[gone] < part.first) calls.delete(order[gone++]);
  if (gone) order = order.slice(gone);
  for (const event of part.events || []) events.push(event);
  if (events.length > maxEvents * 1.25) events = events.slice(-maxEvents);
  dropped = part.dropped;
  total = part.total;
  if (part.gap) gaps++;
  schedule();
}

// see adds an option for a value that was not seen before.
function see(set, value, id) {
  if (!value || set.has(value) || set.size >= 500) return;
  set.add(value);
  $(id).append(el("option", { value }, value));
}

function resetData() {
  calls.clear();
  order = [];
  events = [];
  schedule();
}

let stream = null, lastPart = "";

// connect follows the network, from the last part that was received.
function connect() {
  stream = new EventSource("api/stream" + (lastPart ? "?after=" + encodeURIComponent(lastPart) : ""));
  stream.onopen = () => { $("connection").className = ""; };
  stream.onerror = () => {
    $("connection").className = "down";
    $("connection").textContent = "connection lost; trying again";
  };
  stream.addEventListener("reset", resetData);
  stream.onmessage = (message) => {
    lastPart = message.lastEventId;
    addPart(JSON.parse(message.data));
    $("connection").className = "";
    $("connection").textContent = "live · " + total.toLocaleString("en") + (total === 1 ? " event" : " events") + " so far";
  };
}

// A page that nobody sees costs the network nothing: after a moment it stops to follow, and
// catches up when it is shown again.
document.addEventListener("visibilitychange", () => {
  clearTimeout(connect.timer);
  if (!document.hidden && !stream) {
    connect();
    refreshState();
    refreshDetail();
    refreshAnswer();
  } else if (document.hidden) {
    connect.timer = setTimeout(() => {
      stream?.close();
      stream = null;
    }, 2000);
  }
});

// ---- Words

const words = {
  sending: ["under way", "warn"], arrived: ["no answer", "warn"], responding: ["response under way", "warn"],
  answered: ["answered", "ok"], lost: ["lost", "bad"], rejected: ["rejected", "bad"], never: ["never delivered", "bad"], deleted: ["deleted", "bad"],
};

function badge(call) {
  let [text, kind] = words[call.st] || [call.st, ""];
  if (call.st === "answered") {
    text = call.code ? String(call.code) : "answered";
    kind = call.code >= 400 ? "bad" : "ok";
  }
  return [text, kind];
}

const pathWords = { "fast": "fast path", "full-sync": "full sync" };
const pathText = (path) => (path || "").split(", ").map((p) => pathWords[p] || p).join(", then ");

function duration(ms) {
  if (ms < 0) return "…";
  if (ms < 1000) return ms.toFixed(ms < 10 ? 1 : 0) + " ms";
  return (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s";
}

function clock(time) {
  const t = new Date(time);
  const two = (n) => String(n).padStart(2, "0");
  return two(t.getHours()) + ":" + two(t.getMinutes()) + ":" + two(t.getSeconds()) + "." + String(t.getMilliseconds()).padStart(3, "0");
}

const bad = new Set(["lose", "refuse", "reject", "conflict", "error"]);

function opKind(event) {
  if (bad.has(event.op)) return "bad";
  if (event.fault || event.op === "offline" || event.op === "stop") return "warn";
  return event.op === "arrive" && (event.path || "").endsWith(".response") ? "ok" : "";
}

const opWords = {
  write: "wrote", send: "sent", upload: "uploaded", lose: "lost", refuse: "refused", arrive: "received", delete: "deleted",
  remove: "deleted", reject: "rejected", conflict: "conflict", offline: "went offline", online: "came online", stop: "stopped", start: "started", error: "failed to sync",
};

function opText(event, withFile) {
  const parts = [opWords[event.op] || event.op];
  if (withFile && event.path) parts.push(event.path.endsWith(".request") ? "request" : event.path.endsWith(".response") ? "response" : event.path.split("/").pop());
  if (event.via) parts.push("· " + (pathWords[event.via] || event.via));
  if (event.fault) parts.push("[" + event.fault + "]");
  if (event.note) parts.push("· " + event.note.replace(/\b([0-9a-f]{8})(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "$1…"));
  return parts.join(" ");
}

const local = (email) => email.split("@")[0];

// ---- Windowed lists

// A WindowedList shows the visible rows of a long list. Rows are reused.
class WindowedList {
  constructor(box, rowHeight, fill, open) {
    Object.assign(this, { box, rowHeight, fill, open, items: [], key: (item) => item, active: -1, rows: [], seen: "" });
    this.space = box.querySelector(".space");
    box.addEventListener("scroll", () => this.draw(), { passive: true });
    box.addEventListener("keydown", (e) => this.onKey(e));
    box.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row) this.select(Number(row.dataset.index), true);
    });
    new ResizeObserver(() => this.draw()).observe(box);
  }

  // set replaces the items. A list that is scrolled keeps its rows in place.
  set(items) {
    const activeKey = this.active >= 0 && this.active < this.items.length ? this.key(this.items[this.active]) : undefined;
    const top = this.box.scrollTop;
    const first = Math.floor(top / this.rowHeight);
    const anchor = top > 0 && first < this.items.length ? this.key(this.items[first]) : undefined;
    this.items = items;
    this.space.style.height = items.length * this.rowHeight + "px";
    if (activeKey !== undefined) this.active = this.find(activeKey);
    if (anchor !== undefined) {
      const now = this.find(anchor);
      if (now >= 0 && now !== first) this.box.scrollTop = top + (now - first) * this.rowHeight;
    }
    this.draw();
  }

  // find returns the index of a key in items, which are sorted by descending keys.
  find(key) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.key(this.items[middle]) > key) low = middle + 1; else high = middle;
    }
    return low < this.items.length && this.key(this.items[low]) === key ? low : -1;
  }

  draw() {
    const height = this.box.clientHeight;
    if (!height) return;
    const from = Math.max(0, Math.floor(this.box.scrollTop / this.rowHeight) - 2);
    const to = Math.min(this.items.length, from + Math.ceil(height / this.rowHeight) + 5);
    while (this.rows.length < to - from) {
      const row = el("div", { class: "row", role: "option" });
      this.rows.push(row);
      this.box.append(row);
    }
    for (let i = 0; i < this.rows.length; i++) {
      const row = this.rows[i], index = from + i;
      row.hidden = index >= to;
      if (row.hidden) continue;
      row.dataset.index = index;
      row.id = this.box.id + "-" + index;
      row.style.transform = "translateY(" + index * this.rowHeight + "px)";
      row.setAttribute("aria-setsize", this.items.length);
      row.setAttribute("aria-posinset", index + 1);
      row.setAttribute("aria-selected", index === this.active);
      this.fill(row, this.items[index]);
    }
    if (this.active >= from && this.active < to) this.box.setAttribute("aria-activedescendant", this.box.id + "-" + this.active);
    else this.box.removeAttribute("aria-activedescendant");
  }

  select(index, open) {
    if (!this.items.length) return;
    this.active = Math.max(0, Math.min(this.items.length - 1, index));
    const top = this.active * this.rowHeight, height = this.box.clientHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (top + this.rowHeight > this.box.scrollTop + height) this.box.scrollTop = top + this.rowHeight - height;
    this.draw();
    if (open) this.open(this.items[this.active]);
  }

  onKey(e) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 1);
    const moves = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page, Home: 0, End: this.items.length - 1 };
    if (e.key in moves) this.select(moves[e.key], this.follow?.());
    else if (e.key === "Enter" || e.key === " ") this.select(Math.max(0, this.active), true);
    else return;
    e.preventDefault();
  }
}

// write changes a row only where it differs, which is cheaper than building it again.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function fillCall(row, number) {
  const call = calls.get(number);
  if (!row.parts) {
    const parts = row.parts = {};
    for (const name of ["num", "what", "badge", "time", "who", "path", "ms"]) parts[name] = el("span", { class: name });
    row.append(el("div", { class: "top" }, parts.num, parts.what, parts.badge), el("div", { class: "bottom" }, parts.time, parts.who, parts.path, parts.ms));
  }
  const p = row.parts, [text, kind] = badge(call);
  write(p.num, "#" + call.n);
  write(p.what, (call.m ? call.m + " " : "") + call.app + call.ep);
  write(p.badge, text + (call.lost && call.st !== "lost" ? " · lost a message" : ""));
  p.badge.className = "badge " + (call.lost && kind === "ok" ? "warn" : kind);
  write(p.time, clock(call.t));
  write(p.who, local(call.from) + " → " + local(call.to) + (call.f ? "  [" + call.f.join(", ") + "]" : ""));
  write(p.path, pathText(call.path));
  p.path.title = "Path of the request, then of the response: " + pathText(call.path);
  write(p.ms, call.ms < 0 ? "" : duration(call.ms));
}

const widths = new Map(), canvas = document.createElement("canvas").getContext("2d");

// textWidth returns the width of a text in a row of the events, in pixels.
function textWidth(text) {
  let width = widths.get(text);
  if (width === undefined) {
    const size = parseFloat(getComputedStyle(document.documentElement).fontSize); // of "rem" in .lanes-row
    canvas.font = "500 " + size * 0.86 + "px " + getComputedStyle($("events")).fontFamily;
    width = canvas.measureText(text).width;
    if (widths.size >= 5000) widths.clear();
    widths.set(text, width);
  }
  return width;
}

let lanes = [], laneWidth = 0, compact = false;

function fillEvent(row, event) {
  const layout = compact ? "compact" : lanes.length + "";
  if (row.layout !== layout) {
    row.layout = layout;
    row.replaceChildren();
    row.className = "row lanes-row" + (compact ? " compact" : "");
    for (let i = 0; i < (compact ? 3 : lanes.length + 2); i++) row.append(el("span"));
  }
  const cells = row.children;
  write(cells[0], clock(event.time));
  write(cells[1], event.n ? "#" + event.n : "");
  if (compact) {
    write(cells[2], shortActor(event.actor) + ": " + opText(event, true));
    cells[2].className = "op " + opKind(event);
    row.title = cells[2].textContent;
    return;
  }
  const lane = lanes.indexOf(event.actor), text = opText(event, true);
  // A text that is longer than its lane extends over the empty ones beside it. The canvas may use
  // other fonts for a part of the text, so its width is only about right.
  const extend = lane * 2 >= lanes.length ? " left" : " right";
  for (let i = 0; i < lanes.length; i++) {
    write(cells[i + 2], i === lane ? text : "");
    cells[i + 2].className = i === lane ? "op " + opKind(event) + (lane * 2 < lanes.length || 1.1 * textWidth(text) + 14 > laneWidth ? extend : "") : "";
  }
  row.title = text;
  row.setAttribute("aria-label", clock(event.time) + ", " + shortActor(event.actor) + ": " + opText(event, true));
}

function shortActor(actor) {
  if (actor === "hub") return "hub";
  const [email, role] = actor.split("/");
  return local(email) + " " + role;
}

// ---- Drawing

const callList = new WindowedList($("calls"), 50, fillCall, (number) => openCall(number, true));
const eventList = new WindowedList($("events"), 26, fillEvent, (event) => { if (event.n) { show("calls"); openCall(event.n, true); } });
eventList.key = (event) => event.q;
// While a call is open beside the list, it is that of the selected row.
callList.follow = () => Boolean(shown.number);

let scheduled = false;

// schedule draws once before the next frame.
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    draw();
  });
}

function filters() {
  return { person: $("filter-person").value, app: $("filter-app").value, endpoint: $("filter-endpoint").value, status: $("filter-status").value };
}

function passes(call, f) {
  if (f.person && call.from !== f.person && call.to !== f.person) return false;
  if (f.app && call.app !== f.app || f.endpoint && call.ep !== f.endpoint) return false;
  switch (f.status) {
    case "unanswered": return call.st !== "answered";
    case "answered": return call.st === "answered";
    case "error": return call.code >= 400;
    case "lost": return Boolean(call.lost);
    case "rejected": return call.st === "rejected";
    case "fault": return Boolean(call.f);
  }
  return true;
}

let view = "calls";

function draw() {
  const f = filters();
  const filtered = Boolean(f.person || f.app || f.endpoint || f.status);
  let unanswered = 0, lost = 0;
  const numbers = [];
  for (let i = order.length - 1; i >= 0; i--) {
    const call = calls.get(order[i]);
    if (call.st !== "answered") unanswered++;
    if (call.lost) lost++;
    if (!filtered || passes(call, f)) numbers.push(order[i]);
  }
  if (view === "calls") {
    callList.set(numbers);
    write($("count-calls"), (filtered ? numbers.length.toLocaleString("en") + " of " : "") + order.length.toLocaleString("en"));
    write($("count-calls-word"), order.length === 1 ? "call" : "calls");
    write($("count-answered"), (order.length - unanswered).toLocaleString("en"));
    write($("count-unanswered"), unanswered.toLocaleString("en"));
    write($("count-lost"), lost.toLocaleString("en"));
    $("calls-empty").hidden = numbers.length > 0;
    $("calls").hidden = numbers.length === 0;
    write($("calls-empty"), order.length ? "No call passes the filters." : "No calls yet. Start a server and a client, or send a request under Send.");
  }
  if (view === "events") drawEvents(filtered ? new Set(numbers) : null);
  drawNotices();
}

function drawEvents(numbers) {
  lanes = [];
  // The hub is between the first person and the others.
  state.people.forEach(({ email }, i) => lanes.push(...(i ? [email + "/box", email + "/app"] : [email + "/app", email + "/box", "hub"])));
  if (!lanes.length) lanes.push("hub");
  compact = $("events").clientWidth < 180 + 120 * lanes.length;
  laneWidth = ($("events").clientWidth - 180) / lanes.length;
  eventList.rowHeight = compact ? 44 : 26; // two lines of text, or one
  $("view-events").style.setProperty("--lanes", lanes.length);
  $("lanes-head").hidden = compact;
  const head = lanes.join("\n");
  if ($("lanes-head").dataset.lanes !== head) {
    $("lanes-head").dataset.lanes = head;
    $("lanes-head").replaceChildren(el("span", {}, "time"), el("span", {}, "call"), ...lanes.map((lane) => el("span", { title: lane }, shortActor(lane))));
  }
  const items = [];
  for (let i = events.length - 1; i >= 0 && items.length < maxEvents; i--) {
    if (!numbers || numbers.has(events[i].n)) items.push(events[i]);
  }
  eventList.set(items);
}

function drawNotices() {
  const notices = [];
  if (!state.server) notices.push("The hub, SyftBox's server, is stopped.");
  for (const person of state.people) {
    if (!person.running) notices.push("The client of " + person.email + " is stopped.");
    else if (!person.online) notices.push(person.email + " is offline.");
  }
  const on = state.faults.filter((f) => f.next || f.rate).map((f) => f.fault);
  if (on.length) notices.push("Faults are on: " + on.join(", ") + ".");
  if (state.rate) notices.push("Random faults are on: rate " + state.rate + ".");
  if (dropped) notices.push(dropped + " events came too fast for the page and are missing.");
  if (gaps) notices.push("Some events are missing here because this page was too slow; the calls are complete.");
  const text = notices.join(" ");
  if ($("notices").textContent !== text) $("notices").replaceChildren(text ? el("p", { class: "notice", role: "status" }, text) : "");
}

// ---- Detail of a call

// A Detail shows a call, and shows it again when it changes.
class Detail {
  constructor(box, close) {
    Object.assign(this, { box, close, number: 0, text: "" });
  }

  async refresh() {
    const number = this.number;
    if (!number || this.loading) {
      this.again = Boolean(number);
      return;
    }
    this.loading = true;
    try {
      const detail = await get("api/call?n=" + number);
      const text = JSON.stringify(detail);
      if (number === this.number && text !== this.text) {
        this.text = text;
        this.draw(detail);
      }
    } catch (error) {
      if (number === this.number) this.box.replaceChildren(this.closeButton(), el("p", { class: "error" }, error.message));
    }
    this.loading = false;
    if (this.again) {
      this.again = false;
      setTimeout(() => this.refresh(), 100);
    }
  }

  closeButton() {
    return this.close ? el("button", { type: "button", "data-key": "close", onclick: this.close }, "Close") : "";
  }

  draw(d) {
    const focused = this.box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const open = new Set([...this.box.querySelectorAll("details[open]")].map((node) => node.dataset.key));
    const top = this.box.scrollTop;
    const [text, kind] = badge(d);
    this.box.replaceChildren(
      el("header", {},
        el("h2", {}, "#" + d.n + " " + (d.m || "") + " " + d.app + d.ep),
        el("span", { class: "badge " + kind }, d.st === "answered" ? "answered " + (d.code || "") : text),
        d.ms >= 0 ? el("span", { class: "ms" }, duration(d.ms)) : "",
        el("span", { class: "end" },
          el("button", { type: "button", "data-key": "script", onclick: () => copyFrom("api/script?n=" + d.n) }, "Copy as testscript"),
          el("button", { type: "button", "data-key": "again", onclick: () => fillSend(d) }, "Edit and send"),
          this.closeButton())),
      el("p", { class: "url mono" }, d.from + " → " + (d.url || d.to + " " + d.app + d.ep)),
      diagnosisOf(d), hopsOf(d), lanesOf(d),
      el("div", { class: "messages" }, messageOf(d, "request", d.requestFile), messageOf(d, "response", d.responseFile)),
      el("p", { class: "url mono" }, d.key + ".request"));
    for (const node of this.box.querySelectorAll("details")) node.open = open.has(node.dataset.key);
    this.box.scrollTop = top;
    if (focused) this.box.querySelector('[data-key="' + focused + '"]')?.focus();
  }
}

function diagnosisOf(d) {
  if (!d.diagnosis) return "";
  const kind = d.st === "answered" ? "ok" : d.st === "lost" || d.st === "rejected" || d.st === "deleted" || d.st === "never" ? "bad" : "";
  return el("div", { class: "diagnosis " + kind, role: "status" },
    el("strong", {}, d.diagnosis.title), el("p", {}, d.diagnosis.why),
    d.diagnosis.do ? el("p", {}, el("b", {}, "What to do: "), d.diagnosis.do) : "",
    d.diagnosis.requirement ? el("p", {}, "SPEC.md: ", specLink(d.diagnosis.requirement, "spec")) : "");
}

// specLink returns a link to a requirement in the repository.
function specLink(id, key) {
  return el("a", { href: specURL + encodeURIComponent(id), target: "_blank", rel: "noopener noreferrer", class: "mono", "data-key": key, title: "Requirement " + id + " in SPEC.md on GitHub, in a new tab" }, id);
}

function hopsOf(d) {
  if (!d.hops || !d.hops.length) return "";
  const over = ["answered", "rejected", "lost", "deleted", "never"].includes(d.st);
  const longest = Math.max(1, ...d.hops.map((hop) => hop.ms));
  return el("section", {}, el("h3", {}, "Hops"), el("ol", { class: "hops" }, d.hops.map((hop) => el("li", {},
    el("span", {}, hop.name, hop.note ? el("small", {}, hop.note) : ""), el("span", { class: "ms" }, hop.ms < 0 ? (over ? "never" : "not yet") : duration(hop.ms)),
    hop.ms < 0 ? "" : el("meter", { min: 0, max: longest, value: hop.ms, "aria-hidden": "true" })))));
}

function lanesOf(d) {
  const columns = [d.from + "/app", d.from + "/box", "hub", d.to + "/box", d.to + "/app"];
  const list = [...(d.events || [])];
  for (const event of list) if (!columns.includes(event.actor)) columns.push(event.actor);
  list.sort((a, b) => new Date(a.time) - new Date(b.time));
  const start = list.length ? new Date(list[0].time) : 0;
  return el("section", {}, el("h3", {}, "Timeline"),
    el("table", { class: "lanes" },
      el("thead", {}, el("tr", {}, el("th", { class: "time", scope: "col" }, "after"), columns.map((c) => el("th", { scope: "col", title: c }, shortActor(c))))),
      el("tbody", {}, list.map((event) => el("tr", {},
        el("th", { class: "time", scope: "row", title: clock(event.time) }, duration(new Date(event.time) - start)),
        cellsOf(event, columns))))),
    d.omitted ? el("p", { class: "hint" }, d.omitted + " more events are not shown.") : "");
}

// cellsOf returns the cells of an event: a long text extends over the empty cells beside it.
function cellsOf(event, columns) {
  const text = opText(event, true), at = columns.indexOf(event.actor), long = text.length > 22;
  let from = at, to = at;
  if (long && at * 2 < columns.length) to = Math.min(columns.length - 1, at + 2);
  else if (long) from = Math.max(0, at - 2);
  const cells = [];
  for (let i = 0; i < columns.length; i++) {
    if (i === from) {
      cells.push(el("td", { colSpan: to - from + 1, class: from < at ? "left" : "" },
        el("span", { class: "who" }, shortActor(event.actor)), el("span", { class: "op " + opKind(event) }, text)));
    } else if (i < from || i > to) cells.push(el("td", {}));
  }
  return cells;
}

function messageOf(d, part, file) {
  const title = el("h3", {}, part === "request" ? "Request" : "Response");
  if (!file) return el("section", {}, title, el("p", { class: "hint" }, part === "request" ? "The file no longer exists, and the page has not read it before." : "There is none."));
  const facts = [];
  if (part === "request" && file.created) facts.push("created " + file.created);
  if (part === "request" && file.expires) facts.push("expires " + file.expires);
  const headers = Object.entries(file.headers || {}).sort();
  return el("section", {}, title,
    el("p", { class: "hint" }, [file.size.toLocaleString("en") + " bytes", ...facts].join(" · ") + " ",
      el("a", { href: "api/raw?n=" + d.n + "&part=" + part, "data-key": "download-" + part }, "download")),
    file.error ? el("p", { class: "error" }, file.error) : "",
    headers.length ? el("table", { class: "headers" }, el("tbody", {}, headers.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value))))) : el("p", { class: "hint" }, "No headers."),
    file.kind === "none" || file.kind === "empty" ? el("p", { class: "hint" }, file.kind === "none" ? "No body." : "The body is empty.")
      : el("pre", { tabIndex: 0, "aria-label": "Body of the " + part + ", " + file.kind }, file.body),
    el("details", { "data-key": "raw-" + part }, el("summary", {}, "Raw file"), el("pre", { tabIndex: 0 }, file.raw + (file.cut ? "\n… cut; download the file" : ""))));
}

async function copyFrom(path) {
  try {
    copy(await get(path));
  } catch (error) {
    toast(error.message);
  }
}

const shown = new Detail($("detail"), () => closeCall());
const answered = new Detail($("answer"), null);
const refreshDetail = () => shown.refresh();
const refreshAnswer = () => answered.refresh();

function openCall(number, focus) {
  shown.number = number;
  shown.text = "";
  $("detail").hidden = false;
  $("split").classList.add("open");
  shown.refresh().then(() => { if (focus && matchMedia("(max-width: 900px)").matches) $("detail").focus(); });
  history.replaceState(null, "", "#call-" + number);
}

function closeCall() {
  shown.number = 0;
  $("detail").hidden = true;
  $("detail").replaceChildren();
  $("split").classList.remove("open");
  history.replaceState(null, "", "#calls");
  callList.draw();
  $("calls").focus();
}

// ---- Views

const views = ["calls", "events", "send", "faults", "files"];

function show(name, focus) {
  view = name;
  for (const other of views) {
    $("view-" + other).hidden = other !== name;
    $("tab-" + other).setAttribute("aria-selected", other === name);
    $("tab-" + other).tabIndex = other === name ? 0 : -1;
  }
  if (focus) $("tab-" + name).focus();
  history.replaceState(null, "", "#" + (name === "calls" && shown.number ? "call-" + shown.number : name));
  if (name === "files") refreshFiles();
  if (name === "send" || name === "faults") refreshState();
  draw();
}

for (const name of views) $("tab-" + name).addEventListener("click", () => show(name));
$("tabs").addEventListener("keydown", (e) => {
  const index = views.indexOf(view);
  const moves = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: views.length - 1 };
  if (!(e.key in moves)) return;
  e.preventDefault();
  show(views[(moves[e.key] + views.length) % views.length], true);
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && !e.target.closest("dialog")) {
    if (view === "calls" && shown.number) closeCall();
    if (view === "files" && !$("file").hidden) closeFile();
  }
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select, dialog")) return;
  if (e.key >= "1" && e.key <= "5") show(views[e.key - 1], true);
  else if (e.key === "/") {
    e.preventDefault();
    show("calls");
    $("filter-person").focus();
  } else if (e.key === "?") $("help").showModal();
});
$("help-button").addEventListener("click", () => $("help").showModal());
$("filters").addEventListener("change", schedule);
$("filters").addEventListener("submit", (e) => e.preventDefault());
$("filters").addEventListener("reset", () => setTimeout(schedule));
addEventListener("resize", schedule);

// ---- State of the network

let stateText = "";

async function refreshState() {
  try {
    const text = JSON.stringify(await get("api/state"));
    if (text === stateText) return;
    stateText = text;
    state = JSON.parse(text);
  } catch {
    return; // the stream shows that the connection is lost
  }
  for (const person of state.people) see(peopleSeen, person.email, "filter-person");
  drawSendOptions();
  drawMachines();
  drawFaults();
  schedule();
}

function keepFocus(box, change) {
  const key = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  change();
  if (key) box.querySelector('[data-key="' + CSS.escape(key) + '"]')?.focus();
}

function toggle(key, label, on, change) {
  return el("label", { class: "check" }, el("input", { type: "checkbox", checked: on, "data-key": key, onchange: (e) => change(e.target.checked) }), label);
}

function drawMachines() {
  const box = $("machines");
  if (box.contains(document.activeElement) && document.activeElement.type === "number") return;
  const speed = el("input", { type: "number", min: 0.01, max: 1000, step: "any", value: state.speed, "data-key": "speed" });
  keepFocus(box, () => box.replaceChildren(
    el("form", { class: "machine", onsubmit: (e) => { e.preventDefault(); speed.blur(); act("api/speed", { speed: Number(speed.value) }, "Speed changed."); } },
      el("strong", {}, "hub, SyftBox's server"),
      toggle("server", "hub running", state.server, (running) => act("api/server", { running })),
      el("label", {}, "Speed: divides every duration", speed),
      el("button", { type: "submit", "data-key": "set-speed" }, "Set speed")),
    ...state.people.map((person) => el("div", { class: "machine" },
      el("strong", {}, person.email),
      toggle("online " + person.email, "online", person.online, (online) => act("api/online", { email: person.email, online })),
      toggle("client " + person.email, "client running", person.running, (running) => act("api/client", { email: person.email, running })),
      el("span", { class: "path" }, "SYFTBOX_CLIENT_CONFIG_PATH=" + person.config)))));
}

function drawFaults() {
  const box = $("faults");
  if (box.contains(document.activeElement) && document.activeElement.type === "number") return;
  const row = (fault, title, id, description, next, rate) => {
    const nextInput = el("input", { type: "number", min: 1, value: 1, "data-key": "next " + fault, "aria-label": "Number of files for " + title });
    const rateInput = el("input", { type: "number", min: 0, max: 1, step: "any", value: rate, "data-key": "rate " + fault, "aria-label": "Rate of " + title });
    const inject = () => { nextInput.blur(); act("api/fault", { fault, next: Number(nextInput.value) }, title + ": next " + nextInput.value + "."); };
    const setRate = () => { rateInput.blur(); act("api/fault", { fault, rate: Number(rateInput.value) }, title + ": rate " + rateInput.value + "."); };
    const enter = (f) => (e) => { if (e.key === "Enter") { e.preventDefault(); f(); } };
    nextInput.addEventListener("keydown", enter(inject));
    rateInput.addEventListener("keydown", enter(setRate));
    const now = [next ? "next " + next : "", rate ? "rate " + rate : ""].filter(Boolean).join(", ");
    return el("div", { class: "fault" + (now ? " on" : ""), "data-fault": fault },
      el("div", {}, el("strong", {}, title), id ? el("span", { class: "id" }, "SPEC.md: ", specLink(id, "spec " + fault)) : ""),
      el("div", {}, description),
      el("div", { class: "set" }, el("span", { class: "now" }, now ? "on: " + now : "off"),
        fault ? el("label", {}, "Next ", nextInput) : "",
        fault ? el("button", { type: "button", "data-key": "inject " + fault, "aria-label": "Inject " + title, onclick: inject }, "Inject") : "",
        el("label", {}, "Rate ", rateInput),
        el("button", { type: "button", "data-key": "set " + fault, "aria-label": "Set rate of " + title, onclick: setRate }, "Set")));
  };
  keepFocus(box, () => box.replaceChildren(
    row("", "random faults", "", "Any of the faults below strikes each step of a file with this probability; the seed decides which.", 0, state.rate),
    ...state.faults.map((f) => row(f.fault, f.fault, f.requirement, f.description, f.next, f.rate))));
}

$("heal").addEventListener("click", () => act("api/heal", {}, "All faults have ended, and everybody is online."));
$("copy-script").addEventListener("click", () => copyFrom("api/script"));

// ---- Send

function options(select, values) {
  const value = select.value;
  if ([...select.children].map((o) => o.value).join("\n") === values.join("\n")) return;
  select.replaceChildren(...values.map((v) => el("option", { value: v }, v)));
  if (values.includes(value)) select.value = value;
}

function drawSendOptions() {
  const emails = state.people.map((p) => p.email);
  const first = !$("send-to").value;
  options($("send-from"), emails);
  options($("send-to"), emails);
  if (first && state.apps.length) {
    $("send-to").value = state.apps[0].owner;
    $("send-from").value = emails.find((e) => e !== state.apps[0].owner) || emails[0];
  } else if (first && emails.length > 1) $("send-to").value = emails[1];
  drawEndpoints();
}

function drawEndpoints() {
  const apps = state.apps.filter((a) => a.owner === $("send-to").value);
  options($("send-apps"), apps.map((a) => a.name));
  if (!$("send-app").value && apps.length) $("send-app").value = apps[0].name;
  const app = apps.find((a) => a.name === $("send-app").value);
  options($("send-endpoints"), [...new Set((app ? app.endpoints : []).map((e) => e.path))]);
  if (!$("send-endpoint").value && app && app.endpoints.length) $("send-endpoint").value = app.endpoints[0].path;
  const path = "/" + $("send-endpoint").value.split("?")[0].replace(/^\/+|\/+$/g, "");
  const all = app ? app.endpoints : [];
  let candidates = all.filter((e) => e.path === path);
  if (!candidates.length) candidates = all.filter((e) => patternOf(e.path).test(path));
  const endpoint = candidates.find((e) => e.method === $("send-method").value) || candidates[0];
  drawPath(path, endpoint);
  drawFields(endpoint);
}

// placeholder matches a segment of a pattern that stands for others: {name}, {name...}, *, or **.
const placeholder = /(?<=\/)(?:\{[^/{}]*\}|\*\*?)(?=\/|$)/g;
const isRest = (name) => name === "**" || name.endsWith("...}");

// patternOf returns an expression for the paths that match a pattern.
function patternOf(pattern) {
  const literal = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let source = "", last = 0;
  for (const match of pattern.matchAll(placeholder)) {
    source += literal(pattern.slice(last, match.index)) + (isRest(match[0]) ? ".+" : "[^/]+");
    last = match.index + match[0].length;
  }
  return new RegExp("^" + source + literal(pattern.slice(last)) + "$");
}

let pathFor = "";

// drawPath shows a field for each path parameter, and for each parameter of the query.
function drawPath(path, endpoint) {
  const names = path.match(placeholder) || [];
  const types = endpoint && endpoint.pathArgs || {}, query = Object.entries(endpoint && endpoint.query || {});
  const text = JSON.stringify([names, types, query]);
  if (text === pathFor) return;
  pathFor = text;
  const typeOf = (arg) => arg && typeof arg.type === "string" ? arg.type : "text";
  const values = new Map([...$("send-path").querySelectorAll("input")].map((input) => [input.dataset.in + input.dataset.name, input.value]));
  const field = (place, name, label, required) => el("label", {}, label,
    el("input", { type: "text", spellcheck: false, autocomplete: "off", required, "data-in": place, "data-name": name, value: values.get(place + name) || "" }));
  $("send-path").hidden = !names.length && !query.length;
  $("send-path").lastElementChild.replaceChildren(
    ...names.map((name) => {
      const plain = name.replace(/^\{|(\.\.\.)?\}$/g, "");
      return field("path", name, "path: " + plain + " (" + (isRest(name) ? "rest of the path" : typeOf(types[plain])) + ")", true);
    }),
    ...query.map(([name, arg]) => field("query", name, "query: " + name + " (" + typeOf(arg) + (arg && arg.required ? ", required)" : ")"), Boolean(arg && arg.required))));
}

// filledEndpoint returns the endpoint with its path parameters and its query.
function filledEndpoint() {
  let [path, ...query] = $("send-endpoint").value.trim().split("?");
  query = query.length ? [query.join("?")] : [];
  const inputs = [...$("send-path").querySelectorAll("input")];
  let next = 0;
  path = path.replace(placeholder, (name) => {
    const value = inputs[next++]?.value || "";
    const plain = name.replace(/^\{|\}$/g, "");
    if (!value.trim()) throw new Error("path parameter “" + plain + "” is empty");
    if (/[?#\\]/.test(value) || !isRest(name) && value.includes("/")) throw new Error("path parameter “" + plain + "”: “" + value + "” contains a character that a folder of an endpoint cannot have");
    return value;
  });
  for (const input of inputs) {
    if (input.dataset.in === "query" && input.value !== "") query.push(encodeURIComponent(input.dataset.name) + "=" + encodeURIComponent(input.value));
  }
  return path + (query.length ? "?" + query.join("&") : "");
}

let fieldsFor = "";

function drawFields(endpoint) {
  const text = JSON.stringify(endpoint || null);
  if (text === fieldsFor) return;
  fieldsFor = text;
  $("send-description").textContent = endpoint && endpoint.description || "";
  if (endpoint && endpoint.method) $("send-method").value = endpoint.method;
  const args = Object.entries(endpoint && endpoint.args || {});
  $("send-args").hidden = !args.length;
  $("send-args").lastElementChild.replaceChildren(...args.map(([name, arg]) => {
    const type = typeof (arg && arg.type) === "string" ? arg.type : "JSON";
    const input = type === "bool" ? el("input", { type: "checkbox" }) : el("input", { type: "text", spellcheck: false, autocomplete: "off" });
    input.dataset.name = name;
    input.dataset.type = type;
    input.addEventListener("input", fieldsToBody);
    const label = name + " (" + type + (arg && arg.required ? ", required)" : ")");
    return type === "bool" ? el("label", { class: "check" }, input, label) : el("label", {}, label, input);
  }));
  if (args.length) {
    if ($("send-body").value.trim() === "" || $("send-body").dataset.made) fieldsToBody();
    else bodyToFields();
  }
}

function fieldsToBody() {
  const body = {};
  for (const input of $("send-args").querySelectorAll("input")) {
    const { name, type } = input.dataset;
    if (type === "bool") body[name] = input.checked;
    else if (input.value === "") continue;
    else if (type === "str" || type === "datetime" || type === "bytes") body[name] = input.value;
    else {
      try { body[name] = JSON.parse(input.value); } catch { body[name] = input.value; }
    }
  }
  $("send-body").value = JSON.stringify(body, null, 2);
  $("send-body").dataset.made = "yes";
}

function bodyToFields() {
  let body;
  try { body = JSON.parse($("send-body").value); } catch { return; }
  if (typeof body !== "object" || body === null) return;
  for (const input of $("send-args").querySelectorAll("input")) {
    const value = body[input.dataset.name];
    if (input.type === "checkbox") input.checked = value === true;
    else input.value = value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value);
  }
}

$("send-body").addEventListener("input", () => { delete $("send-body").dataset.made; bodyToFields(); });
for (const id of ["send-to", "send-app", "send-endpoint", "send-method"]) $(id).addEventListener("input", drawEndpoints);

function outgoing() {
  const headers = {};
  for (const line of $("send-headers").value.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error("headers: “" + line + "” is not of the form “name: value”");
    headers[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return {
    from: $("send-from").value, to: $("send-to").value, app: $("send-app").value.trim(), endpoint: filledEndpoint(),
    method: $("send-method").value, headers, body: $("send-body").value, expires: Number($("send-expires").value),
  };
}

$("send").addEventListener("submit", async (e) => {
  e.preventDefault();
  $("send-error").textContent = "";
  try {
    const { n } = await post("api/send", outgoing());
    answered.number = n;
    answered.text = "";
    $("answer").replaceChildren(el("p", { class: "empty" }, "Call #" + n + " is under way."));
    refreshAnswer();
  } catch (error) {
    $("send-error").textContent = error.message;
  }
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    $("send-error").textContent = "";
    try {
      copy((await post("api/snippets", outgoing()))[button.dataset.copy]);
    } catch (error) {
      $("send-error").textContent = error.message;
    }
  });
}

// fillSend fills the form with the request of a call.
function fillSend(d) {
  show("send");
  $("send-from").value = d.from;
  $("send-to").value = d.to;
  $("send-app").value = d.app;
  $("send-endpoint").value = d.ep + (d.url && d.url.includes("?") ? d.url.slice(d.url.indexOf("?")) : "");
  drawEndpoints();
  $("send-method").value = d.m || "POST";
  const file = d.requestFile;
  $("send-headers").value = file ? Object.entries(file.headers || {}).map(([name, value]) => name + ": " + value).join("\n") : "";
  $("send-body").value = file && file.kind !== "binary" ? file.body : "";
  const lifetime = file ? (Date.parse(file.expires) - Date.parse(file.created)) / 1000 : NaN;
  $("send-expires").value = Number.isFinite(lifetime) ? Math.round(lifetime * 1000) / 1000 : 86400;
  delete $("send-body").dataset.made;
  bodyToFields();
  if (file && file.kind === "binary") toast("The body is binary and was left out.");
  $("send-from").focus();
}

// ---- Files

let listing = { people: [], files: [], undeliverable: [] };

async function refreshFiles() {
  try {
    listing = await get("api/files?q=" + encodeURIComponent($("files-filter").value));
  } catch (error) {
    toast(error.message);
    return;
  }
  drawFiles();
}

function drawFiles() {
  const files = $("files-differing").checked ? listing.files.filter((f) => f.differs) : listing.files;
  const differing = listing.files.filter((f) => f.differs).length;
  $("files-count").textContent = listing.files.length + " files" + (listing.truncated ? " (more exist)" : "") + " · " + differing + " differ";
  $("undeliverable").replaceChildren(...(listing.undeliverable || []).slice(0, 20).map((u) => el("div", { class: "diagnosis bad" },
    el("strong", {}, "A request of " + u.owner + " is never delivered."), el("p", {}, u.why), el("p", { class: "mono" }, u.path))));
  const root = { folders: new Map(), files: [], count: 0, differs: 0 };
  for (const file of files) {
    const parts = file.path.split("/");
    let node = root;
    for (const part of parts.slice(0, -1)) {
      if (!node.folders.has(part)) node.folders.set(part, { folders: new Map(), files: [], count: 0, differs: 0 });
      node = node.folders.get(part);
      node.count++;
      if (file.differs) node.differs++;
    }
    node.files.push(file);
  }
  const open = new Set([...$("tree").querySelectorAll("details[open]")].map((d) => d.dataset.path));
  // What differs is to be seen at once.
  const small = files.length <= 200 || $("files-differing").checked && files.length <= 2000;
  $("tree").replaceChildren(...(files.length ? childrenOf(root, "", open, small) : [el("p", { class: "empty" }, "No files.")]));
}

// childrenOf returns the entries of a folder. The entries of a folder in it are made when
// it is opened.
function childrenOf(node, path, open, small) {
  const entries = [];
  for (const [name, folder] of node.folders) {
    const inner = path + name + "/";
    const details = el("details", { "data-path": inner }, el("summary", {}, name + "/ ",
      el("span", { class: "note" }, folder.count + (folder.count === 1 ? " file" : " files")), folder.differs ? el("span", { class: "badge warn" }, folder.differs + " differ") : ""));
    let made = false;
    const make = () => {
      if (!made) details.append(...childrenOf(folder, inner, open, small));
      made = true;
    };
    details.addEventListener("toggle", () => { if (details.open) make(); });
    if (open.has(inner) || small && (!open.size || $("files-differing").checked)) {
      make();
      details.open = true;
    }
    entries.push(details);
  }
  for (const file of node.files) {
    const places = ["hub " + (file.hub || "–"), ...listing.people.map((email, i) => local(email) + " " + (file.replicas[i] || "–"))];
    entries.push(el("div", { class: "entry" },
      el("button", { type: "button", class: "file-name mono", "data-path": file.path, onclick: () => openFile(file) }, file.path.slice(path.length)),
      file.differs ? el("span", { class: "badge warn" }, "differs") : "",
      el("span", { class: "places" }, places.join(" · ")),
      file.note ? el("span", { class: "note" }, file.note) : ""));
  }
  return entries;
}

async function openFile(file, place) {
  openFile.path = file.path;
  const places = [];
  if (file.hub) places.push("hub");
  listing.people.forEach((email, i) => { if (file.replicas[i]) places.push(email); });
  place = place || places[0];
  const query = "api/file?place=" + encodeURIComponent(place) + "&path=" + encodeURIComponent(file.path);
  let content;
  try {
    content = await get(query);
  } catch (error) {
    content = { text: error.message, size: 0 };
  }
  $("file").hidden = false;
  $("file").replaceChildren(
    el("header", {}, el("h2", { class: "mono" }, file.path.split("/").pop()), el("span", { class: "end" },
      el("a", { href: query + "&download=1" }, "download"), el("button", { type: "button", onclick: closeFile }, "Close"))),
    el("p", { class: "url mono" }, file.path),
    el("p", { class: "group", role: "group", "aria-label": "Place" }, places.map((p) => el("button", { type: "button", "aria-pressed": String(p === place), onclick: () => openFile(file, p) }, p === "hub" ? "hub" : local(p)))),
    file.note ? el("p", { class: "hint" }, file.note) : "",
    el("pre", { tabIndex: 0 }, content.text));
  $("file").focus();
}

// closeFile closes a file, and goes back to its name.
function closeFile() {
  $("file").hidden = true;
  const name = [...$("tree").querySelectorAll(".file-name")].find((button) => button.dataset.path === openFile.path);
  (name || $("files-filter")).focus();
}

$("files-form").addEventListener("submit", (e) => { e.preventDefault(); refreshFiles(); });
$("files-differing").addEventListener("change", drawFiles);

// ---- Start

connect();
refreshState();
setInterval(() => {
  if (document.hidden) return;
  refreshState();
  if (shown.number && view === "calls" && calls.get(shown.number)?.st !== "answered") refreshDetail();
  if (answered.number && view === "send" && calls.get(answered.number)?.st !== "answered") refreshAnswer();
}, 1500);
const start = location.hash.slice(1);
if (views.includes(start)) show(start);
else if (/^call-\d+$/.test(start)) {
  show("calls");
  openCall(Number(start.slice(5)), false);
} else show("calls");
