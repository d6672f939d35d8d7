package boxpage

import (
	"container/list"
	"encoding/json"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	// MaxCalls is the number of calls that the page remembers.
	MaxCalls = 10_000
	// maxEvents is the number of events that the page remembers for the view of all events.
	maxEvents = 20_000
	// maxCallEvents is the number of events that the page remembers for each call.
	maxCallEvents = 100
	// maxKept is the maximum size in bytes of a file whose content the page remembers, and
	// maxKeptTotal that of all of them together. Other contents are read when they are shown.
	maxKept, maxKeptTotal = 64 << 10, 32 << 20
)

// The states of a call.
const (
	stateSending    = "sending"    // the request is on its way
	stateArrived    = "arrived"    // the request is on the server's machine
	stateResponding = "responding" // the response is on its way
	stateAnswered   = "answered"
	stateLost       = "lost" // SyftBox lost the request or the response
	stateRejected   = "rejected"
	stateDeleted    = "deleted" // the request was deleted without a response
	stateNever      = "never"   // SyftBox ignores the name of the request
)

// unreadTime is the time after which the page reads a file that is still on its way.
const unreadTime = 200 * time.Millisecond

// A leg is the way of one file of a call: the request, or the response.
type leg struct {
	Written time.Time `json:"written,omitzero"`
	Sent    time.Time `json:"sent,omitzero"`
	Arrived time.Time `json:"arrived,omitzero"`
	SentVia string    `json:"sentVia,omitempty"`
	Via     string    `json:"via,omitempty"` // by which the file arrived
	Size    int       `json:"size"`
	// The last event that is not an arrival decides what is the matter with the file.
	Lost      bool `json:"lost"`     // dropped by the hub on the way to it
	Dropped   bool `json:"dropped"`  // dropped by the hub on the way to the recipient
	Refused   bool `json:"refused"`  // the hub refused the file
	Rejected  bool `json:"rejected"` // renamed to its marker
	Conflict  bool `json:"conflict"` // renamed to its marker
	Truncated bool `json:"truncated"`
	Deleted   bool `json:"deleted"` // from the machine of the recipient
	Gone      bool `json:"gone"`    // from the machine of its author
	Writes    int  `json:"writes"`

	etag, keptEtag string
	kept           []byte
}

// A call is a request, its response, and what happened to both.
type call struct {
	callFile
	number     int
	started    time.Time
	firstSeq   uint64 // model.seq at its first event
	changed    uint64 // model.seq at the last change
	element    *list.Element
	request    leg
	response   leg
	fetched    bool // by the gateway
	forged     bool // a response of somebody else arrived first
	skewed     bool
	everLost   bool
	cause      *cause // why there was no response, when it was last found out
	method     string
	url        string
	status     int // of the response, 0 if unknown
	faults     []string
	events     []fakebox.Event
	eventCount int
	lastError  string
}

// A cause is a diagnosis of a call that had a state.
type cause struct {
	state string
	diagnosis
}

// An unread is a file that is on its way and was not read yet.
type unread struct {
	call  *call
	event fakebox.Event
	due   time.Time
}

// A shownEvent is an event in the list of all events.
type shownEvent struct {
	Seq    uint64 `json:"q"`
	Number int    `json:"n,omitempty"`
	fakebox.Event
}

// A model groups the events of a network into calls.
type model struct {
	numbers *Numbering
	read    func(key, etag string, people ...string) ([]byte, bool)
	joined  func(email string) bool

	mu        sync.Mutex // guards the fields below
	seq       uint64
	calls     map[string]*call
	byNumber  map[int]*call
	order     []*call    // oldest first
	recent    *list.List // of *call, the last changed first
	events    []shownEvent
	trimmed   uint64 // sequence number of the last event that was removed from events
	total     int    // events so far
	dropped   int    // events that did not fit into the queue
	keptLegs  []*leg
	keptTotal int
	changed   chan struct{} // closed at the next change
	actions   []action
	unread    []unread // in the order in which they are due
	deleted   []int    // numbers of calls whose request was deleted since takeDeleted
}

func newModel(numbers *Numbering, read func(string, string, ...string) ([]byte, bool), joined func(string) bool) *model {
	return &model{
		numbers: numbers, read: read, joined: joined, calls: map[string]*call{}, byNumber: map[int]*call{},
		recent: list.New(), changed: make(chan struct{}),
	}
}

// add handles events in the order of the journal.
func (m *model) add(events []fakebox.Event, dropped int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		m.addEvent(e)
	}
	m.dropped += dropped
	if len(events) > 0 || dropped > 0 {
		m.notify()
	}
}

