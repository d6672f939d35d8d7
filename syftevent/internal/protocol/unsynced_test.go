package protocol

import "testing"

func TestIsUnsyncedFollowsTheIgnoreList(t *testing.T) {
	for name, want := range map[string][2]bool{ // as a file, as a directory
		"a.json": {}, ".hidden": {}, "tmp": {}, "a.tmp.json": {}, "icon": {},
		"a.tmp": {true, true}, ServeTempPrefix + "x.tmp": {true, true}, KeepName: {true, true}, "a.conflict.json": {true, true},
		"a.syft.tmp.7": {true, true}, "a.pyc": {true, true}, ".git": {true, true}, "Icon": {true, true},
		"logs": {false, true}, "dist": {false, true}, "venv": {false, true},
	} {
		if got := [2]bool{IsUnsynced([]byte(name), false), IsUnsynced([]byte(name), true)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}
