//go:build linux

package syftevent_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// proofVariable holds the settings of the child process of a proof.
const proofVariable = "SYFTEVENT_PROOF_SERVER"

// proofSettings are what a proof tells its child.
type proofSettings struct {
	DataDir string
	Record  string // a file for the ids of the requests that are run
	Files   uint64 // the limit of descriptors, 0 for none
	Durable bool
}

// TestProofServerProcess is the child process of the proofs.
func TestProofServerProcess(t *testing.T) {
	var settings proofSettings
	if json.Unmarshal([]byte(os.Getenv(proofVariable)), &settings) != nil {
		t.Skip("for the proofs")
	}
	if settings.Files > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: settings.Files, Max: settings.Files}); err != nil {
			t.Fatal(err)
		}
	}
	record, err := os.OpenFile(settings.Record, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	server := &syftevent.Server{
		AppName: appName, Client: &syftevent.Client{Email: serverEmail, DataDir: settings.DataDir},
		Router: proofRouter(record), Durable: settings.Durable,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	if err := server.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(4)
	}
	fmt.Println(proofReply + "ready")
	var held []*os.File
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		command, _, _ := strings.Cut(lines.Text(), " ")
		switch command {
		case "take": // all descriptors
			for {
				f, err := os.Open(os.DevNull)
				if err != nil {
					break
				}
				held = append(held, f)
			}
			fmt.Printf("%staken %d\n", proofReply, len(held))
		case "give": // them back
			for _, f := range held {
				f.Close()
			}
			held = nil
			fmt.Println(proofReply + "given")
		case "open": // some, as a program does for its own work
			fmt.Printf("%sopened %v\n", proofReply, openSome(16))
		case "stats":
			fmt.Printf("%s%+v\n", proofReply, server.Stats())
		}
	}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func openSome(n int) error {
	for range n {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer f.Close()
	}
	return nil
}

// proofRouter has the endpoints of the child: /echo answers with the body, /size with
// its length, /record appends the id to a file first, /slow takes some milliseconds
// after that, and /exit ends the process after that.
func proofRouter(record *os.File) *syftevent.Router {
	note := func(req *syftevent.Request) error {
		_, err := record.WriteString(req.ID + "\n") // in one system call
		return err
	}
	router := syftevent.NewRouter()
	router.OnRequest("/echo", echo)
	router.OnRequest("/size", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Text(200, fmt.Sprint(len(req.Body))), nil
	})
	router.OnRequest("/record", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		return syftevent.Bytes(200, req.Body), note(req)
	})
	router.OnRequest("/slow", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		err := note(req)
		time.Sleep(20 * time.Millisecond)
		return syftevent.Text(200, ""), err
	})
	router.OnRequest("/exit", func(_ context.Context, req *syftevent.Request) (*syftevent.Response, error) {
		note(req)
		os.Exit(3)
		return nil, nil
	})
	return router
}
