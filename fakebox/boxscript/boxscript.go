// Package boxscript provides fakebox to testscript: scripts that create a network, send
// requests and wait for the responses.
//
//	testscript.Run(t, testscript.Params{
//		Dir:   "testdata/scripts",
//		Setup: boxscript.Setup,
//		Cmds:  boxscript.Commands(),
//	})
//
// A script that tests a server:
//
//	box start bob@example.com
//	exec myserver &
//	box send hello echo 'some text'
//	box wait hello
//	grep 200 hello.response
//
// # Environment
//
//	BOX_APP      app that requests are sent to (default app)
//	BOX_TIMEOUT  time limit of each wait (default 10s)
//
// # Network
//
//	box start [flags] EMAIL...
//
// Create a network in $WORK/box, and a replica for each EMAIL. The first one is the
// server's: $SYFTBOX_CLIENT_CONFIG_PATH is set to its configuration file and $DATASITE to
// its datasite.
//
//	-speed X        divide every duration of SyftBox by X (default 1)
//	-download MODE  how a full sync writes files: blobstore or blobstore-in-place
//	                (default blobstore)
//	-faults RATE    probability of a fault at each step of a file's delivery (default 0)
//
// Until "box sync", no files travel: "box send" delivers directly into the server's
// replica.
//
//	box sync
//
// Start the clients of all replicas, and wait for the server's first full sync. From now
// on "box send" writes into the replica of the sender, if the sender has joined, and
// SyftBox carries the request. Later in a script it waits until each running client has
// completed a full sync, so that what a server wrote before has been uploaded.
//
//	box folder [-from EMAIL] [-to EMAIL] ENDPOINT
//
// Create the folder for requests to ENDPOINT in the replicas of the sender and the
// recipient, as earlier calls have done. In a folder that is new, a client misses a file
// that is written at once: a full sync carries it. The flags are those of "box send".
//
//	box speed X
//
// Divide every duration of SyftBox by X from now on.
//
//	box client stop|start EMAIL
//	box hub stop|start
//
// Stop or start the client of EMAIL, or the hub: SyftBox's server.
//
// # Requests
//
//	box send [flags] NAME ENDPOINT [BODY]
//
// Send a request to ENDPOINT, with leading and trailing slashes ignored. NAME identifies
// the request in later commands. $STEM_NAME is set to the name of its file without
// ".request".
//
//	-from EMAIL            sender (default client@example.com)
//	-to EMAIL              recipient (default the server's)
//	-via MODE              websocket, blobstore or blobstore-in-place (default websocket)
//	-method METHOD         method (default POST)
//	-header 'NAME: VALUE'  header; repeatable
//	-body-file FILE        file with the body, instead of BODY
//	-body-size N           generate a body of N bytes, instead of BODY
//	-body-seed N           generate random bytes with the seed N, not text (with -body-size)
//	-expires DURATION      time until the request expires, which may be negative (default 15m)
//	-set FIELD=JSON        replace a field of the envelope; repeatable. A value that is not
//	                       JSON is a string.
//	-unset FIELD           omit a field of the envelope; repeatable
//	-stem STEM             file name without ".request" (default a UUID derived from the
//	                       seed, the script and NAME)
//	-envelope FILE         file to send, instead of an envelope made from the other flags;
//	                       $STEM in it is replaced
//	-folder FOLDER         folder of the request below "rpc" (default ENDPOINT/EMAIL)
//	-trailing TEXT         text after the envelope
//	-first N               write only the first N bytes, in place
//	-fill zeros            with -first: write zeros instead of the rest
//
//	box more NAME N
//	box finish NAME
//
// Write the next N bytes, or the rest, of a request sent with -first.
//
//	box again [-via MODE] NAME
//
// Deliver the same bytes again.
//
//	box wait NAME...
//
// Wait for the response to each request and copy it to NAME.response in the script's
// directory. The response is expected in the replica where the request was written: the
// sender's if SyftBox carries the request, otherwise the server's.
//
//	box wait -arrived NAME...
//	box wait -gone NAME...
//
// Wait until each request is complete in the server's replica, or does not exist there.
//
//	box wait -written NAME...
//
// Wait until each response is complete in the server's replica.
//
//	box wait -lost NAME...
//	box wait -rejected NAME...
//
// Wait until SyftBox's server has lost each request or its response, or until it has
// rejected one of the two.
//
//	box wait -unanswered NAME...
//
// Wait until each running client has completed two full syncs, in which a response would
// have arrived. It is an error if there is a response then.
//
//	box delete NAME
//
// Delete a request that SyftBox carries, as a sender does that gives up.
//
//	box deliver [-via MODE] [-chunk N] [-pause DURATION] PATH FILE
//
// Deliver FILE to PATH in the server's datasite.
//
// # Faults
//
//	box fault [-request | -response] FAULT [N]
//
// Inject FAULT into the next N files that it can strike (default 1), or only into
// requests, or only into responses. See [fakebox.Faults].
//
//	box heal
//
// End all faults.
//
//	box offline EMAIL
//	box online EMAIL
//
// Disconnect a machine from the network, or connect it again.
//
// # Journal
//
//	box journal FILE
//
// Write all events to FILE as JSON, one per line.
//
//	box timeline EMAIL FILE
//
// Write all events of EMAIL and of the server to FILE as a text table.
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

