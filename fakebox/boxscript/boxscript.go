// Package boxscript gives fakebox to testscript: scripts that start a network,
// deliver requests into it and wait for the responses.
//
//	testscript.Run(t, testscript.Params{
//		Dir:   "testdata/scripts",
//		Setup: boxscript.Setup,
//		Cmds:  boxscript.Commands(),
//	})
//
// A script then says:
//
//	box start bob@example.com
//	exec myserver &
//	box send hello echo 'some text'
//	box wait hello
//	grep 200 hello.response
//
// # Commands
//
//	box start [flags] EMAIL...
//
// makes a network in $WORK/box and lets each EMAIL join. The first is the server's:
// $SYFTBOX_CLIENT_CONFIG_PATH is set to the configuration of that replica and
// $DATASITE to the datasite's folder. Flags:
//
//	-speed X              divides every duration of SyftBox; 1
//	-download MODE        blobstore (the default) or blobstore-in-place
//	-faults RATE          how likely a fault is at each point of a file's way; 0
//
// Nothing travels in the network, what is sent is delivered to the server at once,
// until
//
//	box sync
//
// lets the boxes of all work, and waits until what is in the server's replica has been
// synchronised once. From then on, what is sent is written in the replica of the
// sender, if the sender has joined, and SyftBox carries it.
//
//	box send [flags] NAME ENDPOINT [BODY]
//
// delivers a request to the app $BOX_APP ("app" if unset) and remembers it as
// NAME; $STEM_NAME is then the name of its file without ".request". A slash in
// front of ENDPOINT, or behind it, means nothing. Flags:
//
//	-from EMAIL           the sender, and the folder; client@example.com
//	-via MODE             websocket (the default), blobstore, blobstore-in-place
//	-method METHOD        POST
//	-header 'NAME: VALUE' may be repeated
//	-body-file FILE       instead of BODY
//	-body-size N          instead of BODY, N bytes
//	-set FIELD=JSON       replaces a field of the envelope; may be repeated. What
//	                      is not JSON is taken as a string.
//	-unset FIELD          leaves a field out; may be repeated
//	-stem STEM            the name of the file, without ".request"; a UUID made
//	                      of the seed, the script and NAME
//	-envelope FILE        the file to deliver, instead of one made of the above;
//	                      $STEM in it is replaced
//	-folder FOLDER        where the request lies below "rpc"; ENDPOINT/EMAIL
//	-first N              delivers the first N bytes only, in place
//
// More of a request sent with -first is written by
//
//	box more NAME N
//	box finish NAME
//
// N bytes, or all that is left. A request that was sent is delivered again, with
// the same bytes, by
//
//	box again [-via MODE] NAME
//
// And
//
//	box wait NAME...
//
// waits until each response is there, for $BOX_TIMEOUT (10s if unset), and
// copies it to NAME.response in the script's directory. It is waited for where the
// request was put: with the server, or with the sender when files travel.
//
//	box wait -arrived NAME...
//	box wait -gone NAME...
//
// wait until each request is whole in the server's replica, or is not there.
//
// # Faults
//
//	box fault FAULT [N]
//	box heal
//
// let a fault (see [fakebox.Faults]) strike the next N files that it can strike, 1
// if left out, and end all faults.
//
//	box offline EMAIL
//	box online EMAIL
//
// take a box off the network and back.
//
//	box deliver [-via MODE] [-chunk N] [-pause DURATION] PATH FILE
//
// delivers a file to a path in the server's datasite.
//
//	box journal FILE
//	box timeline EMAIL FILE
//
// write what has happened: as JSON, an event a line, or for people, as a table with
// EMAIL on one side and the server on the other.
package boxscript

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// Network is the network of one script and what was sent in it. It is used by
// the script's own goroutine.
type Network struct {
	// Seed is for the network that "box start" makes, and for the ids of
	// requests. It may be set by a Setup function.
	Seed uint64
	// Delivery is how a request is delivered that does not say so by -via: by the
	// WebSocket, if it is left alone. It may be set by a Setup function.
	Delivery fakebox.Mode
	// Box and Server are nil before "box start".
	Box    *fakebox.Box
	Server *fakebox.Replica

	calls   map[string]*Call
	syncing bool // box sync
	adopted bool // somebody else closes Box
}

// A Call is a request that was sent.
type Call struct {
	// Name is what the script calls it.
	Name string
	// Stem is the name of the file without its suffix.
	Stem string
	// From is the sender.
	From string
	// Folder is where the request lies, relative to the datasite, with slashes.
	Folder string
	// Data is the content of the request file.
	Data []byte
	// Sent is when the request, or the first part of it, was about to be written.
	Sent time.Time

	network *Network
	written int              // how much of Data was delivered
	client  *fakebox.Replica // where the sender wrote it; nil if it was delivered
}

type key struct{}

// Setup prepares a script for the commands. It is a Setup of testscript.Params,
// or called by one.
func Setup(env *testscript.Env) error {
	n := &Network{calls: map[string]*Call{}}
	env.Values[key{}] = n
	env.Defer(func() {
		if n.Box != nil && !n.adopted {
			n.Box.Close()
		}
	})
	return nil
}

