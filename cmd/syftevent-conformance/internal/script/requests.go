package script

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// requests are the requests of a scenario: those of "box send", and those that the suite
// makes itself.
type requests struct {
	*server
	bursts map[string]burst  // by name
	calls  []*boxscript.Call // of "box send"

	starting bool // another goroutine starts the server
}

// A burst is a group of requests with one name.
type burst []delivered

// delivered is a request that the suite made.
type delivered struct {
	stem     string
	response string // the path of the response
}

// call returns the request of a name.
func (r *requests) call(name string) (*boxscript.Call, error) {
	if err := r.started(); err != nil {
		return nil, err
	}
	return r.network.Call(name)
}

// onlyCall returns the request that is the only argument of a command.
func (r *requests) onlyCall(args []string) (*boxscript.Call, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	return r.call(args[0])
}

// deliver delivers a request with a text as its body.
func (r *requests) deliver(stem, sender, endpoint, body string) (delivered, error) {
	now := time.Now().UTC()
	data := fmt.Sprintf(`{"id":%q,"sender":%q,"url":"syft://%s/app_data/%s/rpc/%s","body":%q,"headers":{},"created":%q,"expires":%q,"method":"POST"}`,
		stem, sender, r.config.Names.Server, r.config.Names.App, endpoint, base64.URLEncoding.EncodeToString([]byte(body)),
		now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	return r.deliverData(stem, sender, endpoint, []byte(data))
}

func (r *requests) deliverData(stem, sender, endpoint string, data []byte) (delivered, error) {
	return r.deliverBy(r.config.Delivery, stem, sender, endpoint, data)
}

func (r *requests) deliverBy(mode fakebox.Mode, stem, sender, endpoint string, data []byte) (delivered, error) {
	folder := "app_data/" + r.config.Names.App + "/rpc/" + endpoint + "/" + sender + "/"
	began := time.Now()
	err := r.network.Server.Deliver(folder+stem+".request", data, fakebox.Delivery{Mode: mode})
	if !r.starting && r.process != nil && mode == fakebox.BlobStoreInPlace {
		r.premises.within(r.process.Ready().Settle()/2, time.Since(began), "delivering a request in place")
	}
	response := filepath.Join(r.network.Server.Datasite(), filepath.FromSlash(folder), stem+".response")
	return delivered{stem, response}, err
}

func (r *requests) burstStem() string {
	return fmt.Sprintf("%08x-0000-4000-9000-%012d", uint32(r.config.Seed), r.nextNumber())
}

// usualSenders is the number of senders of a burst that does not say.
const usualSenders = 5

// addToBurst delivers the next request of a burst.
func (r *requests) addToBurst(name, sender, endpoint, body string) error {
	sent, err := r.deliver(r.burstStem(), sender, endpoint, body)
	if err == nil {
		r.bursts[name] = append(r.bursts[name], sent)
	}
	return err
}

func (r *requests) commandBurst(ts *testscript.TestScript, args []string) error {
	senders := usualSenders
	if len(args) > 2 && args[0] == "-senders" {
		var err error
		if senders, err = strconv.Atoi(args[1]); err != nil || senders < 1 {
			return fmt.Errorf("burst: %q is not a number of senders", args[1])
		}
		args = args[2:]
	}
	if len(args) != 3 && len(args) != 4 {
		return errUsage
	}
	count, err := strconv.Atoi(args[1])
	if err != nil || count < 1 {
		return fmt.Errorf("burst: %q is not a number of requests", args[1])
	}
	body := ""
	if len(args) == 4 {
		body = args[3]
	}
	for n := range count {
		if err := r.addToBurst(args[0], r.config.Names.burstSender(n, senders), args[2], body); err != nil {
			return err
		}
	}
	return nil
}

// startingPause is the pause between requests that are sent while the server starts.
const startingPause = 10 * time.Millisecond

// commandStarting sends with the default sender of "box send", so that the requests lie in the
// folder of requests that wait.
func (r *requests) commandStarting(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return errUsage
	}
	body := ""
	if len(args) == 3 {
		body = args[2]
	}
	r.starting = true
	defer func() { r.starting = false }()
	started := make(chan error, 1)
	go func() { started <- r.commandServer(ts, []string{"start"}) }() // ends with the start
	tick := time.NewTicker(startingPause)
	defer tick.Stop()
	for {
		if err := r.addToBurst(args[0], r.config.Names.Client, args[1], body); err != nil {
			return errors.Join(err, <-started)
		}
		select {
		case err := <-started:
			return err
		case <-tick.C:
		}
	}
}

// wideSize is the size in bytes of a wide request: that of the largest request that the
// suite sends.
const wideSize = 3_000_000

// wideRequest returns a request with as many members as its size allows.
func wideRequest(stem, sender string, names Names) []byte {
	data := fmt.Appendf(nil, `{"id":%q,"sender":%q,"url":"syft://%s/app_data/%s/rpc/echo","method":"POST"`, stem, sender, names.Server, names.App)
	for n := 0; len(data) < wideSize-20; n++ {
		data = append(strconv.AppendInt(append(data, `,"`...), int64(n), 10), `":0`...)
	}
	return append(data, '}')
}

func (r *requests) commandWide(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	count, err := strconv.Atoi(args[1])
	if err != nil || count < 1 {
		return fmt.Errorf("wide: %q is not a number of requests", args[1])
	}
	for n := range count {
		stem, sender := r.burstStem(), r.config.Names.burstSender(n, usualSenders)
		sent, err := r.deliverData(stem, sender, "echo", wideRequest(stem, sender, r.config.Names))
		if err != nil {
			return err
		}
		r.bursts[args[0]] = append(r.bursts[args[0]], sent)
	}
	return nil
}

const (
	// trickleTime is how long pieces arrive at least, in settle times.
	trickleTime = 2.2
	// tricklePieces is the number of pieces per settle time.
	tricklePieces = 5
)

// commandTrickle writes pieces of requests, none of them the last, for longer than the
// settle time. It ends when a canary that was sent at the beginning is answered: pieces
// arrive until then, so that a slow server cannot answer an incomplete request.
func (r *requests) commandTrickle(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	if err := r.started(); err != nil {
		return err
	}
	settle := r.process.Ready().Settle() // not scaled: it is the server's
	canary, err := r.sendCanary()
	if err != nil {
		return err
	}
	deadline := time.Now().Add(r.answerWithin())
	for n := 1; ; n++ {
		if err := r.sleep(settle / tricklePieces); err != nil {
			return err
		}
		for _, name := range args {
			r.premises.waiting(name, settle)
		}
		if err := r.noResponse(args); err != nil {
			return err
		}
		for _, name := range args {
			began := time.Now()
			if err := r.network.More(name, 1); err != nil {
				return err
			}
			r.premises.piece(name, began, settle)
		}
		if n < int(trickleTime*tricklePieces) {
			continue
		}
		if answered, err := exists(canary.response); answered || err != nil {
			return err
		}
		if time.Now().After(deadline) || r.process.Exited() {
			return r.awaitCanary(canary)
		}
	}
}
