package syftcrypt

import (
	"fmt"
	"log/slog"
)

const hidden = "[hidden]"

// A secret is a symmetric key. It prints as "[hidden]". The key is behind a pointer, because some
// verbs do not call Format.
type secret struct{ key *[keySize]byte }

// Format writes "[hidden]" for every verb.
func (secret) Format(f fmt.State, _ rune) { f.Write([]byte(hidden)) }

// MarshalText returns "[hidden]", also for encoding/json.
func (secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "[hidden]".
func (secret) LogValue() slog.Value { return slog.StringValue(hidden) }