// A Network is the network of one script, with the requests that the script sent. It must
// not be used concurrently.
type Network struct {
	// Seed is the seed of the network and of request ids. A Setup function may set it.
	Seed uint64
	// Delivery is the default of -via. A Setup function may set it.
	Delivery fakebox.Mode
	// Sender is the default of -from. A Setup function may set it. Defaults to client@example.com.
	Sender string
	// Box is the network, and Server the replica of the server. They are nil before
	// "box start".
	Box    *fakebox.Box
	Server *fakebox.Replica

	calls   map[string]*Call // by name
	syncing bool             // since "box sync"
	adopted bool             // whoever opened Box closes it
}

// A Call is a request that a script sent.
type Call struct {
	// Name is the name of the request in the script.
	Name string
	// Stem is the name of the request file without ".request".
	Stem string
	// From is the address of the sender.
	From string
	// Folder is the folder of the request, relative to the datasite, with slashes.
	Folder string
	// Data is the content of the request file.
	Data []byte
	// Sent is the time just before the request file was created.
	Sent time.Time

	network *Network
	written int              // bytes of Data that were delivered
	client  *fakebox.Replica // the sender's replica; nil if the request was delivered
	to      string           // address of the recipient
}

type key struct{}

// Setup prepares a script for the commands. Use it as testscript.Params.Setup, or call it
// there.
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

// FromEnv returns the network of a script. [Setup] must have been called.
func FromEnv(env *testscript.Env) *Network { return env.Values[key{}].(*Network) }

// Commands returns the command "box". Add it to testscript.Params.Cmds.
func Commands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){"box": box}
}

func box(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("box does not support !")
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
		"folder":   (*Network).commandFolder,
		"speed":    (*Network).commandSpeed,
		"client":   (*Network).commandClient,
		"hub":      (*Network).commandHub,
		"delete":   (*Network).commandDelete,
		"journal":  (*Network).commandJournal,
		"timeline": (*Network).commandTimeline,
	}
	if len(args) == 0 || subcommands[args[0]] == nil {
		ts.Fatalf("usage: box %s ...", strings.Join(slices.Sorted(maps.Keys(subcommands)), "|"))
	}
	n, ok := ts.Value(key{}).(*Network)
	if !ok {
		ts.Fatalf("box: boxscript.Setup was not called for this script")
	}
	if n.Box == nil && args[0] != "start" {
		ts.Fatalf("box %s: no network; run box start first", args[0])
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

// Start creates the network in a folder, with one replica: the server's.
func (n *Network) Start(dir, email string) error {
	return n.start(dir, fakebox.Config{Seed: n.Seed}, []string{email})
}

// Adopt makes the script use an existing network, which other scripts may use before or
// after it, and a replica of it as the server's. The caller closes the box, after the
// script. "box start" is then an error, and commands that change the whole network, such
// as "box sync", affect later scripts. Adopt returns an error if the script already has a
// network.
func (n *Network) Adopt(box *fakebox.Box, server *fakebox.Replica) error {
	if n.Box != nil {
		return errStarted
	}
	n.Box, n.Server, n.adopted = box, server, true
	return nil
}

var errStarted = errors.New("network already exists")

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

// newFlags returns the flags of a subcommand. They print nothing: the script reports
// errors.
func newFlags(subcommand string) *flag.FlagSet {
	flags := flag.NewFlagSet("box "+subcommand, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return flags
}

// modeVar defines a flag for a delivery mode.
func modeVar(flags *flag.FlagSet, name string, mode *fakebox.Mode) {
	flags.TextVar(mode, name, *mode, "")
}

// Call returns the request with the given name.
func (n *Network) Call(name string) (*Call, error) {
	if call := n.calls[name]; call != nil {
		return call, nil
	}
	return nil, fmt.Errorf("unknown request %q", name)
}

// RequestPath returns the request file in the server's replica.
func (c *Call) RequestPath() string { return c.path(".request") }

// ResponsePath returns the expected response file: in the sender's replica if SyftBox
// carries the request, otherwise in the server's.
func (c *Call) ResponsePath() string {
	if c.client != nil {
		return c.client.Path(c.key(".response"))
	}
	return c.path(".response")
}

// path returns a file of the call in the recipient's replica. If the recipient has not
// joined, no such file exists.
func (c *Call) path(suffix string) string {
	datasite := filepath.Join(c.network.Box.Dir(), c.to)
	if replica, joined := c.network.Box.Replica(c.to); joined {
		datasite = replica.Datasite()
	}
	return filepath.Join(datasite, filepath.FromSlash(c.Folder), c.Stem+suffix)
}

// key returns the path of a file of the call relative to "datasites".
func (c *Call) key(suffix string) string { return path.Join(c.to, c.Folder, c.Stem+suffix) }

// stemOf derives a UUID from the seed, the script and the name of a request.
func (n *Network) stemOf(script, name string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{fmt.Sprint(n.Seed), script, name}, "\x00")))
	sum[6] = sum[6]&0x0f | 0x40
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
