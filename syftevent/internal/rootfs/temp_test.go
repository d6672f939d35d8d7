package rootfs

import (
	"os"
	"testing"
)

// No temporary file of this process is abandoned.
func TestAbandonedFilesAreOfOtherProcesses(t *testing.T) {
	const prefix = ".temp-"
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	name, _, err := writeTemp(root, prefix, ".", nil, false)
	if err != nil || IsAbandoned(name, prefix) {
		t.Errorf("%s: %v", name, err)
	}
	for name, want := range map[string]bool{
		prefix + "ABC.tmp":           true,
		prefix + "now-12.tmp":        true,
		prefix + "ABC":               false,
		".other-ABC.tmp":             false,
		prefix + process + "ABC.tmp": false,
	} {
		if got := IsAbandoned(name, prefix); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
