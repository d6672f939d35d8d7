package script

import "time"

// A Change is what has happened to a file, or that the script did something.
type Change string

// The changes of which an [Event] tells.
const (
	Commanded Change = "command" // a command of the script has begun
	Appeared  Change = "appear"
	Modified  Change = "modify" // its size or its time of modification is another
	Vanished  Change = "vanish"
	Omitted   Change = "omit" // there were more events than are kept
)

// An Event is one line of the story of a scenario.
type Event struct {
	// At is the time since the scenario began.
	At     time.Duration
	Change Change
	// What is the command, or the path of the file below "rpc", with slashes, or
	// how many events were left out.
	What string
	// Size is that of the file in bytes, -1 if it is no file.
	Size int64
}
