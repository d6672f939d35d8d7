package report

import (
	"os"
	"path/filepath"
	"strings"
)

// unknownFileSystem is the name of a file system that cannot be determined.
const unknownFileSystem = "unknown"

// FileSystem returns the kernel's name of the file system of a folder, such as "ext4",
// "tmpfs" or "fuse.sshfs". It reads /proc/self/mountinfo, and returns "unknown" on
// systems other than Linux.
func FileSystem(dir string) string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return unknownFileSystem
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return unknownFileSystem
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return unknownFileSystem
	}
	return fileSystemOf(string(mounts), dir)
}

// fileSystemOf returns the file system of a path without symbolic links. In a line of
// mountinfo, the fifth field is the mount point, and the field after "-" is the name
// of the file system.
func fileSystemOf(mountinfo, path string) string {
	name, longest := unknownFileSystem, -1
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields, names := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(names) < 1 {
			continue
		}
		point := unescapeMount.Replace(fields[4])
		// A later mount hides an earlier one on the same mount point.
		if liesBelow(path, point) && len(point) >= longest {
			name, longest = names[0], len(point)
		}
	}
	return name
}

// unescapeMount decodes the kernel's escapes of separators.
var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func liesBelow(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
