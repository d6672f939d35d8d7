package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"runtime"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/syftevent"
)

func TestWorkersListsWorkers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("workers need symbolic links")
	}
	t.Parallel()
	s := newSite(t)
	client, err := syftevent.LoadClient(s.config)
	if err != nil {
		t.Fatal(err)
	}
	list := func(args ...string) result {
		return run(t, append([]string{"workers", "-config", s.config}, args...)...)
	}
	output := func(args ...string) string {
		t.Helper()
		r := list(args...)
		r.want(t, "workers", exitOK, r.stdout, "")
		return r.stdout
	}
	list("notes").want(t, "an unknown app", exitFailed, "", "no app")
	list().want(t, "no app", exitUsage, "", "missing APP")
	list("a/b").want(t, "a path", exitUsage, "", "must be the name of an app")
	s.write(t, "alice@example.com/notes", schemaName, "{}")
	if got := output("notes"); got != "no workers\n" {
		t.Errorf("without workers: %q", got)
	}

	began, release := make(chan struct{}), make(chan struct{})
	router := syftevent.NewRouter()
	router.HandleFunc("/block", func(context.Context, *syftevent.Request) (*syftevent.Response, error) {
		close(began)
		<-release
		return syftevent.Text(200, ""), nil
	})
	server := &syftevent.Server{AppName: "notes", Client: client, Router: router, ShareWork: true, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.write(t, "alice@example.com/notes", "block/bob@example.com/x.request",
		`{"sender":"bob@example.com","url":"syft://alice@example.com/app_data/notes/rpc/block","method":"GET"}`)
	<-began
	got := output("notes")
	for _, want := range []string{"WORKER ", "running", " *  ", "\n  /block/bob@example.com/x.request\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var all []worker
	if err := json.Unmarshal([]byte(output("-json", "notes")), &all); err != nil || len(all) != 1 || all[0].State != "running" || len(all[0].Requests) != 1 {
		t.Errorf("JSON: %+v, %v", all, err)
	}
	close(release)
	if err := server.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := output("notes"); !strings.Contains(got, "stopped") || strings.Contains(got, "/block") {
		t.Errorf("after the stop:\n%s", got)
	}
}
