package boxscript

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// An outgoing holds the flags and arguments of "box send".
type outgoing struct {
	name, endpoint, body   string
	from, to               string
	method, stem, folder   string
	bodyFile, envelopeFile string
	via                    fakebox.Mode
	bodySize, first        int
	bodySeed               uint64 // 0 for text
	trailing, fill         string
	expires                time.Duration
	headers                map[string]string
	set                    map[string]json.RawMessage
	unset                  []string
}

const sendUsage = "usage: box send [flags] NAME ENDPOINT [BODY]"

func (n *Network) parseSend(args []string) (*outgoing, error) {
	o := &outgoing{via: n.Delivery, headers: map[string]string{}, set: map[string]json.RawMessage{}}
	flags := newFlags("send")
	flags.StringVar(&o.from, "from", cmp.Or(n.Sender, "client@example.com"), "")
	flags.StringVar(&o.to, "to", "", "")
	flags.StringVar(&o.method, "method", "POST", "")
	flags.StringVar(&o.stem, "stem", "", "")
	flags.StringVar(&o.folder, "folder", "", "")
	flags.StringVar(&o.bodyFile, "body-file", "", "")
	flags.StringVar(&o.envelopeFile, "envelope", "", "")
	flags.IntVar(&o.bodySize, "body-size", -1, "")
	flags.Uint64Var(&o.bodySeed, "body-seed", 0, "")
	flags.IntVar(&o.first, "first", -1, "")
	flags.StringVar(&o.trailing, "trailing", "", "")
	flags.StringVar(&o.fill, "fill", "", "")
	flags.DurationVar(&o.expires, "expires", 15*time.Minute, "")
	modeVar(flags, "via", &o.via)
	flags.Func("header", "", func(value string) error {
		name, text, ok := strings.Cut(value, ": ")
		if !ok {
			return errors.New("want 'NAME: VALUE'")
		}
		o.headers[name] = text
		return nil
	})
	flags.Func("set", "", func(value string) error {
		name, text, ok := strings.Cut(value, "=")
		if !ok {
			return errors.New("want FIELD=JSON")
		}
		o.set[name] = json.RawMessage(text)
		if !json.Valid([]byte(text)) {
			quoted, err := json.Marshal(text)
			o.set[name] = quoted
			return err
		}
		return nil
	})
	flags.Func("unset", "", func(value string) error {
		o.unset = append(o.unset, value)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return nil, fmt.Errorf("box send: %w", err)
	}
	if o.fill != "" && (o.fill != "zeros" || o.first < 0) {
		return nil, errors.New("box send: want -fill zeros with -first")
	}
	if flags.NArg() < 2 || flags.NArg() > 3 {
		return nil, errors.New(sendUsage)
	}
	o.name, o.endpoint, o.body = flags.Arg(0), strings.Trim(flags.Arg(1), "/"), flags.Arg(2)
	if flags.NArg() == 2 && o.bodyFile == "" && o.bodySize < 0 {
		o.body = noBody
	}
	return o, nil
}

// noBody stands for a null body. A script cannot contain this string.
const noBody = "\x00"

func (n *Network) commandSend(ts *testscript.TestScript, args []string) error {
	o, err := n.parseSend(args)
	if err != nil {
		return err
	}
	if n.calls[o.name] != nil {
		return fmt.Errorf("box send: request %q already exists", o.name)
	}
	app := appOf(ts)
	if o.stem == "" {
		o.stem = n.stemOf(ts.Name(), o.name)
	}
	o.to = cmp.Or(o.to, n.Server.Email)
	if o.folder == "" {
		o.folder = path.Join(o.endpoint, o.from)
	}
	call := &Call{
		Name: o.name, Stem: o.stem, From: o.from, network: n, to: o.to,
		Folder: path.Join("app_data", app, "rpc", o.folder),
	}
	if call.Data, err = o.content(ts, app); err != nil {
		return fmt.Errorf("box send: %w", err)
	}
	if o.to != n.Server.Email && !n.syncing {
		return errors.New("box send: -to needs box sync")
	}
	n.calls[o.name] = call
	call.Sent = time.Now()
	ts.Setenv("STEM_"+o.name, o.stem)
	if replica, joined := n.Box.Replica(o.from); joined && n.syncing {
		if o.first >= 0 {
			return errors.New("box send: -first cannot be used for a request that SyftBox carries")
		}
		call.client = replica
		return call.write()
	}
	call.written = len(call.Data)
	mode := o.via
	if o.first >= 0 {
		call.written, mode = min(o.first, len(call.Data)), fakebox.BlobStoreInPlace
	}
	data := call.Data[:call.written]
	if o.fill != "" {
		data = append(slices.Clone(data), make([]byte, len(call.Data)-call.written)...)
	}
	return n.Server.Deliver(call.Folder+"/"+call.Stem+".request", data, fakebox.Delivery{Mode: mode})
}

func appOf(ts *testscript.TestScript) string { return cmp.Or(ts.Getenv("BOX_APP"), "app") }

func (n *Network) commandFolder(ts *testscript.TestScript, args []string) error {
	flags := newFlags("folder")
	from := flags.String("from", cmp.Or(n.Sender, "client@example.com"), "")
	to := flags.String("to", n.Server.Email, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box folder: %w", err)
	}
	if flags.NArg() != 1 {
		return errors.New("usage: box folder [-from EMAIL] [-to EMAIL] ENDPOINT")
	}
	for _, email := range []string{*from, *to} {
		replica, err := n.replica("folder", email)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(replica.Path(path.Join(*to, "app_data", appOf(ts), "rpc", flags.Arg(0), *from)), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// write writes the request into the replica of its sender, in place, as a client does.
func (c *Call) write() error {
	name := c.client.Path(c.key(".request"))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, c.Data, 0o644)
}

// content returns the content of the request file.
func (o *outgoing) content(ts *testscript.TestScript, app string) ([]byte, error) {
	if o.envelopeFile != "" {
		return []byte(strings.ReplaceAll(strings.TrimSuffix(ts.ReadFile(o.envelopeFile), "\n"), "$STEM", o.stem)), nil
	}
	body := any(base64.URLEncoding.EncodeToString([]byte(o.body)))
	switch {
	case o.bodyFile != "":
		body = base64.URLEncoding.EncodeToString([]byte(ts.ReadFile(o.bodyFile)))
	case o.bodySize >= 0:
		body = base64.URLEncoding.EncodeToString(o.generatedBody())
	case o.body == noBody:
		body = nil
	}
	now := time.Now().UTC()
	const layout = "2006-01-02T15:04:05.000000-07:00"
	members := []struct {
		name  string
		value any
	}{
		{"id", o.stem},
		{"sender", o.from},
		{"url", "syft://" + o.to + "/app_data/" + app + "/rpc/" + o.endpoint},
		{"body", body},
		{"headers", o.headers},
		{"created", now.Format(layout)},
		{"expires", now.Add(o.expires).Format(layout)},
		{"method", o.method},
	}
	var out bytes.Buffer
	for _, member := range members {
		value, ok := o.set[member.name]
		if !ok {
			var err error
			if value, err = json.Marshal(member.value); err != nil {
				return nil, err
			}
		}
		o.append(&out, member.name, value)
		delete(o.set, member.name)
	}
	for _, name := range slices.Sorted(maps.Keys(o.set)) { // additional members
		o.append(&out, name, o.set[name])
	}
	out.WriteByte('}')
	out.WriteString(o.trailing)
	return out.Bytes(), nil
}

// generatedBody returns a body of -body-size bytes.
func (o *outgoing) generatedBody() []byte {
	if o.bodySeed == 0 {
		return bytes.Repeat([]byte("0123456789abcdef"), o.bodySize/16+1)[:o.bodySize]
	}
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], o.bodySeed)
	body := make([]byte, o.bodySize)
	rand.NewChaCha8(seed).Read(body) // never fails
	return body
}

// append appends a member to the envelope, unless it is unset.
func (o *outgoing) append(out *bytes.Buffer, name string, value json.RawMessage) {
	if slices.Contains(o.unset, name) {
		return
	}
	separator := byte(',')
	if out.Len() == 0 {
		separator = '{'
	}
	out.WriteByte(separator)
	fmt.Fprintf(out, "%q:%s", name, value)
}
