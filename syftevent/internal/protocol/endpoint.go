package protocol

import "strings"

// CleanEndpoint returns the canonical form of an endpoint: a leading slash, no trailing
// and no repeated ones. The root is "/".
func CleanEndpoint(endpoint string) string {
	var b strings.Builder
	for segment := range strings.SplitSeq(endpoint, "/") {
		if segment != "" {
			b.WriteByte('/')
			b.WriteString(segment)
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}
