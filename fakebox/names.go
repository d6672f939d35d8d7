package fakebox

import (
	"path"
	"slices"
	"strings"
	"time"
)

// ignored is SyftBox's list of names that it never syncs, in gitignore syntax. A pattern
// applies to every element of a path; one with a trailing slash, to folders only.
var ignored = []string{
	"syftignore", "*syftrejected*", "*syftconflict*", "*.conflict.*", "*.rejected.*", "*.syft.tmp.*", ".syftkeep",
	".ipynb_checkpoints/", "__pycache__/", "*.py[cod]", "dist/", "venv/", ".venv/",
	".vscode", ".idea", ".git", "*.tmp", "*.log", "logs/", ".DS_Store", "Thumbds.db", "Icon",
}

// Ignores reports whether SyftBox never syncs a file, because of its name or that of a folder. The
// path is relative to "datasites", or to a folder in it, with slashes.
func Ignores(name string) bool {
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
