// Package scripts is the scenarios of the conformance suite, as files.
package scripts

import "embed"

// Files holds the scenarios, *.txtar, and untestable.txt, which lists the
// requirements that no scenario can test, each with the reason.
//
//go:embed *.txtar untestable.txt
var Files embed.FS
