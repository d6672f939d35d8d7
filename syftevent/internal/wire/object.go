package wire

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// maxValidated is the size in bytes above which IsObject reads only both ends.
const maxValidated = 4 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// validations limits concurrent validations. Each uses up to maxValidated bytes of memory.
var validations = make(chan struct{}, 4)

// IsObject reports whether content is one complete JSON object, as a response has to be.
// If size exceeds 4 MiB, which SyftBox does not carry at once, IsObject checks only the
// beginning and the end: data that did not reach the disk is missing there, or is NULs.
//
// It returns true if content cannot be read.
func IsObject(content io.ReaderAt, size int64) bool {
	if size > maxValidated {
		var begin, end [64]byte
		_, errBegin := content.ReadAt(begin[:], 0)
		_, errEnd := content.ReadAt(end[:], size-int64(len(end)))
		return failed(errBegin) || failed(errEnd) ||
			bytes.HasPrefix(trimSpace(begin[:]), []byte("{")) && bytes.HasSuffix(trimSpace(end[:]), []byte("}"))
	}
	validations <- struct{}{}
	defer func() { <-validations }()
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
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

// failed reports whether err is an error other than io.EOF.
func failed(err error) bool { return err != nil && !errors.Is(err, io.EOF) }

// trimSpace trims JSON white space.
func trimSpace(data []byte) []byte { return bytes.Trim(data, " \t\r\n") }
