package script

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// An answer holds the flags of "respond".
type answer struct {
	status  int
	headers map[string]string
	set     map[string]json.RawMessage
	unset   []string
	first   int
	until   string // deliver what ends with this text first
	zeros   bool   // deliver zeros for the rest
	upper   string // a field that is changed to upper case
	size    int
	seed    uint64
	via     fakebox.Mode
	content string
	into    string
	text    string
	hasText bool
}

func (c *client) parseRespond(args []string) (name string, a *answer, err error) {
	a = &answer{headers: map[string]string{}, set: map[string]json.RawMessage{}, via: c.config.Delivery}
	flags := newFlags()
	flags.IntVar(&a.status, "status", 200, "")
	flags.IntVar(&a.first, "first", -1, "")
	flags.StringVar(&a.until, "until", "", "")
	flags.BoolVar(&a.zeros, "zeros", false, "")
	flags.StringVar(&a.upper, "upper", "", "")
	flags.IntVar(&a.size, "body-size", -1, "")
	flags.Uint64Var(&a.seed, "body-seed", 1, "")
	flags.TextVar(&a.via, "via", a.via, "")
	flags.StringVar(&a.content, "content", "", "")
	flags.StringVar(&a.into, "into", "", "")
	headerVar(flags, "header", a.headers)
	flags.Func("set", "", func(value string) error {
		name, text, ok := strings.Cut(value, "=")
		if !ok {
			return errors.New("want FIELD=JSON")
		}
		a.set[name] = json.RawMessage(text)
		if !json.Valid([]byte(text)) {
			a.set[name], _ = json.Marshal(text) // a string has no errors
		}
		return nil
	})
	flags.Func("unset", "", func(value string) error {
		a.unset = append(a.unset, value)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return "", nil, fmt.Errorf("respond: %w", err)
	}
	if flags.NArg() != 1 && flags.NArg() != 2 {
		return "", nil, errUsage
	}
	a.text, a.hasText = flags.Arg(1), flags.NArg() == 2
	return flags.Arg(0), a, nil
}

// commandRespond writes responses as SyftBox does.
func (c *client) commandRespond(ts *testscript.TestScript, args []string) error {
	name, a, err := c.parseRespond(args)
	if err != nil {
		return err
	}
	return c.each(name, func(call *clientCall) error {
		if err := c.awaitRequest(call); err != nil {
			return err
		}
		setVariables(ts, call)
		if call.response, err = c.responseTo(call, a); err != nil {
			return err
		}
		if a.content != "" {
			call.response = []byte(ts.ReadFile(a.content))
		}
		if a.into != "" {
			return os.WriteFile(ts.MkAbs(a.into), call.response, 0o644)
		}
		return c.deliverResponse(call, a)
	})
}

// deliverResponse delivers a response, or the first part of one.
func (c *client) deliverResponse(call *clientCall, a *answer) error {
	mode := a.via
	call.written = len(call.response)
	data, began := call.response, time.Now()
	first := a.first
	if a.until != "" {
		if first = bytes.Index(data, []byte(a.until)); first < 0 {
			return fmt.Errorf("respond: %q is not in the response", a.until)
		}
		first += len(a.until)
	}
	if first >= 0 {
		call.written, mode = min(first, call.written), fakebox.BlobStoreInPlace
		data = slices.Clone(data[:call.written])
		if a.zeros {
			data = append(data, make([]byte, len(call.response)-call.written)...)
		}
	}
	if err := c.write(call, data, mode); err != nil {
		return err
	}
	if first >= 0 {
		c.premises.pieces[call.name] = began
	}
	return nil
}

// write delivers a response, or a part of one.
func (c *client) write(call *clientCall, data []byte, mode fakebox.Mode) error {
	owner := c.config.Names.Server
	name, err := filepath.Rel(c.network.Server.Path(owner), call.responsePath())
	if err != nil {
		return err
	}
	c.places(call.responsePath())
	return c.network.Server.DeliverFrom(owner, filepath.ToSlash(name), data, fakebox.Delivery{Mode: mode})
}

// timeLayout is how the Python package writes times.
const timeLayout = "2006-01-02T15:04:05.000000-07:00"

// responseTo returns the content of a response.
func (c *client) responseTo(call *clientCall, a *answer) ([]byte, error) {
	body := any(nil)
	switch {
	case a.size >= 0:
		body = base64.URLEncoding.EncodeToString(seededBytes(a.seed, a.size))
	case a.hasText:
		body = base64.URLEncoding.EncodeToString([]byte(a.text))
	}
	now := time.Now().UTC()
	expires := now.Add(time.Hour).Format(timeLayout)
	if request, err := parseReply(call.data); err == nil {
		// A response copies it, if it has the form that a response needs.
		if text, _ := request.string("expires"); isTime(text) {
			expires = text
		}
	}
	var out strings.Builder
	members := []struct {
		name  string
		value any
	}{
		{"id", call.stem()},
		{"sender", c.config.Names.Server},
		{"url", call.url},
		{"body", body},
		{"headers", a.headers},
		{"created", now.Format(timeLayout)},
		{"expires", expires},
		{"status_code", a.status},
	}
	add := func(name string, value json.RawMessage) {
		separator := ","
		if out.Len() == 0 {
			separator = "{"
		}
		if !slices.Contains(a.unset, name) {
			fmt.Fprintf(&out, "%s%q:%s", separator, name, value)
		}
	}
	set := map[string]bool{}
	for _, member := range members {
		value, replaced := a.set[member.name]
		if set[member.name] = true; !replaced {
			var err error
			if value, err = json.Marshal(member.value); err != nil {
				return nil, err
			}
		}
		if member.name == a.upper {
			value = bytes.ToUpper(value)
		}
		add(member.name, value)
	}
	for _, name := range slices.Sorted(maps.Keys(a.set)) {
		if !set[name] { // a member that responses do not have
			add(name, a.set[name])
		}
	}
	return []byte(out.String() + "}"), nil
}

// isTime reports whether a text is a date and time with an offset or Z.
func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

// seededBytes returns bytes that a seed determines.
func seededBytes(seed uint64, size int) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	body := make([]byte, size)
	rand.NewChaCha8(key).Read(body) // never fails
	return body
}

