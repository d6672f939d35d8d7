// Package scripts is the scenarios of the conformance suite, as files.
package scripts

import "embed"

// Files holds the scenarios, *.txtar, and untestable.txt, which lists the
// requirements that no scenario can test, each with the reason. Below smoke are
// the scripts that check a server before the scenarios do.
//
//go:embed *.txtar untestable.txt smoke/*.txtar
var Files embed.FS
