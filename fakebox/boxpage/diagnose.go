package boxpage

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// A diagnosis says why a call has no response, and what to do.
type diagnosis struct {
	Title string `json:"title"`
	Why   string `json:"why"`
	Do    string `json:"do"`
	// Requirement is the id of a requirement in SPEC.md, if one applies.
	Requirement string `json:"requirement,omitempty"`
}

// diagnose returns nil for a call that has its response. The call is a copy.
func (p *Page) diagnose(c *call) *diagnosis {
	state := c.state(p.joined)
	switch state {
	case stateAnswered:
		return p.diagnoseAnswered(c)
	case stateRejected:
		return p.diagnoseRejected(c)
	case stateLost:
		return p.diagnoseLost(c)
	case stateResponding:
		return p.diagnoseResponding(c)
	case stateNever:
		return &diagnosis{
			Title: "The request is never delivered.",
			Why:   "SyftBox never delivers this name: " + ignoredPart(c.key+".request") + " is in its list of ignored names.",
			Do:    "Choose another name for the app, the endpoint or the file.",
		}
	case stateDeleted:
		return p.diagnoseDeleted(c)
	case stateArrived:
		return p.diagnoseArrived(c)
	}
	return p.diagnoseSending(c)
}

// diagnoseDeleted says, besides, what kept the request from a response before: usually its
// sender gave up for this reason.
func (p *Page) diagnoseDeleted(c *call) *diagnosis {
	d := &diagnosis{
		Title: "The request was deleted before it had a response.",
		Why:   "An application, or a full sync, deleted the file of the request. A client that waits no longer does so.",
		Do:    "Send the request again.",
	}
	cause := c.cause
	if cause == nil {
		cause = p.causeOfDeleted(c)
	}
	d.Why += " Before that: " + cause.Title + " " + cause.Why
	d.Do, d.Requirement = cause.Do+" Then send the request again.", cause.Requirement
	return d
}

// causeOfDeleted returns why a call whose request was deleted just now had no response. It
// returns what was found out before, if the call had the same state then.
func (p *Page) causeOfDeleted(c *call) *cause {
	before := *c
	before.request.Gone, before.request.Deleted = false, false
	state := before.state(p.joined)
	if c.cause != nil && c.cause.state == state {
		return c.cause
	}
	d := p.diagnose(&before)
	if d == nil {
		return nil
	}
	return &cause{state, *d}
}

func (p *Page) diagnoseAnswered(c *call) *diagnosis {
	switch {
	case c.forged:
		return &diagnosis{
			Title: "Somebody else wrote a response first.",
			Why:   "A response was there before the request arrived. SyftBox's permissions allow the sender to write it.",
			Do:    "The server leaves an existing response as it is. Check that the client does not mistake it for the server's.", Requirement: "proc-once",
		}
	case c.status == 419:
		return &diagnosis{
			Title: "The request had expired when the server read it.",
			Why:   "The server answered with status 419 and did not call the handler.",
			Do:    "Send it again with a longer expiry, and check the clocks of both machines.", Requirement: "proc-expired",
		}
	case c.everLost:
		return &diagnosis{
			Title: "SyftBox lost a message, and the response arrived all the same.",
			Why:   "See the event “lost” in the timeline. The file was written or uploaded again.",
			Do:    "Nothing. This is what a robust server or client does.", Requirement: "publish-again",
		}
	}
	return nil
}

func (p *Page) diagnoseRejected(c *call) *diagnosis {
	if c.response.Rejected || c.response.Refused {
		return &diagnosis{
			Title: "The hub rejected the response.",
			Why:   "The hub refused the file: " + orUnknown(c.lastError) + ".",
			Do:    "Write the response as the owner of the datasite, beside the request and with its name.",
		}
	}
	d := p.diagnosePermission(c)
	if d == nil {
		d = &diagnosis{
			Why: "When the request was sent, the permissions did not allow it. They allow it now.",
			Do:  "Send the request again.",
		}
		if c.lastError != "" && c.lastError != "permission denied" {
			d.Why, d.Do = "The hub refused the file: "+c.lastError+".", "Use a shorter name without “..”."
		}
	}
	d.Title = "SyftBox rejected the request, so it never reached " + c.server + "."
	if c.request.Rejected {
		d.Why += " SyftBox renamed the sender's file to " + c.id + ".rejected.request."
	}
	return d
}

