package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// maxValidated is the size in bytes above which IsObject looks at both ends only.
const maxValidated = 4 << 20

var validated = sync.Pool{New: func() any { return new([]byte) }}

// validating bounds how many contents are read at once, of which each takes up to
// maxValidated bytes of memory.
var validating = make(chan struct{}, 4)

// IsObject reports whether content is one complete JSON object, as every response is.
// Of more than 4 MiB, which SyftBox does not carry at once, it reads no more than the
// beginning and the end: what was not written to the disk is missing there, or NULs.
//
// What cannot be read may be one.
func IsObject(content io.ReaderAt, size int64) bool {
	if size > maxValidated {
		var begin, end [64]byte
		_, errBegin := content.ReadAt(begin[:], 0)
		_, errEnd := content.ReadAt(end[:], size-int64(len(end)))
		return failed(errBegin) || failed(errEnd) ||
			bytes.HasPrefix(trimSpace(begin[:]), []byte("{")) && bytes.HasSuffix(trimSpace(end[:]), []byte("}"))
	}
	validating <- struct{}{}
	defer func() { <-validating }()
	buffer := validated.Get().(*[]byte)
	defer validated.Put(buffer)
	if int64(cap(*buffer)) < size {
		*buffer = make([]byte, size)
	}
	data := (*buffer)[:size]
	n, err := content.ReadAt(data, 0)
	if failed(err) {
		return true
	}
	return bytes.HasPrefix(trimSpace(data[:n]), []byte("{")) && Complete(data[:n])
}

// failed reports whether a read has failed, not only met the end.
func failed(err error) bool { return err != nil && !errors.Is(err, io.EOF) }

// trimSpace trims what is white space in JSON.
func trimSpace(data []byte) []byte { return bytes.Trim(data, " \t\r\n") }
