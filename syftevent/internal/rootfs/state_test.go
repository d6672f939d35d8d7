package rootfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestReadStateFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	anchor, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer anchor.Close()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("four"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := map[string]Kind{"file": Regular, ".": Directory}
	if os.Symlink("file", filepath.Join(dir, "link")) == nil {
		want["link"] = Other
	}
	for name, kind := range want {
		got, err := ReadState(anchor, dir, []byte(name+"\x00"))
		portable, portableErr := ReadStatePortable(dir, name)
		if err != nil || portableErr != nil || got != portable || got.Kind != kind || kind == Regular && got.Size != 4 {
			t.Errorf("%s: %+v, %v; portable %+v, %v", name, got, err, portable, portableErr)
		}
	}
	if _, err := ReadState(anchor, dir, []byte("missing\x00")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
