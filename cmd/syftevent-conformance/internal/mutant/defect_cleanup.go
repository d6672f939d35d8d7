package mutant

import "strings"

// removesForeign reports whether a defect makes cleanup remove a foreign file.
func (s *server) removesForeign(name string) bool {
	lookalike := strings.Contains(name, requestSuffix) || strings.Contains(name, responseSuffix)
	return s.has("removes-foreign") || s.has("cleans-lookalikes") && lookalike
}
