package main

import (
	"io"
	"os"
)

// isTerminal reports whether an output is a terminal on which a line can be replaced: a character
// device other than the null device. TERM=dumb means that it cannot.
func isTerminal(w io.Writer) bool {
	if w, ok := w.(interface{ IsTerminal() bool }); ok {
		return w.IsTerminal()
	}
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err == nil && !os.SameFile(info, null)
}
