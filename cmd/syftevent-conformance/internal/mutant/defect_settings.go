package mutant

import (
	"os"
	"path/filepath"
	"time"
)

// misread changes the settings by a defect.
func (s *settings) misread(d defect) {
	switch d {
	case "first-datasite":
		entries, err := os.ReadDir(filepath.Join(s.dataDir, "datasites"))
		if err == nil && len(entries) > 0 {
			s.email = entries[0].Name()
		}
	case "constant-email":
		s.email = "server@example.com"
	case "constant-app":
		s.app = "conformance"
	case "hour-poll":
		s.poll = 3 * time.Second
	}
	s.locate()
}

// isTired reports whether a defect has made the server stop to scan.
func (s *server) isTired() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.defect {
	case "stops-after-25s":
		return time.Since(s.started) > 25*time.Second
	case "idle-workers":
		return time.Since(s.lastWork) > 30*time.Second
	}
	return false
}
