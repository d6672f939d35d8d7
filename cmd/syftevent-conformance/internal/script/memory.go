package script

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandMemory checks the server's peak memory. A limit by the operating system would be
// stricter, but a limit of the address space that suits one runtime keeps another from
// starting.
func (s *server) commandMemory(ts *testscript.TestScript, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	limit, err := strconv.Atoi(args[0])
	if err != nil || limit < 1 {
		return fmt.Errorf("memory: %q is not a number of MiB", args[0])
	}
	if err := s.started(); err != nil {
		return err
	}
	used, err := s.process.Resources()
	if err == nil && used.Peak == 0 {
		err = errors.New("no VmHWM")
	}
	if err != nil {
		return &notApplicable{"the system does not report the memory of a process: " + err.Error()}
	}
	if used.Peak>>20 > int64(limit) {
		return &mismatch{fmt.Sprintf("at most %d MiB of memory", limit), fmt.Sprintf("the server used %d MiB", used.Peak>>20), false}
	}
	return nil
}
