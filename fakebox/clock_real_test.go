package fakebox_test

import (
	"os"
	"path"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/fakebox"
)

// Other tests advance the clock; this one uses real time, as users do, with in-place writes
// that pause, and outages.
func TestRealTimeClock(t *testing.T) {
	t.Parallel()
	box := fakebox.New(t, fakebox.Config{Speed: 20, ViewLatency: fakebox.Debounce})
	alice, bob := box.Join("alice@example.com"), box.Join("bob@example.com")
	permissions, err := os.ReadFile("testdata/syft.pub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	write := func(r *fakebox.Replica, key, data string) {
		t.Helper()
		if err := os.MkdirAll(path.Dir(r.Path(key)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(r.Path(key), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(bob, rpc+"/syft.pub.yaml", string(permissions))
	write(bob, folder+"/.syftkeep", "")
	write(alice, folder+"/.syftkeep", "")
	if err := box.Start(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name        string
		stop, start func() error
	}{
		{"", nil, nil}, {"client", bob.Stop, bob.Start}, {"server", box.StopServer, box.StartServer},
	} {
		if test.stop != nil {
			if err := test.stop(); err != nil {
				t.Fatal(err)
			}
		}
		if err := box.FailNext(fakebox.Torn, 1); err != nil {
			t.Fatal(err)
		}
		key := folder + "/" + test.name + ".request"
		data := strings.Repeat(test.name+"x", 1000)
		write(alice, key, data)
		if test.start != nil {
			if err := test.start(); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "request "+test.name+" arrives", func() bool {
			got, _ := os.ReadFile(bob.Path(key))
			return string(got) == data
		})
	}
}
