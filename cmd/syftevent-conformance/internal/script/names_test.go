package script

import (
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
	"regexp"
	"strings"
	"testing"
)

func TestNamesDependOnTheSeed(t *testing.T) {
	address := regexp.MustCompile(`^[^\s@/]+@[^\s@/]+\.[^\s@/]+$`)
	seen := map[Names]bool{}
	for seed := range uint64(100) {
		n := NamesOf(seed, target.Server)
		if n != NamesOf(seed, target.Server) {
			t.Fatalf("seed %d gives two sets of names", seed)
		}
		for _, name := range []string{n.Server, n.Client, n.canary(), n.burstSender(3, 5)} {
			if !address.MatchString(name) {
				t.Errorf("seed %d: %q", seed, name)
			}
		}
		if n.Server == n.Client || n.App == "" || strings.ContainsAny(n.App, "/ ") {
			t.Errorf("seed %d: %+v", seed, n)
		}
		seen[n] = true
	}
	if len(seen) < 90 {
		t.Errorf("100 seeds give %d sets of names", len(seen))
	}
}

func TestNamesReplaceTheExamples(t *testing.T) {
	const text = "box send -set url=syft://server@example.com/app_data/conformance/rpc/echo a echo\nabsent $RPC/echo/client@example.com/a\n"
	if got := string(Names{}.In([]byte(text))); got != text {
		t.Errorf("the examples: %s", got)
	}
	n := Names{Server: "S+1@x.org", Client: "c@y.org", App: "A.b"}
	const want = "box send -set url=syft://S+1@x.org/app_data/A.b/rpc/echo a echo\nabsent $RPC/echo/c@y.org/a\n"
	if got := string(n.In([]byte(text))); got != want {
		t.Errorf("got %s", got)
	}
}

func TestIsCanary(t *testing.T) {
	if n := NamesOf(1, target.Server); !IsCanary(n.canary()) || IsCanary(n.Client) || IsCanary(n.burstSender(1, 5)) {
		t.Errorf("%+v", n)
	}
}
