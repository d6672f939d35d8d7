package syftevent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
	"github.com/syftevent/syftevent-go/syftevent"
)

// A server whose lock file was removed, or whose folder was replaced, reacquires the lock or
// stops: no request is run by two servers.
func TestHostileLock(t *testing.T) {
	app := func(s *site) string { return filepath.Dir(s.path()) }
	tests := map[string]func(s *site) error{
		// Programs that clean up temporary or hidden files do this.
		"removed": func(s *site) error {
			entries, err := os.ReadDir(app(s))
			for _, entry := range entries {
				if err == nil && entry.Type().IsRegular() {
					err = os.Remove(filepath.Join(app(s), entry.Name()))
				}
			}
			return err
		},
		"folder renamed": func(s *site) error { return os.Rename(app(s), app(s)+"-away") },
		"folder removed": func(s *site) error { return os.RemoveAll(app(s)) },
	}
	for name, lose := range tests {
		for _, later := range []time.Duration{0, 5 * time.Second} {
			t.Run(fmt.Sprint(name, ", second server after ", later), func(t *testing.T) {
				replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
				synctest.Test(t, func(t *testing.T) {
					var runs runCount
					router := syftevent.NewRouter()
					router.OnRequest("/count", func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
						runs.add(req.ID)
						return syftevent.Text(200, ""), sleep(3 * time.Second)(ctx)
					})
					first, second := newSite(t, router, replica), newSite(t, router, replica)
					first.start()
					defer stopWithoutLock(first)
					first.askAs("count", clientEmail, "before")
					first.expect(200, "count", clientEmail, "before")
					if err := lose(first); err != nil {
						first.t.Fatal(err)
					}
					time.Sleep(later)
					if err := second.server.Start(context.Background()); err != nil {
						first.t.Logf("second server: %v", err)
					}
					defer stopWithoutLock(second)
					// The first server has had time to notice the loss.
					time.Sleep(5 * time.Second)
					for n := range 20 {
						second.askAs("count", fmt.Sprintf("sender%d@example.com", n%4), fmt.Sprint(n))
					}
					twice := 0
					for n := range 20 {
						second.expect(200, "count", fmt.Sprintf("sender%d@example.com", n%4), fmt.Sprint(n))
						if runs.of(fmt.Sprint(n)) != 1 {
							twice++
						}
					}
					if twice > 0 {
						first.t.Errorf("%d of 20 requests were not run once", twice)
					}
				})
			})
		}
	}
}

// stopWithoutLock stops a server that may have lost its lock.
func stopWithoutLock(s *site) {
	s.t.Helper()
	if err := s.server.Shutdown(context.Background()); err != nil && !errors.Is(err, syftevent.ErrAppServed) {
		s.t.Error(err)
	}
}
