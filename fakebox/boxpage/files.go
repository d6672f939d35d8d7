package boxpage

import (
	"crypto/md5"
	"encoding/hex"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/fakebox"
)

const (
	// maxFiles is the maximum number of files that the page lists.
	maxFiles = 5_000
	// maxHashed is the maximum size in bytes of a file that the page compares by content.
	maxHashed = 1 << 20
	// maxShown is the maximum size in bytes of a file that the page shows or offers as a
	// download.
	maxShown = 16 << 20
)

// readReplica reads a regular file in somebody's replica. It does not follow links out of
// the replica.
func (p *Page) readReplica(email, key string) ([]byte, bool) {
	r, ok := p.box.Replica(email)
	if !ok || !filepath.IsLocal(filepath.FromSlash(key)) {
		return nil, false
	}
	root, err := os.OpenRoot(r.Datasites())
	if err != nil {
		return nil, false
	}
	defer root.Close()
	return readRegular(root, key, maxShown)
}

func readRegular(root *os.Root, key string, limit int64) ([]byte, bool) {
	info, err := root.Lstat(key)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return nil, false
	}
	f, err := root.Open(key)
	if err != nil {
		return nil, false
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit))
	return data, err == nil
}

// readAnywhere reads a file on the hub or in the first replica of
// the given people that has it.
func (p *Page) readAnywhere(key string, people ...string) ([]byte, bool) {
	for _, email := range people {
		if data, ok := p.readReplica(email, key); ok {
			return data, true
		}
	}
	return p.box.Stored(key)
}

// readVersion reads the version of a file that an event names. Usually it is on the hub
// by then, which costs no system call.
func (p *Page) readVersion(key, etag string, people ...string) ([]byte, bool) {
	if data, ok := p.box.Stored(key); ok && hashOf(data) == etag {
		return data, true
	}
	return p.readAnywhere(key, people...)
}

// hashOf returns SyftBox's hash of a content.
func hashOf(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// content returns the content of the request or the response of a call, which may have
// been removed since.
func (p *Page) content(c *call, response bool) ([]byte, bool) {
	l, name := &c.request, c.key+".request"
	first, second := c.sender, c.server
	if response {
		l, name = &c.response, c.key+".response"
		first, second = second, first
	}
	if l.kept != nil {
		return l.kept, true
	}
	if l.Written.IsZero() && l.Sent.IsZero() && l.Arrived.IsZero() && l.Size == 0 {
		return nil, false
	}
	for _, name := range []string{name, markedName(name, "rejected"), markedName(name, "conflict")} {
		if data, ok := p.readAnywhere(name, first, second); ok {
			return data, true
		}
	}
	return nil, false
}

// exists reports whether a file or folder exists in somebody's replica.
func (p *Page) exists(email, key string) bool {
	r, ok := p.box.Replica(email)
	if !ok || !filepath.IsLocal(filepath.FromSlash(key)) {
		return false
	}
	_, err := os.Lstat(r.Path(key))
	return err == nil
}

// A fileInfo is a file in a replica.
type fileInfo struct {
	path string
	size int64
	hash string // "" for a file that is too large, or not regular
	link bool
}

// A listing holds the files of all replicas and of the hub.
type listing struct {
	People        []string        `json:"people"`
	Files         []listedFile    `json:"files"`
	Undeliverable []undeliverable `json:"undeliverable"`
	Truncated     bool            `json:"truncated"`
}

// A listedFile is a file, and where it is. Hub and each element of Replicas is "" if the
// file does not exist there, or the name of a version: "A" for the first, "B" for the
// next content, and so on.
type listedFile struct {
	Path     string   `json:"path"`
	Size     int64    `json:"size"`
	Hub      string   `json:"hub"`
	Replicas []string `json:"replicas"`
	Differs  bool     `json:"differs"`
	Note     string   `json:"note,omitempty"`
}

// files lists the files of all replicas whose path contains text.
func (p *Page) files(text string) listing {
	l := listing{People: []string{}, Files: []listedFile{}}
	trees := map[string][]fileInfo{}
	versions := map[string]map[string]string{} // hash by place and path
	sizes := map[string]int64{}
	for _, r := range p.box.Replicas() {
		l.People = append(l.People, r.Email)
		files, truncated := listReplica(r, text)
		l.Truncated = l.Truncated || truncated
		trees[r.Email] = files
		for _, f := range files {
			if versions[f.path] == nil {
				versions[f.path] = map[string]string{}
			}
			versions[f.path][r.Email] = f.hash
			sizes[f.path] = f.size
		}
	}
	for key, etag := range p.box.StoredFiles() {
		if !strings.Contains(key, text) {
			continue
		}
		if versions[key] == nil {
			versions[key] = map[string]string{}
		}
		versions[key][fakebox.Hub] = etag
		if _, ok := sizes[key]; !ok {
			data, _ := p.box.Stored(key)
			sizes[key] = int64(len(data))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(versions)) {
		if len(l.Files) == maxFiles {
			l.Truncated = true
			break
		}
		l.Files = append(l.Files, p.compare(key, sizes[key], versions[key], l.People))
	}
	l.Undeliverable = p.undeliverables(trees)
	return l
}

// compare names the versions of a file. The file differs if a place that should have it
// has another version or none.
func (p *Page) compare(key string, size int64, hashes map[string]string, people []string) listedFile {
	f := listedFile{Path: key, Size: size, Replicas: []string{}, Note: noteOf(key)}
	names := map[string]string{}
	name := func(place string) string {
		hash, ok := hashes[place]
		if !ok {
			return ""
		}
		if names[hash] == "" {
			names[hash] = string(rune('A' + min(len(names), 25)))
		}
		return names[hash]
	}
	f.Hub = name(fakebox.Hub)
	travels := !fakebox.Ignores(key) && !isMarked(key)
	f.Differs = travels && f.Hub == ""
	for _, email := range people {
		version := name(email)
		f.Replicas = append(f.Replicas, version)
		if travels && version != f.Hub && (version != "" || p.box.May(email, key, false)) {
			f.Differs = true
		}
	}
	return f
}

// noteOf explains the name of a file.
func noteOf(key string) string {
	base := path.Base(key)
	switch {
	case strings.Contains(base, ".rejected."):
		return "rejected: the hub refused this file, and the client renamed it"
	case strings.Contains(base, ".conflict."):
		return "conflict: the file changed on both sides; this is the local version"
	case base == ".syftkeep":
		return "keeps its folder: SyftBox deletes empty folders; never travels"
	case base == "syft.pub.yaml":
		return "permissions of this folder"
	case base == "rpc.schema.json":
		return "what the endpoints of the app expect"
	case fakebox.Ignores(key):
		return "never travels: SyftBox ignores " + ignoredPart(key)
	}
	return ""
}

// listReplica lists the files of a replica whose path contains text.
func listReplica(r *fakebox.Replica, text string) (files []fileInfo, truncated bool) {
	root, err := os.OpenRoot(r.Datasites())
	if err != nil {
		return nil, false
	}
	defer root.Close()
	// Files come and go during the walk: errors mean that a file is not there.
	fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(name, text) {
			return nil
		}
		if len(files) == maxFiles {
			truncated = true
			return fs.SkipAll
		}
		f := fileInfo{path: name, link: !d.Type().IsRegular()}
		if info, err := d.Info(); err == nil {
			f.size = info.Size()
		}
		if data, ok := readRegular(root, name, maxHashed); ok {
			f.hash = hashOf(data)
		}
		files = append(files, f)
		return nil
	})
	return files, truncated
}
