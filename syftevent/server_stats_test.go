package syftevent_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

func TestStatsCountScans(t *testing.T) {
	inBubble(t, demoRouter(), func(s *site) {
		s.deliver("echo/"+clientEmail, []byte(`{"id":`), fakebox.BlobStoreInPlace)
		time.Sleep(1500 * time.Millisecond)
		stats := s.server.Stats()
		// "rpc", the endpoints' folders and the sender's.
		if stats.Folders != 10 || stats.Incomplete != 1 || stats.Unreadable != 0 || stats.ScanWait < s.server.PollInterval {
			s.t.Errorf("%+v", stats)
		}
		if age := time.Since(stats.LastScan); age > 2*time.Second {
			s.t.Errorf("the last scan began %v ago", age)
		}
		if stats.Cleanup.LastCleanup.IsZero() {
			s.t.Errorf("no cleanup at the start: %+v", stats.Cleanup)
		}
		s.wait("echo/" + clientEmail)
		if stats := s.server.Stats(); stats.Incomplete != 0 || stats.Refused != 1 {
			s.t.Errorf("%+v", stats)
		}
	})
}

func TestDebugVariableTracesScans(t *testing.T) {
	for _, on := range []string{"", "1"} {
		t.Setenv("SYFTEVENT_DEBUG", on)
		replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			s := newSite(t, demoRouter(), replica)
			s.server.Logger = slog.New(slog.NewTextHandler(&log, nil))
			s.start()
			time.Sleep(3 * time.Second)
			s.stop()
			if traced := strings.Contains(log.String(), "syftevent: scanned"); traced != (on == "1") {
				t.Errorf("with %q the log is:\n%s", on, &log)
			}
		})
	}
}