// notify wakes those who wait for a change. The caller holds mu.
func (m *model) notify() {
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *model) addEvent(e fakebox.Event) {
	m.seq++
	m.total++
	shown := shownEvent{Seq: m.seq, Event: e}
	if f, ok := parseFile(e.Path); ok {
		c := m.callOf(f, e.Time)
		shown.Number = c.number
		before := c.isDeleted()
		c.apply(f, e)
		if !before && c.state(m.joined) == stateDeleted {
			m.deleted = append(m.deleted, c.number)
		}
		m.keep(c, f, e)
		m.touch(c)
	} else if line := scriptLine(e); line != "" {
		m.addAction(e.Time, line)
	}
	if m.events = append(m.events, shown); len(m.events) >= 2*maxEvents {
		m.trimmed = m.events[maxEvents-1].Seq
		m.events = append([]shownEvent(nil), m.events[maxEvents:]...)
	}
}

// callOf returns the call of a file, which it creates.
func (m *model) callOf(f callFile, at time.Time) *call {
	c := m.calls[f.key]
	if c != nil {
		return c
	}
	number, _ := m.numbers.Of(f.key + ".request")
	c = &call{callFile: f, number: number, started: at, firstSeq: m.seq}
	c.element = m.recent.PushFront(c)
	m.calls[f.key], m.byNumber[number] = c, c
	m.order = append(m.order, c)
	if len(m.order) > MaxCalls {
		m.forget(m.order[0])
		m.order = m.order[1:]
	}
	return c
}

func (m *model) forget(c *call) {
	delete(m.calls, c.key)
	delete(m.byNumber, c.number)
	m.recent.Remove(c.element)
	for _, l := range []*leg{&c.request, &c.response} {
		m.keptTotal -= len(l.kept)
		l.kept = nil
	}
}

// touch marks a call as changed.
func (m *model) touch(c *call) {
	c.changed = m.seq
	m.recent.MoveToFront(c.element)
}

// keep remembers the content of a file, and what the list shows of it.
func (m *model) keep(c *call, f callFile, e fakebox.Event) {
	l := c.leg(f.response)
	name := e.Path
	if e.Op == fakebox.OpReject && l.keptEtag == "" {
		name, e.Etag = markedName(e.Path, "rejected"), "rejected"
	}
	if e.Etag == "" || l.keptEtag == e.Etag || e.Fault == fakebox.Truncated {
		return
	}
	if isEarly(e) {
		// The file is on its way. Once it is there, or lost, reading it is cheap.
		m.unread = append(m.unread, unread{c, e, time.Now().Add(unreadTime)})
		return
	}
	m.readFile(c, l, f.response, name, e)
}

// isEarly reports whether an event is one of a file that is on its way.
func isEarly(e fakebox.Event) bool {
	return e.Op == fakebox.OpWrite || e.Op == fakebox.OpSend && e.Actor != fakebox.Hub
}

// readDue reads the files that are still on their way after unreadTime. It returns the time
// until the next one is due, or false if there is none.
func (m *model) readDue() (next time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := false
	for len(m.unread) > 0 {
		u := m.unread[0]
		if next = time.Until(u.due); next > 0 {
			break
		}
		m.unread = m.unread[1:]
		f, _ := parseFile(u.event.Path)
		if l := u.call.leg(f.response); l.keptEtag == "" && m.calls[f.key] == u.call {
			m.readFile(u.call, l, f.response, u.event.Path, u.event)
			m.seq++
			m.touch(u.call)
			changed = true
		}
	}
	if changed {
		m.notify()
	}
	return next, len(m.unread) > 0
}

// readFile reads a file of a call.
func (m *model) readFile(c *call, l *leg, response bool, name string, e fakebox.Event) {
	person, _, _ := strings.Cut(e.Actor, "/")
	data, ok := m.read(name, e.Etag, person, c.server, c.sender)
	if !ok || isEarly(e) && !json.Valid(data) { // an application is still writing it
		return
	}
	l.keptEtag = e.Etag
	var fields struct {
		Method string `json:"method"`
		URL    string `json:"url"`
		Sender string `json:"sender"`
		Status int    `json:"status_code"`
	}
	json.Unmarshal(data, &fields) // an incomplete file shows nothing
	if response {
		c.status = fields.Status
	} else {
		c.method, c.url = fields.Method, fields.URL
		if c.sender == "" {
			c.sender = fields.Sender // the legacy layout has no folder for it
		}
	}
	if len(data) > maxKept {
		return
	}
	m.keptTotal += len(data) - len(l.kept)
	if l.kept == nil {
		m.keptLegs = append(m.keptLegs, l)
	}
	l.kept = data
	for m.keptTotal > maxKeptTotal && len(m.keptLegs) > 0 {
		oldest := m.keptLegs[0]
		m.keptLegs = m.keptLegs[1:]
		m.keptTotal -= len(oldest.kept)
		oldest.kept = nil
	}
	if len(m.keptLegs) > 4*MaxCalls { // legs of forgotten calls
		var rest []*leg
		for _, l := range m.keptLegs {
			if l.kept != nil {
				rest = append(rest, l)
			}
		}
		m.keptLegs = rest
	}
}