// diagnosePermission returns nil if the sender may write the request.
func (p *Page) diagnosePermission(c *call) *diagnosis {
	if p.box.May(c.sender, c.key+".request", true) {
		return nil
	}
	rules := path.Join(c.rpcFolder(), "syft.pub.yaml")
	d := &diagnosis{Requirement: "layout-permissions"}
	_, stored := p.box.Stored(rules)
	switch {
	case stored:
		d.Why = rules + " on the hub does not let " + c.sender + " write this request."
		d.Do = "Correct the file in the replica of " + c.server + ": a rule for '**/{{.UserEmail}}/*.request' with 'USER' in its list “write”."
	case p.exists(c.server, rules):
		d.Why = rules + " exists in the replica of " + c.server + ", but it has not reached the hub yet."
		d.Do = "Wait for the next full sync of " + c.server + ", up to " + p.cycle() + ", then send the request again."
	case p.exists(c.server, c.rpcFolder()):
		d.Why = "The folder " + c.rpcFolder() + " has no syft.pub.yaml, so only its owner may write there."
		d.Do = "Start a server that creates it before it is ready."
	default:
		d.Why = "No server has created the app " + c.app + " at " + c.server + ": there is no folder " + c.rpcFolder() + "."
		d.Do = p.startServer(c)
	}
	return d
}

func (p *Page) diagnoseLost(c *call) *diagnosis {
	file, author, l := "request", c.sender, &c.request
	if c.response.Lost {
		file, author, l = "response", c.server, &c.response
	}
	d := &diagnosis{Title: "SyftBox lost the " + file + " on its way.", Requirement: "publish-again"}
	d.Why = "The client of " + author + " sent it by the fast path and counts it as delivered, but the hub dropped the message"
	switch fault := lastLoss(c.events); fault {
	case "":
		d.Why += " because it was stopped."
	case fakebox.DeadZone:
		d.Why += fmt.Sprintf(" because it was larger than %d MiB as base64 [%s].", fakebox.MaxMessageSize>>20, fault)
	default:
		d.Why += fmt.Sprintf(" because its queue of %d messages was full [%s].", fakebox.QueueLength, fault)
	}
	if l.Gone {
		d.Why += " A full sync has deleted the file of " + author + " since, because the hub does not have it."
	} else {
		d.Why += " The file is still in the replica of " + author + ". The next full sync, within " + p.cycle() + ", deletes it because the hub does not have it."
	}
	if file == "request" {
		d.Do = "Send the request again: nothing does that by itself. A client notices the loss when its file disappears without a response."
	} else {
		d.Do = "The server has to write the response again when it disappears from its folder. If it does not, it violates the requirement below."
	}
	return d
}

// lastLoss returns the fault of the last message that the hub dropped.
func lastLoss(events []fakebox.Event) (fault fakebox.Fault) {
	for _, e := range events {
		if e.Op == fakebox.OpLose {
			fault = e.Fault
		}
	}
	return fault
}

func (p *Page) diagnoseResponding(c *call) *diagnosis {
	if d := p.diagnoseOutage(c.server); d != nil {
		d.Title = "The response waits on the machine of " + c.server + "."
		return d
	}
	d := &diagnosis{Title: "The response is on its way.", Why: "The server has written it."}
	switch {
	case c.response.Conflict:
		d.Title = "The response is in conflict."
		d.Why = "Both sides changed it, so SyftBox renamed one version to " + c.id + ".conflict.response."
		d.Do = "The other version comes with the next full sync, within " + p.cycle() + "."
	case c.response.Sent.IsZero():
		d.Why += " The client of " + c.server + " has not sent it: it did not notice the modification, or the file was renamed into its folder."
		d.Do = "Wait for the next full sync, within " + p.cycle() + "."
	default:
		if outage := p.diagnoseOutage(c.sender); outage != nil && p.joined(c.sender) {
			d.Why, d.Do = outage.Why, outage.Do
			break
		}
		d.Why += " The hub has it."
		d.Do = "Wait. If the fast path does not deliver it, a full sync does within " + p.cycle() + "."
	}
	return d
}

// diagnoseOutage returns nil if a machine can reach the hub.
func (p *Page) diagnoseOutage(email string) *diagnosis {
	r, ok := p.box.Replica(email)
	d := &diagnosis{Requirement: "detect-waiting"}
	switch {
	case !ok:
		d.Why, d.Do = "Nobody called "+email+" has joined this network.", "Check the address, or add it to the command line of “box”."
	case !r.Running():
		d.Why, d.Do = "The client of "+email+" is stopped: nothing is sent or received on this machine.", "Start it under Faults."
	case !r.Online():
		d.Why, d.Do = "The machine of "+email+" is offline.", "Connect it under Faults. Its next full sync carries what was missed."
	case !p.box.ServerRunning():
		d.Why, d.Do = "The hub, SyftBox's server, is stopped.", "Start it under Faults. Clients reconnect after 1 to 8 seconds."
	default:
		return nil
	}
	return d
}