// commandFinish writes the rest of a response that was written with -first, or its next bytes.
func (c *client) commandFinish(_ *testscript.TestScript, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return errUsage
	}
	call, err := c.call(args[0])
	if err != nil {
		return err
	}
	size := len(call.response)
	if len(args) == 2 {
		if _, err := fmt.Sscan(args[1], &size); err != nil || size < 0 {
			return fmt.Errorf("finish: %q is not a number of bytes", args[1])
		}
	}
	return c.writeMore(call, size)
}

// writeMore writes the next bytes of a response.
func (c *client) writeMore(call *clientCall, size int) error {
	rest := call.response[call.written:]
	rest = rest[:min(size, len(rest))]
	if settle := c.process.Ready().Settle(); settle > 0 {
		c.premises.piece(call.name, time.Now(), settle)
	}
	c.places(call.responsePath())
	f, err := os.OpenFile(call.responsePath(), os.O_WRONLY, 0)
	if os.IsNotExist(err) {
		return &mismatch{fmt.Sprintf("the client leaves the incomplete response to call %q", call.name), "it was removed", false}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(rest, int64(call.written))
	call.written += len(rest)
	return errors.Join(err, f.Close())
}

// minTrickle is the settle time that a client with a shorter one is tested with.
const minTrickle = time.Second

// commandTrickle writes pieces of responses, none of them the last, for longer than the settle time,
// and checks that the calls have no results.
func (c *client) commandTrickle(_ *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	settle := max(minTrickle, c.process.Ready().Settle()) // not scaled: it is the client's
	for range int(trickleTime * tricklePieces) {
		if err := c.sleep(settle / tricklePieces); err != nil {
			return err
		}
		if err := c.commandPending(false, args); err != nil {
			return err
		}
		for _, name := range args {
			call, err := c.call(name)
			if err != nil {
				return err
			}
			if err := c.writeMore(call, 1); err != nil {
				return err
			}
		}
	}
	return nil
}

// commandReturn writes the request or the response of a call again, as SyftBox does when it brings
// back a file.
func (c *client) commandReturn(_ *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "request" && args[0] != "response" {
		return errUsage
	}
	call, err := c.call(args[1])
	if err != nil {
		return err
	}
	name, data := call.request, call.data
	if args[0] == "response" {
		name, data = call.responsePath(), call.response
	}
	c.places(name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o644)
}