func (c *call) leg(response bool) *leg {
	if response {
		return &c.response
	}
	return &c.request
}

// apply updates the call with an event of one of its files.
func (c *call) apply(f callFile, e fakebox.Event) {
	if c.eventCount++; len(c.events) < maxCallEvents {
		c.events = append(c.events, e)
	}
	if e.Fault != "" {
		c.addFault(string(e.Fault))
	}
	if e.Time.Before(c.started) {
		c.started = e.Time
	}
	l, author, recipient := &c.request, c.sender, c.server
	if f.response {
		l, author, recipient = &c.response, c.server, c.sender
	}
	if e.Size > 0 && e.Fault != fakebox.Truncated {
		l.Size = e.Size
	}
	switch e.Op {
	case fakebox.OpWrite:
		if e.Fault == fakebox.Skew {
			c.skewed = true
			return // the event of the file itself follows
		}
		l.Writes++
		setFirst(&l.Written, e.Time)
		c.arriveAtOnce(l, e.Time)
		if l.Lost {
			l.Sent, l.SentVia = time.Time{}, "" // it is not sent again yet
		}
		l.Lost, l.Rejected, l.Refused, l.Gone = false, false, false, false
	case fakebox.OpSend, fakebox.OpUpload:
		setFirst(&l.Written, e.Time)
		if l.Sent.IsZero() || l.Lost {
			l.Sent, l.SentVia = e.Time, e.Via
		}
		if e.Actor != fakebox.Hub {
			c.arriveAtOnce(l, e.Time)
		}
		l.Lost, l.Refused, l.Rejected = false, false, false
	case fakebox.OpLose:
		c.everLost = true
		if strings.HasPrefix(e.Note, "queue of ") {
			l.Dropped = true
		} else {
			l.Lost = true
		}
	case fakebox.OpRefuse:
		l.Refused = true
		c.lastError = e.Note
	case fakebox.OpReject:
		l.Rejected = true
	case fakebox.OpConflict:
		l.Conflict = true
	case fakebox.OpArrive:
		switch e.Actor {
		case recipient + "/box":
			if l.Arrived.IsZero() {
				l.Arrived, l.Via = e.Time, e.Via
			}
			l.Deleted, l.Lost, l.Dropped, l.Conflict = false, false, false, false
			l.Truncated = e.Fault == fakebox.Truncated
		case author + "/box":
			c.forged = c.forged || e.Fault == fakebox.Answered
			l.Gone, l.Conflict = false, false
		}
	case fakebox.OpRemove:
		switch e.Actor {
		case recipient + "/box":
			l.Deleted = true
		case author + "/box":
			l.Gone = true
		}
	case fakebox.OpDelete:
		if strings.Contains(e.Note, "response fetched") {
			c.fetched = true
			setFirst(&c.response.Arrived, e.Time)
		} else {
			l.Gone = true
		}
	case fakebox.OpError:
		c.lastError = e.Note
	}
}

// arriveAtOnce marks a file of a call to oneself: its recipient's replica is its author's.
func (c *call) arriveAtOnce(l *leg, at time.Time) {
	if c.sender == c.server {
		setFirst(&l.Arrived, at)
	}
}

// isLocal reports whether a test delivered the request: SyftBox did not carry it.
func (c *call) isLocal() bool { return !c.request.Arrived.IsZero() && c.request.Sent.IsZero() }

// isDeleted reports whether the request was deleted.
func (c *call) isDeleted() bool {
	return c.request.Gone || c.request.Deleted && !c.request.Conflict
}

func setFirst(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}

func (c *call) addFault(fault string) {
	for _, known := range c.faults {
		if known == fault {
			return
		}
	}
	c.faults = append(c.faults, fault)
}