// Of returns the network of a script, for commands of one's own.
func Of(ts *testscript.TestScript) *Network {
	n, ok := ts.Value(key{}).(*Network)
	if !ok {
		ts.Fatalf("boxscript.Setup was not called for this script")
	}
	return n
}

// OfEnv returns the network of a script that is being set up, after [Setup].
func OfEnv(env *testscript.Env) *Network { return env.Values[key{}].(*Network) }

// Commands returns the command "box".
func Commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){"box": box}
}

func box(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! box")
	}
	subcommands := map[string]func(*Network, *testscript.TestScript, []string) error{
		"start":    (*Network).commandStart,
		"sync":     (*Network).commandSync,
		"send":     (*Network).commandSend,
		"more":     (*Network).commandMore,
		"finish":   (*Network).commandFinish,
		"again":    (*Network).commandAgain,
		"wait":     (*Network).commandWait,
		"deliver":  (*Network).commandDeliver,
		"fault":    (*Network).commandFault,
		"heal":     (*Network).commandHeal,
		"offline":  (*Network).commandOffline,
		"online":   (*Network).commandOnline,
		"journal":  (*Network).commandJournal,
		"timeline": (*Network).commandTimeline,
	}
	if len(args) == 0 || subcommands[args[0]] == nil {
		ts.Fatalf("usage: box %s ...", strings.Join(slices.Sorted(maps.Keys(subcommands)), "|"))
	}
	n := Of(ts)
	if n.Box == nil && args[0] != "start" {
		ts.Fatalf("box %s: the network has not started; box start EMAIL starts it", args[0])
	}
	ts.Check(subcommands[args[0]](n, ts, args[1:]))
}

func (n *Network) commandStart(ts *testscript.TestScript, args []string) error {
	config := fakebox.Config{Seed: n.Seed}
	flags := newFlags("start")
	flags.Float64Var(&config.Speed, "speed", 1, "")
	flags.Float64Var(&config.FaultRate, "faults", 0, "")
	modeVar(flags, "download", &config.Download.Mode)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box start: %w", err)
	}
	if flags.NArg() == 0 {
		return errors.New("usage: box start [-speed X] [-download MODE] [-faults RATE] EMAIL...")
	}
	if err := n.start(ts.MkAbs("box"), config, flags.Args()); err != nil {
		return err
	}
	ts.Setenv("SYFTBOX_CLIENT_CONFIG_PATH", n.Server.ConfigPath())
	ts.Setenv("DATASITE", n.Server.Datasite())
	return nil
}

// Start makes the network in a folder and lets the server join.
func (n *Network) Start(dir, email string) error {
	return n.start(dir, fakebox.Config{Seed: n.Seed}, []string{email})
}

// Adopt gives the script a network that others may use too, before it or after it,
// instead of one of its own: a box that is open, and the replica of the server in
// it. Whoever has opened the box closes it, after the script. "box start" is then an
// error, and what the script does to the network as a whole, such as "box sync",
// outlives it.
func (n *Network) Adopt(box *fakebox.Box, server *fakebox.Replica) error {
	if n.Box != nil {
		return errStarted
	}
	n.Box, n.Server, n.adopted = box, server, true
	return nil
}

var errStarted = errors.New("the network has started already")

func (n *Network) start(dir string, config fakebox.Config, emails []string) error {
	if n.Box != nil {
		return errStarted
	}
	box, err := fakebox.Open(dir, config)
	if err != nil {
		return err
	}
	n.Box = box
	for _, email := range emails {
		replica, err := box.TryJoin(email)
		if err != nil {
			return err
		}
		if n.Server == nil {
			n.Server = replica
		}
	}
	return nil
}

// newFlags makes the flags of a subcommand, whose errors the script reports.
func newFlags(subcommand string) *flag.FlagSet {
	flags := flag.NewFlagSet("box "+subcommand, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// modeVar defines a flag that names a delivery mode.
func modeVar(flags *flag.FlagSet, name string, mode *fakebox.Mode) {
	flags.TextVar(mode, name, *mode, "")
}

// Call returns a request that was sent under the name.
func (n *Network) Call(name string) (*Call, error) {
	if call := n.calls[name]; call != nil {
		return call, nil
	}
	return nil, fmt.Errorf("no request %q was sent", name)
}

// RequestPath returns the request's file in the server's replica.
func (c *Call) RequestPath() string { return c.path(".request") }

// ResponsePath returns the file in which the response is to appear, in the server's
// replica, or in the sender's if SyftBox carried the request.
func (c *Call) ResponsePath() string {
	if c.client != nil {
		return c.client.Path(path.Join(c.network.Server.Email, c.Folder, c.Stem+".response"))
	}
	return c.path(".response")
}

func (c *Call) path(suffix string) string {
	return filepath.Join(c.network.Server.Datasite(), filepath.FromSlash(c.Folder), c.Stem+suffix)
}

// stemOf makes a UUID of the seed, the script and a name.
func (n *Network) stemOf(script, name string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{fmt.Sprint(n.Seed), script, name}, "\x00")))
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
