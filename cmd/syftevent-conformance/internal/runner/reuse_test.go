package runner

import (
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

func TestCanShare(t *testing.T) {
	const start = "# A head.\n# covers: x\nserver start\n"
	for _, script := range []string{
		start,
		start + "box send a echo hi\n! expect a status 404\nran a 1\n\n# more\nquiet\ncanary\n",
		start + "box send -first 1 a echo hi\nbox finish a\nunanswered a\nbox again a\n",
		start + "! exists $RPC/echo/x\n",
		start + "box send -body-file f a echo\n-- f --\nserver stop\n$RECORD\n",
	} {
		if !canShare([]byte(script)) {
			t.Errorf("cannot share:\n%s", script)
		}
	}
	for _, script := range []string{
		"",
		"# Nothing.\n",
		"box send a echo\nserver start\n",
		"server start settle=1s\n",
		start + "server stop\n",
		start + "server kill\nserver start\n",
		start + "! exists $RECORD\n",
		start + "! exists ${RECORD}\n",
		start + "box send -set id=$WORK/x a echo\n",
		start + "box send -stem 1 a echo\n",
		start + "box send -folder x a echo\n",
		start + "confined\n",
		start + "permits a@x.org read x\n",
		start + "link a $RPC/b\n",
		start + "fifo $RPC/b\n",
		start + "mkdir $RPC/b\n",
		start + "cp a $RPC/b\n",
		start + "rm $RPC/b\n",
		start + "box sync\n",
		start + "box fault torn\n",
		start + "box\n",
		start + "!\n",
		start + "a-new-command\n",
	} {
		if canShare([]byte(script)) {
			t.Errorf("can share:\n%s", script)
		}
	}
}

// Of the suite itself a good part can share.
func TestScenariosShare(t *testing.T) {
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{
		"fail-status": true, "envelope-peers": true, "publish-whole": true, "proc-faithful": true,
		"proc-once": false, "publish-beside": false, "identity-path": false, "detect-markers": false,
		"layout-permissions": false, "read-whole": false, "detect-links": false,
	}
	for _, s := range all {
		if expected, listed := want[s.ID]; listed && canShare(s.Script) != expected {
			t.Errorf("%s can share: %v", s.ID, !expected)
		}
	}
}
