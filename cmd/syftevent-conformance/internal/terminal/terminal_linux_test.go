package terminal

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"
)

// openTerminal opens a pseudoterminal of a width and returns its ends.
func openTerminal(t *testing.T, columns uint16) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the system has no pseudoterminals: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	var locked, number int32
	size := struct{ rows, columns, x, y uint16 }{24, columns, 0, 0}
	for request, argument := range map[uintptr]unsafe.Pointer{
		syscall.TIOCSPTLCK: unsafe.Pointer(&locked),
		syscall.TIOCGPTN:   unsafe.Pointer(&number),
		syscall.TIOCSWINSZ: unsafe.Pointer(&size),
	} {
		if !control(user, request, argument) {
			t.Fatalf("ioctl %#x failed", request)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the system has no pseudoterminals: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

func TestTerminal(t *testing.T) {
	_, program := openTerminal(t, 57)
	for _, test := range []struct {
		variables   map[string]string
		color, live bool
	}{
		{nil, true, true},
		{map[string]string{"TERM": "xterm", "NO_COLOR": ""}, true, true},
		{map[string]string{"NO_COLOR": "0"}, false, true},
		{map[string]string{"TERM": "dumb"}, false, false},
	} {
		s := Of(program, func(name string) string { return test.variables[name] })
		if s.Color != test.color || s.Live != test.live {
			t.Errorf("%v: %+v", test.variables, s)
		}
		if s.Live && s.columns() != 57 {
			t.Errorf("%d columns, want 57", s.columns())
		}
	}
}
