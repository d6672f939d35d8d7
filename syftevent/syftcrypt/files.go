package syftcrypt

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
	"github.com/syftevent/syftevent-go/syftevent/internal/rootfs"
)

const (
	privateName  = "pvt.jwks.json"
	peersName    = "syftevent-peers"
	knownName    = "syftevent-known"
	documentName = "public/did.json"
	conflictName = "public/did.conflict.json"
	tempPrefix   = ".syftevent-keys-"

	maxKeyFile  = 64 << 10
	maxDocument = 64 << 10
)

// privateDir returns the directory of a user's private keys, which the Python package chooses:
// one for each pair of a SyftBox server and an address, outside of what SyftBox carries. host is
// that of SyftBox's server.
func privateDir(c *syftevent.Client) (dir, host string, err error) {
	server, host, err := pythonURL(c.ServerURL)
	if err != nil {
		return "", "", err
	}
	data, err := filepath.Abs(c.DataDir)
	if err != nil {
		return "", "", err
	}
	if real, err := filepath.EvalSymlinks(data); err == nil {
		data = real
	}
	sum := sha256.Sum256([]byte(server + "::" + pythonAddress(c.Email)))
	return filepath.Join(filepath.Dir(data), ".syftbox", hex.EncodeToString(sum[:4])), host, nil
}

var (
	plainHost = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$`)
	plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)*/?$`)
	numeric   = regexp.MustCompile(`(^|\.)(0x[0-9a-f]*|[0-9]+)\.?$`)
)

// pythonURL returns the URL of a SyftBox server as the Python package writes it, and its host. It
// refuses the rare URLs for which that is hard to know: another form means other keys.
func pythonURL(s string) (text, host string, err error) {
	if s == "" {
		s = syftevent.DefaultServerURL
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", "", fmt.Errorf("URL of SyftBox's server: %w", err)
	}
	host = strings.ToLower(u.Hostname())
	ip, notIP := netip.ParseAddr(host)
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.User != nil, u.RawQuery != "", u.Fragment != "", u.ForceQuery, strings.HasSuffix(s, "#"),
		u.EscapedPath() != u.Path, !plainPath.MatchString(u.Path):
		return "", "", fmt.Errorf("URL of SyftBox's server %q: want http(s)://host[:port][/path]", u.Redacted())
	case notIP == nil && ip.Is6() && ip.Zone() == "" && !ip.Is4In6():
		host = "[" + ip.String() + "]"
	case notIP == nil && ip.Is4():
	case !plainHost.MatchString(host), numeric.MatchString(host), strings.Contains(host, "xn--"):
		return "", "", fmt.Errorf("URL of SyftBox's server: unsupported host %q", host)
	}
	port := strings.TrimLeft(u.Port(), "0")
	if port != "" && !(u.Scheme == "http" && port == "80") && !(u.Scheme == "https" && port == "443") {
		port = ":" + port
	} else {
		port = ""
	}
	path := u.Path
	if path == "" {
		path = "/"
	}
	return u.Scheme + "://" + host + port + path, host, nil
}

// readFile is rootfs.ReadFile, which fails if the file is replaced meanwhile.
func readFile(root *os.Root, name string, maxSize int64) (data []byte, info fs.FileInfo, err error) {
	for range 10 {
		if data, info, err = rootfs.ReadFile(root, name, maxSize); !errors.Is(err, rootfs.ErrNotRegular) {
			break
		}
	}
	return data, info, err
}

// readPrivate reads a file of the private directory, and refuses it if others can read it.
func readPrivate(dir, name string) ([]byte, fs.FileInfo, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	info, err := root.Stat(".")
	if err != nil {
		return nil, nil, err
	}
	if err := checkPrivateDir(info); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	data, info, err := readFile(root, name, maxKeyFile)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", filepath.Join(dir, name), err)
	}
	if err := checkPrivate(info); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return data, info, nil
}

// writePrivate writes a file that only this user can read, whole. If it is new, no file may have
// the name; otherwise it replaces the file.
func writePrivate(dir, name string, data []byte, isNew bool) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, tempPrefix+"*.tmp") // mode 0600
	if err != nil {
		return err
	}
	temp := f.Name()
	defer os.Remove(temp)
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	final := filepath.Join(dir, name)
	if isNew {
		err := os.Link(temp, final)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		// The file system has no hard links.
		if _, err := os.Lstat(final); !errors.Is(err, fs.ErrNotExist) {
			return &fs.PathError{Op: "create", Path: final, Err: fs.ErrExist}
		}
	}
	return os.Rename(temp, final)
}

// readDocument reads the DID document of a person.
func readDocument(c *syftevent.Client, address string) (*document, error) {
	if !isAddress(address) {
		return nil, fmt.Errorf("%w: %q is not an e-mail address", ErrBadDocument, address)
	}
	root, err := os.OpenRoot(filepath.Join(c.DatasitesDir(), address))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w of %s", ErrNoDocument, address)
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	data, _, err := readFile(root, documentName, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w of %s", ErrNoDocument, address)
	case errors.Is(err, rootfs.ErrTooLarge), errors.Is(err, rootfs.ErrNotRegular):
		return nil, fmt.Errorf("%w of %s: %w", ErrBadDocument, address, err)
	case err != nil:
		return nil, fmt.Errorf("read DID document of %s: %w", address, err)
	}
	d, err := parseDocument(data, address)
	if err != nil {
		return nil, fmt.Errorf("%w of %s: %w", ErrBadDocument, address, err)
	}
	return d, nil
}

// writeDocument publishes the user's own DID document, whole.
func writeDocument(c *syftevent.Client, data []byte) error {
	if err := os.MkdirAll(filepath.Join(c.Datasite(), filepath.Dir(documentName)), 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(c.Datasite())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := rootfs.Replace(root, tempPrefix, documentName, data); err != nil {
		return err
	}
	// SyftBox uploads a file at once when it sees a modification.
	if info, err := root.Lstat(documentName); err == nil {
		rootfs.Touch(root, documentName, rootfs.VersionOf(info))
	}
	return nil
}
