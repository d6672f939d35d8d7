package syftevent

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// neverDelivered are the names of files and folders that SyftBox keeps to the
// machine they are on, in the syntax of path.Match: its own, and those that its
// default list of ignored names has for developers.
var neverDelivered = []string{
	"*syftrejected*", "*syftconflict*", "*.conflict.*", "*.rejected.*", "*.syft.tmp.*", ".syftkeep", "syftignore",
	".ipynb_checkpoints", "__pycache__", "*.py[cod]", "dist", "venv", ".venv", ".vscode", ".idea", ".git",
	"*.tmp", "*.log", "logs", ".DS_Store", "Thumbds.db", "Icon",
}

// maxNameLength is the length in bytes of the longest name that SyftBox can
// write: it puts a temporary suffix behind it.
const maxNameLength = 235

// checkDeliverable reports why SyftBox would never deliver into a folder of the
// name, which the registration of an endpoint would not show.
func checkDeliverable(name string) error {
	for _, pattern := range neverDelivered {
		if matched, err := path.Match(pattern, name); matched || err != nil {
			return fmt.Errorf("SyftBox never delivers into a folder named %q, which its list of ignored names has as %q", name, pattern)
		}
	}
	switch {
	case strings.Contains(name, ".."):
		return fmt.Errorf("SyftBox refuses names with two dots in a row, such as %q", name)
	case strings.Contains(name, `\`):
		return fmt.Errorf("SyftBox turns the backslash in %q into a slash", name)
	case len(name) > maxNameLength:
		return fmt.Errorf("the name %.20q… is longer than %d bytes, which is the most that SyftBox can write", name, maxNameLength)
	case !utf8.ValidString(name):
		return fmt.Errorf("the name %q is not valid UTF-8", name)
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
