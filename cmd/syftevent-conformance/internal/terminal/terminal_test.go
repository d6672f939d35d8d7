package terminal

import (
	"os"
	"path/filepath"
	"testing"
)

func noVariables(string) string { return "" }

func TestFilesAndPipesAreNoTerminals(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	for name, f := range map[string]*os.File{"file": file, "null device": null, "pipe": w} {
		if s := Of(f, noVariables); s.Color || s.Live || s.Width != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
