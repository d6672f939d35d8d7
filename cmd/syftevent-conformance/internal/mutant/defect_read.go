package mutant

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"strconv"
	"time"
)

// isComplete reports whether a file is one complete JSON value.
func (s *server) isComplete(data []byte) bool {
	isObject := bytes.HasPrefix(bytes.TrimSpace(data), []byte("{"))
	switch {
	case s.has("last-brace") && isObject:
		return bytes.HasSuffix(bytes.TrimSpace(data), []byte("}"))
	case s.has("counts-braces") && isObject:
		return bytes.Count(data, []byte("{")) == bytes.Count(data, []byte("}"))
	case s.has("first-value"):
		return firstValue(data) != nil
	}
	return json.Valid(data)
}

// firstValue returns the JSON value at the start of a file, or nil.
func firstValue(data []byte) []byte {
	var value json.RawMessage
	if json.NewDecoder(bytes.NewReader(data)).Decode(&value) != nil {
		return nil
	}
	return value
}

// isOldFile reports whether the modification time of a request is longer ago than the
// settle time.
func (s *server) isOldFile(file requestFile) bool {
	info, err := os.Lstat(s.path(file.request()))
	return err == nil && time.Since(info.ModTime()) >= s.settle
}

// sum returns the hash by which a file is the same as before.
func (f *incompleteFiles) sum(data []byte) [sha256.Size]byte {
	if f.has("settles-by-size") {
		return sizeSum(data)
	}
	return sha256.Sum256(data)
}

// sum returns the hash by which a request is the same as before.
func (s *server) sum(data []byte) [sha256.Size]byte {
	if s.has("size-memory") {
		return sizeSum(data)
	}
	return sha256.Sum256(data)
}

func sizeSum(data []byte) [sha256.Size]byte {
	return sha256.Sum256([]byte(strconv.Itoa(len(data))))
}