func (p *Page) diagnoseArrived(c *call) *diagnosis {
	if c.request.Truncated {
		return &diagnosis{
			Title: "The request is incomplete.", Requirement: "read-settle",
			Why: "Only half of the file has arrived [truncated], and the rest never will.",
			Do:  "Nothing. A server waits, then answers with an error or leaves the request alone.",
		}
	}
	if c.request.Conflict {
		return &diagnosis{
			Title: "The request is in conflict.", Requirement: "detect-markers",
			Why: "SyftBox has renamed it to " + c.id + ".conflict.request.",
			Do:  "It comes back with a full sync, within " + p.cycle() + ".",
		}
	}
	if c.request.Deleted {
		return &diagnosis{
			Title: "The request was deleted on the machine of " + c.server + ".", Requirement: "proc-once",
			Why: "SyftBox deleted the file after it had arrived.",
			Do:  "It comes back with a full sync, within " + p.cycle() + ".",
		}
	}
	d := &diagnosis{Title: "The request has arrived at " + c.server + ", but nobody answers it."}
	endpoints, hasSchema := p.endpoints(c.server, c.app)
	switch {
	case p.exists(c.server, c.key+".response"):
		d.Title = "The response exists at " + c.server + ", but SyftBox does not carry it."
		d.Why, d.Do = "The client of "+c.server+" has not noticed the file.", "Start the network, or wait for the next full sync, within "+p.cycle()+"."
	case !p.exists(c.server, c.rpcFolder()+"/syft.pub.yaml") && !p.exists(c.server, c.endpointFolder()+"/.syftkeep"):
		d.Why = "No server has created the app " + c.app + " at " + c.server + "."
		d.Do = p.startServer(c)
	case hasSchema && !slices.ContainsFunc(endpoints, func(pattern string) bool { return matches(pattern, c.endpoint) }) && !p.exists(c.server, c.endpointFolder()+"/.syftkeep"):
		d.Why = fmt.Sprintf("The app %s has no endpoint %s.", c.app, c.endpoint)
		d.Do = "Its rpc.schema.json names " + listNames(endpoints) + ". Send to one of these, or register the endpoint in the server."
		d.Requirement = "layout-sender"
	case !hasSchema && !p.exists(c.server, c.endpointFolder()+"/.syftkeep"):
		d.Why = "No server has created the endpoint " + c.endpoint + ": its folder has no .syftkeep."
		d.Do = "Check that the server of the app " + c.app + " runs and registers this endpoint. " + p.startServer(c)
	case p.expired(c):
		d.Why = "The request has expired. A server that runs answers it with status 419, without calling the handler."
		d.Do = "Send it again with a longer expiry, and check the clocks of both machines."
		d.Requirement = "proc-expired"
	case c.skewed:
		d.Why = "The sender's clock is slow [skew]: the request had expired when it was sent."
		d.Do = "Correct the clock of the sender."
		d.Requirement = "proc-expired"
	default:
		d.Why = "A server has created the endpoint. Either it does not run any more, its handler is still at work, or it has not detected the file."
		d.Do = "Look whether the server's process runs and what it logs."
		d.Requirement = "detect-websocket"
		if c.request.Via == fakebox.ViaFullSync {
			d.Requirement = "detect-blobstore"
		}
	}
	return d
}

// matches reports whether an endpoint matches one of a rpc.schema.json, which may have wildcards:
// "{name}" and "*" for one segment, "{name...}" and "**" for the rest.
func matches(pattern, endpoint string) bool {
	wanted, segments := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(endpoint, "/"), "/")
	for i, want := range wanted {
		wildcard := strings.HasPrefix(want, "{") && strings.HasSuffix(want, "}")
		switch {
		case want == "**" || wildcard && strings.HasSuffix(want, "...}"):
			return true
		case i == len(segments) || want != segments[i] && want != "*" && !wildcard:
			return false
		}
	}
	return len(wanted) == len(segments)
}

