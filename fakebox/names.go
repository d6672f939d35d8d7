package fakebox

import (
	"path"
	"slices"
	"strings"
	"time"
)

// What SyftBox never synchronises: its own list, in the syntax of gitignore. A
// pattern applies to every part of a path, one with a slash behind it only to
// folders.
var ignored = []string{
	"syftignore", "*syftrejected*", "*syftconflict*", "*.conflict.*", "*.rejected.*", "*.syft.tmp.*", ".syftkeep",
	".ipynb_checkpoints/", "__pycache__/", "*.py[cod]", "dist/", "venv/", ".venv/",
	".vscode", ".idea", ".git", "*.tmp", "*.log", "logs/", ".DS_Store", "Thumbds.db", "Icon",
}

// isIgnored reports whether a file, by its path below "datasites", is never sent.
func isIgnored(name string) bool {
	parts := strings.Split(name, "/")
	return slices.ContainsFunc(ignored, func(pattern string) bool {
		candidates := parts
		if folder, ok := strings.CutSuffix(pattern, "/"); ok {
			pattern, candidates = folder, parts[:len(parts)-1]
		}
		return slices.ContainsFunc(candidates, func(part string) bool {
			matched, err := path.Match(pattern, part)
			return matched && err == nil
		})
	})
}

// isMessage reports whether a file is for the fast path.
func isMessage(name string) bool {
	return strings.HasSuffix(name, ".request") || strings.HasSuffix(name, ".response")
}

// isLegacyMarker reports whether a file has a marker of an earlier version, which
// a box removes when it starts.
func isLegacyMarker(name string) bool {
	return strings.Contains(name, "syftrejected") || strings.Contains(name, "syftconflict")
}

const (
	rejectedMarker = ".rejected"
	conflictMarker = ".conflict"
)

// marked returns the name of a file with a marker before its last extension. A
// name without one gets the marker as its extension.
func marked(name, marker string) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + marker + ext
}

// rotated returns the name that a marked file gets when another takes its place.
func rotated(name, marker string, now time.Time) string {
	return marked(name, marker+now.Format(".20060102150405"))
}

// isRefusedKey reports whether the server refuses a path, though it has told
// everybody of it by then.
func isRefusedKey(name string) bool {
	return strings.Contains(name, "..") || len(name) > maxKeyLength
}
