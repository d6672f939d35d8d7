package runner

import (
	"slices"
	"strings"
)

// The commands that leave the server and its folders to the next scenario as they
// found them, but for the request they add. Of "box" some only do.
var (
	sharedCommands = []string{
		"expect", "whole", "canary", "unanswered", "quiet", "ran", "took",
		"burst", "answered", "same", "kept", "schema", "requires", "exists", "cmp", "grep",
	}
	sharedBoxCommands = []string{"send", "more", "finish", "again", "wait"}
)

// What may not stand in a script that shares its server: names that only a script
// with a tree of its own can use, and the flags of "box send" by which requests could
// collide.
var ownOnly = []string{"$RECORD", "${RECORD}", "$WORK", "${WORK}", "-stem", "-folder"}

// canShare reports whether a script can be run with a server that has served others:
// it starts the server in the first line, as all are started, leaves it alone then,
// and does nothing but send requests and look at the answers. A command that is not
// known here is taken for one that does more.
func canShare(script []byte) bool {
	first := true
	for line := range strings.Lines(string(script)) {
		if strings.HasPrefix(line, "-- ") {
			break // the files
		}
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if first {
			if !slices.Equal(words, []string{"server", "start"}) {
				return false
			}
			first = false
			continue
		}
		if !canShareLine(line, words) {
			return false
		}
	}
	return !first
}

func canShareLine(line string, words []string) bool {
	if words[0] == "!" {
		words = words[1:]
	}
	if slices.ContainsFunc(ownOnly, func(word string) bool { return strings.Contains(line, word) }) {
		return false
	}
	if len(words) > 1 && words[0] == "box" {
		return slices.Contains(sharedBoxCommands, words[1])
	}
	return len(words) > 0 && slices.Contains(sharedCommands, words[0])
}
