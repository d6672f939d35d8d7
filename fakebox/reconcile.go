package fakebox

import (
	"maps"
	"slices"
)

// operations is what a full synchronisation finds to do, each a list of paths.
type operations struct {
	uploads   []string
	downloads []string
	deletes   []string // on the server
	removals  []string // here
	conflicts []string
	cleanups  []string // of the record
}

// reconcile compares the etags of what is here, what is on the server, and what was
// the same on both the last time, as SyftBox does. An empty file has the etag "", and
// is left alone, as is what leaveAlone says.
func reconcile(here, remote, synced map[string]string, leaveAlone func(key string) bool) operations {
	keys := map[string]bool{}
	for _, known := range []map[string]string{here, remote, synced} {
		for key := range known {
			keys[key] = true
		}
	}
	var ops operations
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		etagHere, isHere := here[key]
		etagThere, isThere := remote[key]
		etagSynced, isSynced := synced[key]
		if isHere && etagHere == "" || leaveAlone(key) {
			continue
		}
		changedHere := isHere && (!isSynced || etagHere != etagSynced)
		changedThere := isThere && (!isSynced || etagThere != etagSynced)
		switch {
		case !isHere && !isThere:
			ops.cleanups = append(ops.cleanups, key)
		case changedHere && changedThere:
			// Also if both are the same.
			ops.conflicts = append(ops.conflicts, key)
		case changedHere:
			ops.uploads = append(ops.uploads, key)
		case changedThere:
			// Also if it was deleted here.
			ops.downloads = append(ops.downloads, key)
		case !isHere:
			ops.deletes = append(ops.deletes, key)
		case !isThere:
			ops.removals = append(ops.removals, key)
		}
	}
	return ops
}
