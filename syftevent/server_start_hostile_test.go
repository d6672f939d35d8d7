package syftevent_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// SyftBox lets a sender create folders of any name below rpc, even the names of the server's
// own files. The server starts anyway, and writes its files when the names are free.
func TestStartSurvivesFoldersNamedLikeItsFiles(t *testing.T) {
	const sender = "mallory@example.com"
	for _, own := range []string{"rpc.schema.json", "syft.pub.yaml", "echo/.syftkeep", "items/.syftkeep"} {
		t.Run(strings.ReplaceAll(own, "/", "-"), func(t *testing.T) {
			replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s := newSite(t, demoRouter(), replica)
				s.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
				s.deliver(own+"/"+sender, envelope("/"+own, map[string]any{"sender": sender}), fakebox.WebSocket)
				s.start()
				time.Sleep(time.Minute)
				s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
				if got := s.wait("echo/" + clientEmail); got.Status != 200 {
					t.Errorf("status %d", got.Status)
				}
				if err := os.RemoveAll(s.path(own)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				if strings.HasSuffix(own, ".syftkeep") {
					s.stop()
					return // whatever has the name keeps the folder
				}
				if info, err := os.Stat(s.path(own)); err != nil || !info.Mode().IsRegular() {
					t.Errorf("it is not written when its name is free: %v", err)
				}
				s.stop()
				if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), own) {
					t.Errorf("%d errors were logged:\n%s", n, &log)
				}
			})
		})
	}
}

// The server starts even if a legacy request cannot be moved because the sender's folder is a
// file, or if the folder of an endpoint is a file.
func TestStartSurvivesFilesNamedLikeFolders(t *testing.T) {
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		expired := envelope("/echo", map[string]any{"expires": "1999-01-01T00:00:00Z"})
		s.deliver("echo", expired, fakebox.WebSocket)
		if err := os.WriteFile(s.path("echo", clientEmail), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.path("items"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := s.server.Start(context.Background()); err != nil {
			t.Fatal(err)
		}
		defer s.stop()
		if got := s.wait("echo"); got.Status != 419 {
			t.Errorf("status %d", got.Status)
		}
		if err := os.Remove(s.path("items")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := os.Stat(s.path("items", ".syftkeep")); err != nil {
			t.Error(err)
		}
	})
}
