package target

import "fmt"

// A Role is what a program under test does.
type Role string

const (
	// Server answers requests.
	Server Role = "server"
	// Client makes calls (see [Process.Write]).
	Client Role = "client"
)

// UnmarshalText sets the role to a text.
func (r *Role) UnmarshalText(text []byte) error {
	switch role := Role(text); role {
	case Server, Client:
		*r = role
		return nil
	}
	return fmt.Errorf("%q is not a role: want server or client", text)
}

// MarshalText returns the text of the role.
func (r Role) MarshalText() ([]byte, error) { return []byte(r), nil }

// checkRole returns an error if a program has another role than it was started for.
func (p *Process) checkRole(want Role) error {
	if p.ready.Role == want {
		return nil
	}
	return &NotReadyError{
		Reason: fmt.Sprintf("its ready line says that it is a %s, and it was started as a %s (SYFTEVENT_ROLE)", p.ready.Role, want),
		Stderr: p.StderrTail(),
	}
}
