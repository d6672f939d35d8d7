package main

import (
	"runtime/debug"
	"testing"
)

func TestVersionLine(t *testing.T) {
	vcs := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.time", Value: "2026-11-28T12:00:00Z"}, {Key: "vcs.modified", Value: "true"}}
	for _, test := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{GoVersion: "go1.25"}, "syftevent devel (go1.25)"},
		{debug.BuildInfo{GoVersion: "go1.25", Main: debug.Module{Version: "(devel)"}, Settings: vcs[:1]}, "syftevent devel (go1.25, revision 0123456789ab)"},
		{debug.BuildInfo{GoVersion: "go1.25", Main: debug.Module{Version: "v0.3.0"}, Settings: vcs}, "syftevent v0.3.0 (go1.25, revision 0123456789ab of 2026-11-28T12:00:00Z, modified)"},
	} {
		if got := versionLine(&test.info); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
