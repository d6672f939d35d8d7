package protocol

import (
	"errors"
	"io/fs"
)

// RemovePair removes a request and then its response. In the other order, a server that
// finds the request without the response would run it again. If the request cannot be
// removed, the response stays.
func RemovePair(remove func(name string) error, base string) error {
	if err := remove(base + RequestSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return remove(base + ResponseSuffix)
}