func (p *Page) diagnoseSending(c *call) *diagnosis {
	d := &diagnosis{Title: "The request has not arrived at " + c.server + "."}
	if _, joined := p.box.Replica(c.server); !joined {
		d.Why, d.Do = "Nobody called "+c.server+" has joined this network.", "Check the address, or add it to the command line of “box”."
		return d
	}
	if p.joined(c.sender) {
		if c.request.Sent.IsZero() && !p.exists(c.sender, c.key+".request") && !p.exists(c.sender, markedName(c.key+".request", "conflict")) {
			d.Why, d.Do = "The file of the request was deleted before SyftBox carried it.", "Send the request again."
			return d
		}
		if outage := p.diagnoseOutage(c.sender); outage != nil {
			outage.Title = d.Title
			return outage
		}
	}
	if denied := p.diagnosePermission(c); denied != nil {
		denied.Title = d.Title
		return denied
	}
	switch {
	case c.request.Sent.IsZero() && c.lastError != "":
		d.Why = "The client of " + c.sender + " could not send it: " + c.lastError + "."
		d.Do = "Wait. A full sync carries it within " + p.cycle() + ", unless sending it has failed three times."
	case c.request.Sent.IsZero():
		d.Why = "The client of " + c.sender + " has not sent it. It sends a file 50 ms after a modification, but misses one that is written in a new folder at once, or renamed into place."
		d.Do = "Wait for the next full sync, within " + p.cycle() + "."
	default:
		if outage := p.diagnoseOutage(c.server); outage != nil {
			outage.Title = d.Title
			return outage
		}
		d.Why = "The hub has it."
		if c.request.Dropped {
			d.Why += " It dropped the message to " + c.server + " because the queue was full."
		}
		d.Do = "Wait. If the fast path does not deliver it, a full sync does within " + p.cycle() + "."
	}
	return d
}

// startServer says how to start the server of a call.
func (p *Page) startServer(c *call) string {
	r, ok := p.box.Replica(c.server)
	if !ok {
		return "Nobody called " + c.server + " has joined this network."
	}
	return "Start the server with SYFTBOX_CLIENT_CONFIG_PATH=" + r.ConfigPath() + " and the app name " + c.app + "."
}

// expired reports whether the request has expired.
func (p *Page) expired(c *call) bool {
	data, ok := p.content(c, false)
	var fields struct {
		Expires time.Time `json:"expires"`
	}
	return ok && json.Unmarshal(data, &fields) == nil && !fields.Expires.IsZero() && time.Now().After(fields.Expires)
}

// cycle returns the maximum time until the next full sync has ended, as text.
func (p *Page) cycle() string {
	d := time.Duration(float64(2*fakebox.CycleTime) / p.box.Speed())
	return d.Round(10 * time.Millisecond).String()
}

// endpoints returns the endpoints in the rpc.schema.json of an app. Ok is false if there
// is none.
func (p *Page) endpoints(server, app string) (endpoints []string, ok bool) {
	data, ok := p.readReplica(server, path.Join(server, "app_data", app, "rpc", "rpc.schema.json"))
	var schema map[string]json.RawMessage
	if !ok || json.Unmarshal(data, &schema) != nil {
		return nil, false
	}
	for name := range schema {
		if i := strings.IndexByte(name, '/'); i > 0 { // "GET /sum"
			name = name[i:]
		}
		endpoints = append(endpoints, name)
	}
	slices.Sort(endpoints)
	return slices.Compact(endpoints), true
}

// ignoredPart returns the first element of a path that SyftBox never syncs.
func ignoredPart(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if i < len(parts)-1 {
			part += "/"
		}
		if fakebox.Ignores(part + strings.Repeat("x", len(part)-len(strings.TrimSuffix(part, "/")))) {
			return "“" + part + "”"
		}
	}
	return "“" + name + "”"
}

func listNames(names []string) string {
	if len(names) == 0 {
		return "no endpoint"
	}
	const shown = 12
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return strings.Join(names, ", ")
}

func orUnknown(text string) string {
	if text == "" {
		return "unknown reason"
	}
	return text
}

// An undeliverable is a request that SyftBox never carries, so that no event tells of it.
type undeliverable struct {
	Owner string `json:"owner"` // of the replica
	Path  string `json:"path"`
	Why   string `json:"why"`
}

// undeliverables returns the requests in all replicas that SyftBox never carries.
func (p *Page) undeliverables(trees map[string][]fileInfo) []undeliverable {
	all := []undeliverable{}
	for _, email := range slices.Sorted(maps.Keys(trees)) {
		for _, f := range trees[email] {
			call, ok := parseFile(f.path)
			if !ok || call.response {
				continue
			}
			why := ""
			switch {
			case isMarked(f.path):
				continue
			case fakebox.Ignores(f.path):
				why = "SyftBox never delivers this name: " + ignoredPart(f.path) + " is in its list of ignored names."
			case f.size == 0:
				why = "SyftBox does not deliver empty files."
			case strings.Contains(f.path, `\`):
				why = "SyftBox does not deliver names with a backslash."
			default:
				continue
			}
			all = append(all, undeliverable{email, f.path, why})
		}
	}
	return all
}

// isMarked reports whether SyftBox has renamed a file to a marker.
func isMarked(name string) bool {
	base := path.Base(name)
	return strings.Contains(base, ".rejected.") || strings.Contains(base, ".conflict.")
}
