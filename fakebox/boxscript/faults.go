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

func (n *Network) commandFault(ts *testscript.TestScript, args []string) error {
	count := 1
	var err error
	switch len(args) {
	case 2:
		if count, err = strconv.Atoi(args[1]); err != nil {
			return fmt.Errorf("box fault: %q is not a number of files", args[1])
		}
	case 1:
	default:
		return errors.New("usage: box fault FAULT [N]")
	}
	return n.Box.FailNext(fakebox.Fault(args[0]), count)
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
	replica, ok := n.Box.Replica(args[0])
	if !ok {
		return fmt.Errorf("box %s: %s has not joined", subcommand, args[0])
	}
	replica.SetOnline(online)
	return nil
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
