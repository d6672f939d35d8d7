package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/fakebox/boxscript"
)

// responses are the responses to the requests of a scenario.
type responses struct {
	*requests
	first map[string]string // the content of a response when it was first read, by request name
}

// await waits for the response to a request and returns its content, which is valid JSON.
func (r *responses) await(call *boxscript.Call) ([]byte, error) {
	var data []byte
	expected := fmt.Sprintf("a response to request %q, %s", call.Name, r.relative(call.ResponsePath()))
	err := r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		var err error
		data, err = readFile(call.ResponsePath())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return false, "no such file", nil
		case err != nil:
			return false, "", err
		}
		return json.Valid(data), fmt.Sprintf("not JSON: %s", excerpt(string(data))), nil
	})
	if _, known := r.first[call.Name]; !known && err == nil {
		r.first[call.Name] = string(data)
	}
	return data, err
}

func (r *responses) commandExpect(neg bool, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	data, err := r.await(call)
	if err != nil {
		return err
	}
	return judge(call, data, neg, args[1:])
}

func (r *responses) commandSays(neg bool, args []string) error {
	if len(args) < 2 {
		return errUsage
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	found := false
	err = filepath.WalkDir(r.rpc(), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != call.Stem+".response" {
			return err
		}
		found = true
		data, err := readFile(name)
		if err != nil {
			return err
		}
		return judge(call, data, neg, args[1:])
	})
	if !found && !neg && err == nil {
		return &mismatch{fmt.Sprintf("a response to request %q", call.Name), "there is none", false}
	}
	return err
}

func (r *responses) commandWhole(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("the response to request %q is complete whenever it exists", call.Name)
	// No pause between reads: a partly written response may exist for microseconds.
	for deadline := time.Now().Add(r.answerWithin()); ; {
		data, err := readFile(call.ResponsePath())
		switch {
		case err == nil && !json.Valid(data):
			return &mismatch{expected, fmt.Sprintf("%d bytes that are not JSON: %s", len(data), excerpt(string(data))), false}
		case err == nil:
			return nil
		case !errors.Is(err, fs.ErrNotExist):
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case time.Now().After(deadline):
			return &mismatch{expected, "there is no response", false}
		case r.process.Exited():
			return &mismatch{expected, fmt.Sprintf("the server has ended (%s)", r.process.Status()), true}
		}
	}
}

// maxKeptPause is the longest pause between two reads of "kept": a server may remove a
// pair a second after it was answered.
const maxKeptPause = 500 * time.Millisecond

func (r *responses) commandKept(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	expected := fmt.Sprintf("request %q exists until it is answered", call.Name)
	last := time.Now()
	return r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		pause := time.Since(last)
		last = time.Now()
		pending, err := exists(call.RequestPath())
		if err != nil {
			return false, "", err
		}
		answered, err := exists(call.ResponsePath())
		switch {
		case pending || answered || err != nil:
			return answered, "no response", err
		case pause > maxKeptPause:
			return false, "", &tooSlow{fmt.Sprintf("%v passed between two reads of request %q", pause.Round(time.Millisecond), call.Name)}
		}
		return false, "", &mismatch{expected, "it was removed, and there is no response", false}
	})
}

// commandTook measures by the suite's clock: file times may come from another, or be
// coarse.
func (r *responses) commandTook(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errUsage
	}
	least, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("took: %w", err)
	}
	call, err := r.call(args[0])
	if err != nil {
		return err
	}
	if _, err := r.await(call); err != nil {
		return err
	}
	if took := time.Since(call.Sent); took < least {
		return &mismatch{fmt.Sprintf("the response to request %q comes at least %v after it was sent", call.Name, least), fmt.Sprintf("it came after %v", took.Round(time.Millisecond)), false}
	}
	return nil
}

// fastWithin is how long the fast path may take, from sending the request. A full
// synchronisation that uploads the response earlier says nothing about the nudge.
const fastWithin = time.Second

