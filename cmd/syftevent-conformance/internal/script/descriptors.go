package script

import (
	"fmt"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandDescriptors counts the open descriptors of the server. Without an argument it records
// the count, with one it checks that there are at most so many more.
func (s *server) commandDescriptors(_ *testscript.TestScript, args []string) error {
	if len(args) > 1 {
		return errUsage
	}
	if err := s.started(); err != nil {
		return err
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.process.PID()))
	if err != nil {
		return &notApplicable{"the system does not list the descriptors of a process: " + err.Error()}
	}
	if len(args) == 0 {
		s.descriptors = len(open)
		return nil
	}
	more, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("descriptors: %q is not a number", args[0])
	}
	if len(open) > s.descriptors+more {
		return &mismatch{fmt.Sprintf("at most %d descriptors more than the %d before", more, s.descriptors), fmt.Sprintf("the server has %d open", len(open)), false}
	}
	return nil
}
