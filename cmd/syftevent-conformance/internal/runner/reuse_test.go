package runner

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
)

// Commands, and subcommands of "box", that change nothing in a shared server and its
// folders except that they add requests.
var (
	sharedCommands = []string{
		"expect", "whole", "canary", "unanswered", "quiet", "ran", "took",
		"burst", "answered", "same", "kept", "schema", "requires", "declares", "running", "lapses", "present", "absent", "identical", "vectors",
	}
	sharedBoxCommands = []string{"send", "more", "finish", "again", "wait"}
)

// Words that a script with a shared server must not contain: names in its own directory,
// and flags of "box send" that may make requests of two scenarios collide.
var ownOnly = []string{"$RECORD", "${RECORD}", "$WORK", "${WORK}", "-stem", "-folder"}

// checkReuse returns why a script must not share its server, nil if it may.
func checkReuse(script []byte) error {
	started := false
	for line := range strings.Lines(string(script)) {
		if strings.HasPrefix(line, "-- ") {
			break
		}
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if !started {
			if !slices.Equal(words, []string{"server", "start"}) {
				return fmt.Errorf("it begins with %q, not with %q", strings.TrimSpace(line), "server start")
			}
			started = true
			continue
		}
		for _, word := range ownOnly {
			if strings.Contains(line, word) {
				return fmt.Errorf("it uses %s", word)
			}
		}
		words = slices.DeleteFunc(words, func(word string) bool { return word == "!" })
		switch {
		case len(words) > 1 && words[0] == "box" && slices.Contains(sharedBoxCommands, words[1]):
		case len(words) > 0 && slices.Contains(sharedCommands, words[0]):
		default:
			return fmt.Errorf("line %q may change the server or its folders", strings.TrimSpace(line))
		}
	}
	if !started {
		return fmt.Errorf("it does not start the server")
	}
	return nil
}

func TestScenariosWithReuseLeaveTheServerAsItWas(t *testing.T) {
	all, err := scenario.All()
	if err != nil {
		t.Fatal(err)
	}
	shared := 0
	for _, s := range all {
		if !s.Reuse {
			continue
		}
		shared++
		if err := checkReuse(s.Script); err != nil {
			t.Errorf("%s has \"reuse: yes\": %v", s.ID, err)
		}
	}
	if shared < 30 {
		t.Errorf("%d scenarios share a server, want 30 or more", shared)
	}
}

func TestCheckReuse(t *testing.T) {
	const start = "# A head.\n# covers: x\nserver start\n"
	for _, script := range []string{
		start,
		start + "box send a echo hi\n! expect a status 404\nran a 1\n\n# more\nquiet\ncanary\n",
		start + "box send -first 1 a echo hi\nbox finish a\nunanswered a\nbox again a\n",
		start + "absent $RPC/echo/x\n",
		start + "box send -body-file f a echo\n-- f --\nserver stop\n$RECORD\n",
	} {
		if err := checkReuse([]byte(script)); err != nil {
			t.Errorf("%v:\n%s", err, script)
		}
	}
	for _, script := range []string{
		"",
		"# Nothing.\n",
		"box send a echo\nserver start\n",
		"server start settle=1s\n",
		start + "server stop\n",
		start + "server kill\nserver start\n",
		start + "absent $RECORD\n",
		start + "absent ${RECORD}\n",
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
		if checkReuse([]byte(script)) == nil {
			t.Errorf("no error:\n%s", script)
		}
	}
}
