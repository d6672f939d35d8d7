package protocol

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRemovePairRemovesTheRequestFirst(t *testing.T) {
	busy := errors.New("busy")
	for name, test := range map[string]struct {
		request error
		want    []string
		err     error
	}{
		"both":           {nil, []string{"x.request", "x.response"}, nil},
		"no request":     {fs.ErrNotExist, []string{"x.request", "x.response"}, nil},
		"request in use": {busy, []string{"x.request"}, busy},
	} {
		var tried []string
		err := RemovePair(func(file string) error {
			tried = append(tried, file)
			if file == "x.request" {
				return test.request
			}
			return nil
		}, "x")
		if diff := cmp.Diff(test.want, tried); diff != "" || !errors.Is(err, test.err) {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}
