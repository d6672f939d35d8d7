package protocol

import "bytes"

// IsUnsynced reports whether SyftBox's default ignore list contains a name, so that SyftBox
// synchronizes neither a file of that name nor, if it is a directory's, what it contains. The
// list includes the temporary files of servers and clients.
func IsUnsynced(name []byte, directory bool) bool {
	switch string(name) {
	case "syftignore", ".syftkeep", ".vscode", ".idea", ".git", ".DS_Store", "Thumbds.db", "Icon":
		return true
	case ".ipynb_checkpoints", "__pycache__", "dist", "venv", ".venv", "logs":
		return directory
	}
	for _, suffix := range []string{".tmp", ".log", ".pyc", ".pyo", ".pyd"} {
		if bytes.HasSuffix(name, []byte(suffix)) {
			return true
		}
	}
	for _, part := range []string{"syftrejected", "syftconflict", ".conflict.", ".rejected.", ".syft.tmp."} {
		if bytes.Contains(name, []byte(part)) {
			return true
		}
	}
	return false
}
