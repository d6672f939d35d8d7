package syftevent_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/syftevent/syftevent-go/fakebox"
)

// SyftBox lets a sender write below folders of any name, even the address of another sender.
func TestHostileFoldersOfAnothersName(t *testing.T) {
	const attacker = "attacker@example.com"
	replica := fakebox.New(t, fakebox.Config{}).Join(serverEmail)
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, demoRouter(), replica)
		// More than the 2,048 folders that are remembered of one sender.
		for n := range 110 {
			dir := s.path("files", fmt.Sprint(n)) + strings.Repeat("/"+clientEmail, 20) + "/" + attacker
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir+"/1.request", []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.start()
		defer s.stop()
		time.Sleep(time.Minute)
		s.deliver("echo/"+clientEmail, envelope("/echo", nil), fakebox.WebSocket)
		began := time.Now()
		s.wait("echo/" + clientEmail)
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("answered after %v", waited)
		}
	})
}
