package fakebox

import (
	"maps"
	"slices"
)

// operations are the operations of a full sync, each with the keys of its files.
type operations struct {
	uploads   []string
	downloads []string
	deletes   []string // on the server
	removals  []string // here
	conflicts []string
	cleanups  []string // of the record
}

// reconcile decides, as SyftBox does, what a full sync does with each file. The maps have
// the etags of the files here, on the server, and in the record of synced files. An empty
// file here, with the etag "", is skipped, as is every file for which skip returns true.
func reconcile(here, remote, synced map[string]string, skip func(key string) bool) operations {
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
		if isHere && etagHere == "" || skip(key) {
			continue
		}
		changedHere := isHere && (!isSynced || etagHere != etagSynced)
		changedThere := isThere && (!isSynced || etagThere != etagSynced)
		switch {
		case !isHere && !isThere:
			ops.cleanups = append(ops.cleanups, key)
		case changedHere && changedThere:
			ops.conflicts = append(ops.conflicts, key) // even if both are equal
		case changedHere:
			ops.uploads = append(ops.uploads, key)
		case changedThere:
			ops.downloads = append(ops.downloads, key) // even if it was deleted here
		case !isHere:
			ops.deletes = append(ops.deletes, key)
		case !isThere:
			ops.removals = append(ops.removals, key)
		}
	}
	return ops
}
