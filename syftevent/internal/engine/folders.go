package engine

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/internal/protocol"
)

// A folderIndex caches which folders of "rpc" lead to an endpoint. It is used only by the
// goroutine that polls.
type folderIndex struct {
	set    *Endpoints      // for which the rest is valid
	wanted map[string]bool // by directory
	own    map[string]bool // the folders of endpoints, and those above them
}

// path returns the path of a file or directory below "rpc", given with slashes.
func (s *Server) path(name string) string {
	return filepath.Join(s.options.Dir, filepath.FromSlash(name))
}

// wanted reports whether a directory could hold requests for this server's endpoints.
func (s *Server) wanted(dir string) bool {
	if dir == "." {
		return true
	}
	if parent, last := path.Split(dir); protocol.SeemsAddress(last) {
		dir = parent
	}
	index := s.currentIndex()
	first, _, _ := strings.Cut(dir, "/")
	if first != "" && !index.set.First[first] && !index.set.First[""] {
		return false // the usual case of a name that a sender made up
	}
	wanted, known := index.wanted[dir]
	if !known {
		if len(index.wanted) >= maxIgnored {
			clear(index.wanted)
		}
		wanted = index.set.LeadsTo(protocol.CleanEndpoint(dir))
		index.wanted[strings.Clone(dir)] = wanted
	}
	return wanted
}

// owner returns the sender to whom a directory belongs, or "". SyftBox's permissions let
// only the sender put files into it, though anybody can make directories in it.
func (s *Server) owner(dir string) string {
	if last := dir[strings.LastIndexByte(dir, '/')+1:]; protocol.SeemsAddress(last) {
		return last
	}
	return ""
}

// own reports whether a directory is an endpoint's that this server makes, or above one.
func (s *Server) own(dir string) bool {
	return s.currentIndex().own[dir]
}

// currentIndex returns the index of the current endpoints.
func (s *Server) currentIndex() *folderIndex {
	set := s.options.Endpoints()
	if set == s.index.set {
		return &s.index
	}
	s.index = folderIndex{set: set, wanted: map[string]bool{}, own: map[string]bool{}}
	for _, endpoint := range set.Folders {
		for dir := strings.TrimPrefix(endpoint, "/"); dir != "" && dir != "."; dir = path.Dir(dir) {
			s.index.own[dir] = true
		}
	}
	return &s.index
}
