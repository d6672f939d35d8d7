package script

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// A burst is many requests that a script calls by one name. They are made here and
// not by "box send", which would need a line for each.
type burst []one

// one is a request of a burst.
type one struct {
	stem, response string // response is the path of its file
}

// starter is the sender of what is sent while the server starts: that of "box
// send", so that it lies in one folder with what waits there.
const starter = "client@example.com"

// deliver delivers a request whose body is a text.
func (r *Run) deliver(stem, sender, endpoint, body string) (one, error) {
	folder := "app_data/" + App + "/rpc/" + endpoint + "/" + sender + "/"
	now := time.Now().UTC()
	data := fmt.Sprintf(`{"id":%q,"sender":%q,"url":"syft://%s/app_data/%s/rpc/%s","body":%q,"headers":{},"created":%q,"expires":%q,"method":"POST"}`,
		stem, sender, ServerEmail, App, endpoint, base64.URLEncoding.EncodeToString([]byte(body)),
		now.Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	response := filepath.Join(r.network.Server.Datasite(), filepath.FromSlash(folder), stem+".response")
	return one{stem, response}, r.place(folder+stem+".request", []byte(data))
}

// place delivers a file as the run says.
func (r *Run) place(name string, data []byte) error {
	began := time.Now()
	err := r.network.Server.Deliver(name, data, fakebox.Delivery{Mode: r.config.Delivery})
	if r.process != nil && r.config.Delivery == fakebox.BlobStoreInPlace {
		r.premises.within(r.process.Ready().Settle()/2, time.Since(began), "delivering a request in place")
	}
	return err
}

// add delivers the next request of a burst.
func (r *Run) add(name, sender, endpoint, body string) error {
	sent, err := r.deliver(fmt.Sprintf("00000000-0000-4000-9000-%012d", r.nextNumber()), sender, endpoint, body)
	if err == nil {
		r.bursts[name] = append(r.bursts[name], sent)
	}
	return err
}

func (r *Run) commandBurst(ts *testscript.TestScript, args []string) error {
	if len(args) != 3 && len(args) != 4 {
		return errors.New("usage: burst NAME N ENDPOINT [BODY]")
	}
	n, err := strconv.Atoi(args[1])
	if err != nil || n < 1 {
		return fmt.Errorf("burst: %q is no number of requests", args[1])
	}
	body := ""
	if len(args) == 4 {
		body = args[3]
	}
	for i := range n {
		if err := r.add(args[0], fmt.Sprintf("sender%d@example.com", i%5), args[2], body); err != nil {
			return err
		}
	}
	return nil
}

// betweenStarts is how far apart requests are sent to a server that starts.
const betweenStarts = 10 * time.Millisecond

// commandStarting starts the server and sends requests for as long as it takes.
func (r *Run) commandStarting(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return errors.New("usage: starting NAME ENDPOINT [BODY]")
	}
	body := ""
	if len(args) == 3 {
		body = args[2]
	}
	started := make(chan error, 1)
	go func() { started <- r.commandServer(ts, []string{"start"}) }() // ends with the start
	tick := time.NewTicker(betweenStarts)
	defer tick.Stop()
	for {
		err := r.add(args[0], starter, args[1], body)
		if err != nil {
			return errors.Join(err, <-started)
		}
		select {
		case err := <-started:
			return err
		case <-tick.C:
		}
	}
}

// commandAnswered waits for every response of a burst.
func (r *Run) commandAnswered(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 && len(args) != 2 || r.bursts[args[0]] == nil {
		return errors.New("usage: answered NAME [BODY], after burst or starting")
	}
	if err := r.started(); err != nil {
		return err
	}
	burst := r.bursts[args[0]]
	for n, sent := range burst {
		// The time begins anew with each: nobody has to be fast.
		expected := fmt.Sprintf("a response to each of the %d requests %q", len(burst), args[0])
		err := r.wait(r.answerWithin(), expected, func() (bool, string, error) {
			data, err := os.ReadFile(sent.response)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return json.Valid(data), fmt.Sprintf("there are %d, and none to %s", n, r.relative(sent.response)), err
		})
		if err != nil {
			return err
		}
	}
	if len(args) == 1 {
		return nil
	}
	return burst.bodiesAre(args[1])
}

// bodiesAre checks the bodies of all responses.
func (b burst) bodiesAre(want string) error {
	wrong := 0
	var first string
	for _, sent := range b {
		data, err := os.ReadFile(sent.response)
		if err != nil {
			return err
		}
		got, err := parseReply(data)
		if err != nil {
			return err
		}
		if body, present, err := got.body(); err != nil || !present || string(body) != want {
			if wrong++; wrong == 1 {
				first = excerpt(got.text)
			}
		}
	}
	if wrong > 0 {
		return &mismatch{fmt.Sprintf("body %q in all %d responses", want, len(b)), fmt.Sprintf("another in %d of them, the first of which is %s", wrong, first), false}
	}
	return nil
}
