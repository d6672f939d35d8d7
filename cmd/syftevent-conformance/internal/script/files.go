package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

func (r *Run) commandLink(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: link TARGET NAME")
	}
	name := ts.MkAbs(args[1])
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(ts.MkAbs(args[0]), name); err != nil {
		return &notApplicable{fmt.Sprintf("there are no symbolic links here: %v", err)}
	}
	return nil
}

func (r *Run) commandFIFO(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: fifo NAME")
	}
	name := ts.MkAbs(args[0])
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return makeFIFO(name)
}

// commandPermits judges the permissions by what they allow.
func (r *Run) commandPermits(neg bool, args []string) error {
	if len(args) != 3 || args[1] != "read" && args[1] != "write" {
		return errors.New("usage: permits USER read|write PATH")
	}
	user, path := args[0], args[2]
	expected := fmt.Sprintf("syft.pub.yaml lets %s %s %s", user, args[1], path)
	if neg {
		expected = fmt.Sprintf("syft.pub.yaml does not let %s %s %s", user, args[1], path)
	}
	data, err := os.ReadFile(filepath.Join(r.rpc(), "syft.pub.yaml"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && neg:
		return nil // SyftBox lets nobody in then
	case err != nil:
		return &mismatch{expected, fmt.Sprintf("it cannot be read: %v", err), false}
	}
	rules, err := fakebox.ParsePermissions(data)
	if err != nil {
		return fmt.Errorf("this suite does not read all of YAML, but the form that SPEC.md, section 9, shows: %w", err)
	}
	if allowed := fakebox.Allows(rules, user, path, args[1] == "write"); allowed == neg {
		return &mismatch{expected, fmt.Sprintf("allowed: %v, by the rules %s", allowed, excerpt(string(data))), false}
	}
	return nil
}
