package boxscript

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

func (n *Network) commandSync(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: box sync")
	}
	deadline, err := waitUntil(ts)
	if err != nil {
		return fmt.Errorf("box sync: %w", err)
	}
	if n.syncing {
		return n.awaitCycles(1, deadline)
	}
	if err := n.Box.Start(); err != nil {
		return err
	}
	n.syncing = true
	// The server's permissions must be uploaded before a request is sent.
	for n.Server.Cycles() == 0 {
		if time.Now().After(deadline) {
			return fmt.Errorf("box sync: %s has not completed a full sync", n.Server.Email)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// awaitCycles waits until each running client has begun and completed a number of full
// syncs.
func (n *Network) awaitCycles(count int, deadline time.Time) error {
	for _, r := range n.Box.Replicas() {
		before := r.Cycles()
		for r.Running() && r.Cycles() <= before+count { // one may be in progress
			if time.Now().After(deadline) {
				return fmt.Errorf("%s has not completed %d full syncs", r.Email, count)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

func (n *Network) commandSpeed(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: box speed X")
	}
	speed, err := strconv.ParseFloat(args[0], 64)
	if err != nil {
		return fmt.Errorf("box speed: %q is not a number", args[0])
	}
	return n.Box.SetSpeed(speed)
}

func (n *Network) commandClient(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "stop" && args[0] != "start" {
		return errors.New("usage: box client stop|start EMAIL")
	}
	replica, err := n.replica("client", args[1])
	switch {
	case err != nil:
		return err
	case args[0] == "stop":
		return replica.Stop()
	}
	return replica.Start()
}

func (n *Network) commandHub(ts *testscript.TestScript, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "stop":
		return n.Box.StopServer()
	case len(args) == 1 && args[0] == "start":
		return n.Box.StartServer()
	}
	return errors.New("usage: box hub stop|start")
}

// replica returns the replica of an address that a subcommand names.
func (n *Network) replica(subcommand, email string) (*fakebox.Replica, error) {
	replica, ok := n.Box.Replica(email)
	if !ok {
		return nil, fmt.Errorf("box %s: %s has not joined", subcommand, email)
	}
	return replica, nil
}

func (n *Network) commandFault(ts *testscript.TestScript, args []string) error {
	flags := newFlags("fault")
	request := flags.Bool("request", false, "")
	response := flags.Bool("response", false, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box fault: %w", err)
	}
	count := 1
	var err error
	switch {
	case *request && *response || flags.NArg() < 1 || flags.NArg() > 2:
		return errors.New("usage: box fault [-request | -response] FAULT [N]")
	case flags.NArg() == 2:
		if count, err = strconv.Atoi(flags.Arg(1)); err != nil {
			return fmt.Errorf("box fault: %q is not a number of files", flags.Arg(1))
		}
	}
	fault := fakebox.Fault(flags.Arg(0))
	switch {
	case *request:
		return n.Box.FailNextRequests(fault, count)
	case *response:
		return n.Box.FailNextResponses(fault, count)
	}
	return n.Box.FailNext(fault, count)
}

func (n *Network) commandHeal(ts *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errors.New("usage: box heal")
	}
	n.Box.Heal()
	return nil
}

func (n *Network) commandOffline(ts *testscript.TestScript, args []string) error {
	return n.setOnline("offline", args, false)
}

func (n *Network) commandOnline(ts *testscript.TestScript, args []string) error {
	return n.setOnline("online", args, true)
}

func (n *Network) setOnline(subcommand string, args []string, online bool) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: box %s EMAIL", subcommand)
	}
	replica, err := n.replica(subcommand, args[0])
	if err == nil {
		replica.SetOnline(online)
	}
	return err
}

func (n *Network) commandJournal(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: box journal FILE")
	}
	var out bytes.Buffer
	if err := fakebox.WriteEvents(&out, n.Box.Events()); err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644)
}

func (n *Network) commandTimeline(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: box timeline EMAIL FILE")
	}
	text := fakebox.Timeline(n.Box.Events(), args[0], n.Server.Email)
	return os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644)
}
