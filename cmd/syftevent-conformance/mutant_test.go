package main

import (
	"os"
	"testing"
)

// The second server, without a defect, meets what the reference does.
func TestMutantWithoutDefect(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := judge(t, "run", "-strict", "publish-*", "feature-*", "route-*", "--", self, "mutant", "none")
	if status != exitOK {
		t.Errorf("exit %d\n%s%s", status, stdout, stderr)
	}
}
