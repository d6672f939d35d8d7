package mutantclient

import (
	"os"
	"time"
)

// defectState is what defects remember of the client.
type defectState struct {
	stems   int             // for defects that number the requests
	kept    map[string]bool // directories that got a .syftkeep
	entered map[string]bool // directories
	locked  map[string]bool // directories
	blocked bool            // a call was rejected

	held map[int]heldResult // results that are due after others
	next int                // the call whose result is due
}

type heldResult struct {
	*pending
	result
}

// pendingDefectState is what defects remember of a call.
type pendingDefectState struct {
	handle *os.File
	sentAt time.Time // also of the latest resend
}

// removalDefectState is what defects remember of a removed pair.
type removalDefectState struct {
	collected bool
}

// remember adds a name to a set, and reports whether it was in it.
func remember(set *map[string]bool, name string) bool {
	if *set == nil {
		*set = map[string]bool{}
	}
	known := (*set)[name]
	(*set)[name] = true
	return known
}

func isDirectory(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.IsDir()
}
