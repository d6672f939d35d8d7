package boxscript

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

func (n *Network) commandMore(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: box more NAME N")
	}
	size, err := strconv.Atoi(args[1])
	if err != nil || size < 0 {
		return fmt.Errorf("box more: %q is not a number of bytes", args[1])
	}
	return n.More(args[0], size)
}

func (n *Network) commandFinish(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: box finish NAME")
	}
	call, err := n.Call(args[0])
	if err != nil {
		return err
	}
	return n.More(args[0], len(call.Data))
}

// More writes the next size bytes of a request that was sent with -first, or the rest if
// there are fewer.
func (n *Network) More(name string, size int) error {
	call, err := n.Call(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(call.RequestPath(), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	rest := call.Data[call.written:]
	rest = rest[:min(size, len(rest))]
	_, err = f.WriteAt(rest, int64(call.written))
	call.written += len(rest)
	return errors.Join(err, f.Close())
}

func (n *Network) commandAgain(ts *testscript.TestScript, args []string) error {
	via := fakebox.WebSocket
	flags := newFlags("again")
	modeVar(flags, "via", &via)
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box again: %w", err)
	}
	if flags.NArg() != 1 {
		return errors.New("usage: box again [-via MODE] NAME")
	}
	call, err := n.Call(flags.Arg(0))
	if err != nil {
		return err
	}
	return n.Server.Deliver(call.Folder+"/"+call.Stem+".request", call.Data, fakebox.Delivery{Mode: via})
}

func (n *Network) commandDeliver(ts *testscript.TestScript, args []string) error {
	var how fakebox.Delivery
	flags := newFlags("deliver")
	modeVar(flags, "via", &how.Mode)
	flags.IntVar(&how.ChunkSize, "chunk", 0, "")
	flags.DurationVar(&how.Pause, "pause", 0, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("box deliver: %w", err)
	}
	if flags.NArg() != 2 {
		return errors.New("usage: box deliver [-via MODE] [-chunk N] [-pause DURATION] PATH FILE")
	}
	return n.Server.Deliver(flags.Arg(0), []byte(ts.ReadFile(flags.Arg(1))), how)
}
