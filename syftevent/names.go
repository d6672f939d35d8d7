package syftevent

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// neverDelivered are the names of files and folders that SyftBox never synchronizes, as
// patterns of path.Match: its own, and those of its default ignore list.
var neverDelivered = []string{
	"*syftrejected*", "*syftconflict*", "*.conflict.*", "*.rejected.*", "*.syft.tmp.*", ".syftkeep", "syftignore",
	".ipynb_checkpoints", "__pycache__", "*.py[cod]", "dist", "venv", ".venv", ".vscode", ".idea", ".git",
	"*.tmp", "*.log", "logs", ".DS_Store", "Thumbds.db", "Icon",
}

// maxNameLength is the length in bytes of the longest name that SyftBox can write: it
// adds a temporary suffix.
const maxNameLength = 235

// checkDeliverable returns an error if SyftBox never delivers into a folder of the name.
func checkDeliverable(name string) error {
	for _, pattern := range neverDelivered {
		if matched, err := path.Match(pattern, name); matched || err != nil {
			return fmt.Errorf("SyftBox never delivers into a folder named %q: its ignore list contains %q", name, pattern)
		}
	}
	switch {
	case strings.Contains(name, ".."):
		return fmt.Errorf("SyftBox refuses name %q: it contains two dots in a row", name)
	case strings.Contains(name, `\`):
		return fmt.Errorf("SyftBox replaces the backslash in %q with a slash", name)
	case len(name) > maxNameLength:
		return fmt.Errorf("name %.20q… exceeds the limit of %d bytes that SyftBox can write", name, maxNameLength)
	case !utf8.ValidString(name):
		return fmt.Errorf("name %q is not valid UTF-8", name)
	}
	return nil
}

// checkDeliverable checks the literal segments of the pattern.
func (p *pattern) checkDeliverable() error {
	for _, s := range p.segments {
		if s.kind != literal {
			continue
		}
		if err := checkDeliverable(s.text); err != nil {
			return err
		}
	}
	return nil
}

// checkAppName returns an error if an app name is not the name of one folder.
func checkAppName(app string) error {
	if app == "" {
		return errors.New("syftevent: the app name is empty")
	}
	if app == "." || !filepath.IsLocal(app) || strings.ContainsAny(app, `/\`) || strings.ContainsFunc(app, isControl) {
		return fmt.Errorf("syftevent: app name %q must be the name of one folder", app)
	}
	return nil
}

// isControl reports whether a character is an ASCII control character.
func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
