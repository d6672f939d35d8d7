package syftevent

import (
	"fmt"
	"path"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent/internal/wire"
)

// contradiction returns an error if a response belongs to another request. Whoever may write in
// the request's folder can write such a file. u is the response's URL, or zero if it has no valid
// one; an absent member contradicts nothing. [client-forged]
func (f *Future) contradiction(response *wire.Response, u URL) error {
	differs := func(got, want string) bool { return got != "" && !strings.EqualFold(got, want) }
	member, value := "", ""
	switch {
	case differs(response.ID, f.ID):
		member, value = "id", response.ID
	case differs(response.Sender, f.URL.Datasite):
		member, value = "sender", response.Sender
	case differs(u.Datasite, f.URL.Datasite), u.Datasite != "" && differs(path.Clean(u.Path), path.Clean(f.URL.Path)):
		member, value = "url", response.URL
	default:
		return nil
	}
	return fmt.Errorf("%w: its %s is %.100q, that of another request or server", ErrBadResponse, member, value)
}
