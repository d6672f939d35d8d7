package wire

import (
	"io/fs"
	"strings"
	"testing"
)

func TestIsObject(t *testing.T) {
	large := `{"body":"` + strings.Repeat("x", maxValidated) + `"}`
	for content, want := range map[string]bool{
		`{}`: true, " {\"a\":1}\n": true, large: true, large + "\n": true,
		"": false, `{`: false, `[]`: false, `null`: false, `{"a":1}}`: false, `{"a":"` + "\x00": false, "\x00\x00": false,
		large[:maxValidated+1]: false, strings.Repeat("\x00", len(large)): false,
		large[:maxValidated] + strings.Repeat("\x00", 100): false,
	} {
		if got := IsObject(strings.NewReader(content), int64(len(content))); got != want {
			t.Errorf("IsObject(%.20q) with %d bytes = %v, want %v", content, len(content), got, want)
		}
	}
	if !IsObject(unreadable{}, 10) || !IsObject(unreadable{}, 2*maxValidated) {
		t.Error("unreadable content: IsObject = false, want true")
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