// state returns the state of the call. Joined reports whether a person has a replica; a
// caller of the gateway has none.
func (c *call) state(joined func(string) bool) string {
	q, r := &c.request, &c.response
	switch {
	case !r.Arrived.IsZero(), c.fetched:
		return stateAnswered
	case !joined(c.sender) && !r.Sent.IsZero() && !r.Lost:
		return stateAnswered // the gateway can fetch it
	case c.isLocal() && !r.Written.IsZero():
		return stateAnswered // a test that delivers requests reads responses where they are written
	case q.Rejected, q.Refused, r.Rejected, r.Refused:
		return stateRejected
	case q.Lost && q.Arrived.IsZero(), r.Lost:
		return stateLost
	case !r.Written.IsZero():
		return stateResponding
	case fakebox.Ignores(c.key + ".request"):
		return stateNever
	case c.isDeleted():
		return stateDeleted
	case !q.Arrived.IsZero():
		return stateArrived
	}
	return stateSending
}

// ended returns when the caller could read the response, or zero.
func (c *call) ended(state string) time.Time {
	switch {
	case state != stateAnswered:
		return time.Time{}
	case !c.response.Arrived.IsZero():
		return c.response.Arrived
	case !c.response.Sent.IsZero():
		return c.response.Sent
	}
	return c.response.Written
}

// paths returns the path of the request and of the response.
func (c *call) paths() string {
	name := func(l *leg) string {
		switch via := l.Via; {
		case via == "" && l.SentVia == "":
			return ""
		case via == "":
			return l.SentVia
		default:
			return via
		}
	}
	request, response := name(&c.request), name(&c.response)
	switch {
	case response == "" || request == response:
		return request
	case request == "":
		return response
	}
	return request + ", " + response
}

// A summary is a call in the list.
type summary struct {
	Number   int      `json:"n"`
	Started  int64    `json:"t"`           // milliseconds since 1970
	Millis   float64  `json:"ms"`          // -1 while there is no response
	From     string   `json:"from"`        //
	To       string   `json:"to"`          //
	App      string   `json:"app"`         //
	Endpoint string   `json:"ep"`          //
	Method   string   `json:"m,omitempty"` //
	State    string   `json:"st"`          //
	Status   int      `json:"code,omitempty"`
	Path     string   `json:"path,omitempty"`
	Lost     bool     `json:"lost,omitempty"` // at some time
	Faults   []string `json:"f,omitempty"`
}

func (c *call) summary(joined func(string) bool) summary {
	s := summary{
		Number: c.number, Started: c.started.UnixMilli(), Millis: -1, From: c.sender, To: c.server, App: c.app, Endpoint: c.endpoint,
		Method: c.method, State: c.state(joined), Status: c.status, Path: c.paths(), Lost: c.everLost, Faults: c.faults,
	}
	if end := c.ended(s.State); !end.IsZero() {
		s.Millis = float64(end.Sub(c.started).Microseconds()) / 1000
	}
	return s
}

// A change is what has happened since a sequence number.
type change struct {
	Calls   []summary    `json:"calls"`
	Events  []shownEvent `json:"events"`
	Total   int          `json:"total"`
	Dropped int          `json:"dropped"`
	First   int          `json:"first"` // number of the oldest call that is remembered
	Gap     bool         `json:"gap,omitempty"`
	More    bool         `json:"-"`
	seq     uint64
}

// since returns what has happened since a sequence number, with at most limit calls and
// limit events. The channel is closed at the next change.
func (m *model) since(seq uint64, limit int) (change, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := change{Total: m.total, Dropped: m.dropped, seq: m.seq}
	if len(m.order) > 0 {
		c.First = m.order[0].number
	}
	events := m.events[max(0, len(m.events)-maxEvents):]
	if len(events) > 0 {
		before := m.trimmed
		if older := len(m.events) - len(events); older > 0 {
			before = m.events[older-1].Seq
		}
		c.Gap = seq > 0 && before > seq
		events = events[sort.Search(len(events), func(i int) bool { return events[i].Seq > seq }):]
	}
	// A part ends where its last event or its last call ends, whichever is earlier.
	if len(events) > limit {
		events, c.More = events[:limit], true
		c.seq = events[limit-1].Seq
	}
	c.Events = events
	var changed []*call
	for e := m.recent.Front(); e != nil && e.Value.(*call).changed > seq; e = e.Next() {
		changed = append(changed, e.Value.(*call))
	}
	for i := len(changed) - 1; i >= 0 && changed[i].changed <= c.seq; i-- {
		c.Calls = append(c.Calls, changed[i].summary(m.joined))
	}
	return c, m.changed
}
