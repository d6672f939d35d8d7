package report

import (
	"os"
	"path/filepath"
	"strings"
)

// unknownFileSystem is said where the kernel does not tell.
const unknownFileSystem = "unknown"

// FileSystem returns the name that the kernel has for the file system on which a
// folder lies, such as "ext4", "tmpfs" or "fuse.sshfs". It is "unknown" where there
// is no /proc/self/mountinfo, which only Linux has.
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

// fileSystemOf finds the mount point that a path without symbolic links lies below.
// Of its fields a line of mountinfo has the mount point as the fifth, and the name of
// the file system behind a field "-", before which any number may stand.
func fileSystemOf(mountinfo, path string) string {
	name, longest := unknownFileSystem, -1
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		fields, names := strings.Fields(before), strings.Fields(after)
		if !ok || len(fields) < 5 || len(names) < 1 {
			continue
		}
		point := unescapeMount.Replace(fields[4])
		// Of two mounts on one point the later covers the earlier.
		if liesBelow(path, point) && len(point) >= longest {
			name, longest = names[0], len(point)
		}
	}
	return name
}

// unescapeMount undoes how the kernel writes the bytes that would part fields.
var unescapeMount = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

func liesBelow(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
