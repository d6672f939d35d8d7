package runner

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
)

// maxTree is the number of files that a tree lists.
const maxTree = 40

// tree lists the files below a folder with their sizes, without .syftkeep files and
// canaries, which would hide the others. The server's "rpc" is abbreviated as $RPC.
func tree(dir string, names script.Names) []string {
	var lines []string
	more := 0
	rpc := path.Join(names.Server, "SyftBox/datasites", names.Server, "app_data", names.App, "rpc")
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		switch {
		case err != nil || strings.HasPrefix(d.Name(), ".syftkeep"):
			return nil
		case d.IsDir() && script.IsCanary(d.Name()):
			return fs.SkipDir
		case d.IsDir() || d.Name() == ".fakebox": // fakebox's own
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil
		}
		if len(lines) == maxTree {
			more++
			return nil
		}
		size := int64(-1)
		if info, err := d.Info(); err == nil {
			size = info.Size()
		}
		lines = append(lines, fmt.Sprintf("%8d  %s", size, strings.Replace(filepath.ToSlash(rel), rpc, "$RPC", 1)))
		return nil
	})
	if more > 0 {
		lines = append(lines, fmt.Sprintf("          … and %d more", more))
	}
	return lines
}
