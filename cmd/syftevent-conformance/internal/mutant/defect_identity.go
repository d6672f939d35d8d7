package mutant

import (
	"encoding/json"
	"os"
	"strings"
)

// foldsID reports whether a defect takes an id for the stem because only case differs.
func (s *server) foldsID(id, stem string) bool {
	return s.has("folds-ids") && strings.EqualFold(id, stem)
}

// jsonID returns the id in the envelope of a request, or its stem.
func (s *server) jsonID(file requestFile) string {
	var envelope struct {
		ID string `json:"id"`
	}
	data, err := os.ReadFile(s.path(file.request()))
	if err != nil || json.Unmarshal(data, &envelope) != nil || envelope.ID == "" {
		return file.stem
	}
	return envelope.ID
}

// distrusts reports whether somebody else has written the response to a request.
func (s *server) distrusts(file requestFile) bool {
	var envelope struct {
		Sender string `json:"sender"`
	}
	data, err := os.ReadFile(s.path(file.response()))
	return err == nil && (json.Unmarshal(data, &envelope) != nil || envelope.Sender != s.email)
}

// isFolded reports whether another request has the same path in lower case. server.mu is
// held.
func (s *server) isFolded(name string) bool {
	key := strings.ToLower(name)
	if s.folded[key] == "" {
		s.folded[key] = name
	}
	return s.folded[key] != name
}