func (r *responses) commandSwift(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	if !fakebox.DistinguishesRenames {
		return &notApplicable{"the system does not tell a modified file from a new one: " + runtime.GOOS}
	}
	name := call.Stem + ".response"
	expected := fmt.Sprintf("SyftBox sends the response to %q by its fast path", call.Name)
	return r.wait(r.answerWithin(), expected, func() (bool, string, error) {
		for _, event := range r.network.Box.Events() {
			if !strings.HasSuffix(event.Path, "/"+name) {
				continue
			}
			switch event.Op {
			case fakebox.OpSend:
				return true, "", nil
			case fakebox.OpUpload:
				if after := event.Time.Sub(call.Sent); after < fastWithin {
					return false, "", &tooSlow{fmt.Sprintf("a full synchronisation came %v after request %q", after.Round(time.Millisecond), call.Name)}
				}
				return false, "", &mismatch{expected, "a full synchronisation uploaded it: " + event.String(), false}
			}
		}
		return false, "it was not sent", nil
	})
}

// commandReadable looks at the mode: a superuser may read any file.
func (r *responses) commandReadable(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	if _, err := r.await(call); err != nil {
		return err
	}
	info, err := statFile(call.ResponsePath())
	if err == nil && info.Mode().Perm()&0o400 == 0 {
		return &mismatch{"SyftBox may read the response: its owner has permission", "its mode is " + info.Mode().String(), false}
	}
	return err
}

func (r *responses) commandSame(ts *testscript.TestScript, args []string) error {
	call, err := r.onlyCall(args)
	if err != nil {
		return err
	}
	before, read := r.first[call.Name]
	if !read {
		return fmt.Errorf("same: the response to %q was not read before", call.Name)
	}
	data, err := readFile(call.ResponsePath())
	if errors.Is(err, fs.ErrNotExist) {
		return &mismatch{"the response is unchanged", "it is gone", false}
	}
	if err == nil && string(data) != before {
		expected, actual := difference("content ", []byte(before), data)
		return &mismatch{"the response is unchanged\n" + expected, actual, false}
	}
	return err
}

// commandUnanswered checks that requests are pending. For a request to /slow, the suite
// must have sent the latest request long before the handler could return: a server that
// runs one handler at a time has then answered /slow first.
func (r *responses) commandUnanswered(ts *testscript.TestScript, args []string) error {
	for _, name := range args {
		call, err := r.call(name)
		if err != nil {
			return err
		}
		if takes := handlerTime(call); takes > 0 {
			r.premises.within(takes/2, r.premises.sent.Sub(call.Sent), "sending a request after %q", name)
		}
	}
	return r.noResponse(args)
}

func (r *responses) commandAnswered(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 && len(args) != 2 {
		return errUsage
	}
	burst := r.bursts[args[0]]
	if burst == nil {
		return fmt.Errorf("answered: there is no burst %q", args[0])
	}
	if err := r.started(); err != nil {
		return err
	}
	before := 0 // responses
	for n := 0; n < len(burst); {
		sent := burst[n]
		// Each response has a deadline of its own, which is extended while others appear: the
		// server need not be fast, and may choose the order.
		expected := fmt.Sprintf("a response to each of the %d requests %q", len(burst), args[0])
		err := r.wait(r.answerWithin(), expected, func() (bool, string, error) {
			data, err := readFile(sent.response)
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return json.Valid(data), fmt.Sprintf("%d responses in order, and no %s", n, r.relative(sent.response)), err
		})
		m, late := err.(*mismatch)
		now := 0
		if late && !m.dead {
			now = burst.answered()
		}
		switch {
		case err == nil:
			n++
		case now > before:
			before = now
		default:
			return err
		}
	}
	if len(args) == 1 {
		return nil
	}
	return burst.checkBodies(args[1])
}

// answered returns how many requests of a burst have a response.
func (b burst) answered() (n int) {
	for _, sent := range b {
		if there, err := exists(sent.response); there && err == nil {
			n++
		}
	}
	return n
}

// checkBodies checks the bodies of all responses of a burst.
func (b burst) checkBodies(want string) error {
	wrong := 0
	var expected, actual string // of the first
	for _, sent := range b {
		data, err := readFile(sent.response)
		if err != nil {
			return err
		}
		got, err := parseReply(data)
		if err != nil {
			return err
		}
		if body, present, err := got.body(); err != nil || !present || string(body) != want {
			if wrong++; wrong > 1 {
				continue
			}
			expected, actual = difference("body ", []byte(want), body)
			if err != nil || !present {
				actual = excerpt(got.text)
			}
			actual = fmt.Sprintf("first in %s:\n%s", filepath.Base(sent.response), actual)
		}
	}
	if wrong > 0 {
		return &mismatch{fmt.Sprintf("in all %d responses:\n%s", len(b), expected), fmt.Sprintf("another one in %d of them, %s", wrong, actual), false}
	}
	return nil
}
