package realbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// blobStore is the in-memory S3 server in which SyftBox's server stores its files. It is
// built as a program of its own and is not a dependency of this module.
const blobStore = "github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0"

// Binaries are the paths of the programs that make up a SyftBox network.
type Binaries struct {
	Server, Client, BlobStore string
}

func binariesIn(dir string) Binaries {
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	return Binaries{
		Server:    filepath.Join(dir, "server"+suffix),
		Client:    filepath.Join(dir, "syftbox"+suffix),
		BlobStore: filepath.Join(dir, "gofakes3"+suffix),
	}
}

func (b Binaries) complete() bool {
	for _, path := range []string{b.Server, b.Client, b.BlobStore} {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// Build builds SyftBox's server and client from source, a checkout of
// OpenMined/syftbox, and the blob store. It never writes to source. It keeps the
// programs in the user's cache directory under a hash of the sources, so that a second
// call returns at once. It calls progress before slow steps.
func Build(ctx context.Context, source string, progress func(format string, args ...any)) (Binaries, error) {
	for _, dir := range []string{"cmd/server", "cmd/client"} {
		if info, err := os.Stat(filepath.Join(source, filepath.FromSlash(dir))); err != nil || !info.IsDir() {
			return Binaries{}, fmt.Errorf("build SyftBox: %s is not a checkout of OpenMined/syftbox: directory %s is missing", source, dir)
		}
	}
	sum, err := hashSources(source)
	if err != nil {
		return Binaries{}, fmt.Errorf("build SyftBox: hash %s: %w", source, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return Binaries{}, fmt.Errorf("build SyftBox: %w", err)
	}
	parent := filepath.Join(cache, "syftevent-conformance")
	dir := filepath.Join(parent, "syftbox-"+sum)
	if b := binariesIn(dir); b.complete() {
		return b, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return Binaries{}, fmt.Errorf("build SyftBox: %w", err)
	}
	temporary, err := os.MkdirTemp(parent, "build-")
	if err != nil {
		return Binaries{}, fmt.Errorf("build SyftBox: %w", err)
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o755); err != nil {
		return Binaries{}, fmt.Errorf("build SyftBox: %w", err)
	}
	b := binariesIn(temporary)
	progress("building SyftBox from %s (about a minute the first time)", source)
	steps := []struct {
		dir  string
		env  []string
		args []string
	}{
		// -mod=readonly keeps go.mod and go.sum of the checkout as they are.
		{source, []string{"GOFLAGS=-mod=readonly"}, []string{"build", "-buildvcs=false", "-o", b.Server, "./cmd/server"}},
		{source, []string{"GOFLAGS=-mod=readonly"}, []string{"build", "-buildvcs=false", "-o", b.Client, "./cmd/client"}},
		{temporary, []string{"GOFLAGS=-mod=mod", "GOBIN=" + temporary}, []string{"install", blobStore}},
	}
	for _, step := range steps {
		cmd := exec.CommandContext(ctx, "go", step.args...)
		cmd.Dir = step.dir
		cmd.Env = append(buildEnvironment(os.Environ()), step.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return Binaries{}, fmt.Errorf("build SyftBox: go %s in %s: %w\n%s", strings.Join(step.args, " "), step.dir, err, lastLines(string(out), 20))
		}
	}
	if err := os.Rename(temporary, dir); err != nil && !binariesIn(dir).complete() {
		// An interrupted build may have left the directory incomplete.
		if err = errors.Join(os.RemoveAll(dir), os.Rename(temporary, dir)); err != nil {
			return Binaries{}, fmt.Errorf("build SyftBox: %w", err)
		}
	}
	return binariesIn(dir), nil
}

// buildEnvironment removes variables that would change what go builds.
func buildEnvironment(env []string) []string {
	var kept []string
	for _, entry := range env {
		switch name, _, _ := strings.Cut(entry, "="); name {
		case "GOFLAGS", "GOOS", "GOARCH", "GOBIN", "GOWORK":
		default:
			kept = append(kept, entry)
		}
	}
	return append(kept, "GOWORK=off")
}

// hashSources returns a hash of the sources, the Go version and the platform.
func hashSources(source string) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s/%s %s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, blobStore)
	// WalkDir visits in lexical order, so the same tree has the same hash.
	err := filepath.WalkDir(source, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			// Skip .git and the directories of tools.
			if relative != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		content := sha256.New()
		if _, err := io.Copy(content, f); err != nil {
			return err
		}
		fmt.Fprintf(sum, "%q %x\n", filepath.ToSlash(relative), content.Sum(nil))
		return nil
	})
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}

// lastLines returns the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
