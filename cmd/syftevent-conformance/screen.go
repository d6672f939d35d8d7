package main

import (
	"io"
	"os"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/terminal"
)

// screenOf returns what an output of the program can show.
func screenOf(w io.Writer) terminal.Screen {
	switch w := w.(type) {
	case endingOutput:
		return screenOf(w.Writer)
	case *os.File:
		return terminal.Of(w, os.Getenv)
	case interface{ Screen() terminal.Screen }:
		return w.Screen()
	}
	return terminal.Screen{}
}
