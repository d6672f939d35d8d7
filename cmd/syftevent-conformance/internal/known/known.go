// Package known reads the list of what is known of a server: the scenarios that it
// fails, each with the reason.
package known

// An Entry says that a scenario is known to fail.
type Entry struct {
	// Scenario is its id.
	Scenario string
	// Reason says why, and is never "".
	Reason string
	// Flaky is whether the scenario may pass, too: what it finds is left to chance.
	Flaky bool
}
