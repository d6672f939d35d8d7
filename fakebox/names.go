package fakebox

import (
	"path"
	"slices"
	"strings"
	"time"
)

// ignored, ignoredParts and ignoredEnds are SyftBox's list of names that it never syncs: whole
// names, texts in a name, and ends of a name. They apply to every element of a path, and those with
// a trailing slash to folders only.
var (
	ignored = []string{
		"syftignore", ".syftkeep", ".ipynb_checkpoints/", "__pycache__/", "dist/", "venv/", ".venv/",
		".vscode", ".idea", ".git", "logs/", ".DS_Store", "Thumbds.db", "Icon",
	}
	ignoredParts = []string{"syftrejected", "syftconflict", ".conflict.", ".rejected.", ".syft.tmp."}
	ignoredEnds  = []string{".pyc", ".pyo", ".pyd", ".tmp", ".log"}
)

// Ignores reports whether SyftBox never syncs a file, because of its name or that of a folder. The
// path is relative to "datasites", or to a folder in it, with slashes.
func Ignores(name string) bool {
	for {
		part, rest, isFolder := strings.Cut(name, "/")
		if ignoresPart(part, isFolder) {
			return true
		}
		if !isFolder {
			return false
		}
		name = rest
	}
}

func ignoresPart(part string, isFolder bool) bool {
	return slices.ContainsFunc(ignored, func(whole string) bool {
		folder, foldersOnly := strings.CutSuffix(whole, "/")
		return part == folder && (isFolder || !foldersOnly)
	}) ||
		slices.ContainsFunc(ignoredParts, func(text string) bool { return strings.Contains(part, text) }) ||
		slices.ContainsFunc(ignoredEnds, func(end string) bool { return strings.HasSuffix(part, end) })
}

// isMessage reports whether the fast path carries a file.
func isMessage(name string) bool {
	return strings.HasSuffix(name, ".request") || strings.HasSuffix(name, ".response")
}

// isLegacyMarker reports whether a file has a marker of an earlier SyftBox version.
func isLegacyMarker(name string) bool {
	return strings.Contains(name, "syftrejected") || strings.Contains(name, "syftconflict")
}

const (
	rejectedMarker = ".rejected"
	conflictMarker = ".conflict"
)

// marked inserts a marker before the extension of a name, or appends it to a name without
// an extension.
func marked(name, marker string) string {
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + marker + ext
}

// rotated returns the new name of a marked file that has to make room for another.
func rotated(name, marker string, now time.Time) string {
	return marked(name, marker+now.Format(".20060102150405"))
}

// isRefusedKey reports whether the server refuses to store a path. It has already relayed
// the file by then.
func isRefusedKey(name string) bool {
	return strings.Contains(name, "..") || len(name) > maxKeyLength
}
