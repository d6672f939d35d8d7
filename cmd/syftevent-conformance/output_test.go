package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func writes(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func TestOutputFileAppearsWhenComplete(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	fails := errors.New("half of it")
	half := func(w io.Writer) error { return errors.Join(writes("ha")(w), fails) }

	output, err := createOutput(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file exists before it is written")
	}
	if err := output.write(half); !errors.Is(err, fails) {
		t.Errorf("%v, want %v", err, fails)
	}
	onlyReports(t, dir, 0)

	for _, text := range []string{"first", "second"} {
		if output, err = createOutput(path); err != nil {
			t.Fatal(err)
		}
		if err := output.write(writes(text)); err != nil {
			t.Error(err)
		}
		output.discard() // too late
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%q, %v, want %q", got, err, text)
		}
	}
	if output, err = createOutput(path); err != nil {
		t.Fatal(err)
	}
	output.discard()
	onlyReports(t, dir, 1)
}

func TestOutputFileReplacesTargetOfLink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "report"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	output, err := createOutput(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := output.write(writes("text")); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	onlyReports(t, dir, 2)
}

func TestOutputToDeviceIsNotReplaced(t *testing.T) {
	output, err := createOutput(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if err := output.write(writes("text")); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}
