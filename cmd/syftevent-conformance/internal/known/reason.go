package known

import (
	"regexp"
	"strings"
	"sync"
)

// mostReason limits a new reason, in bytes.
const mostReason = 400

// placeholders replace what differs between two runs against the same server: ids, addresses,
// the app, times and the folder of the run.
var placeholders = sync.OnceValue(func() []placeholder {
	return []placeholder{
		{regexp.MustCompile(`[^\s"']*syftevent-conformance-\d+`), "DIR"},
		{regexp.MustCompile(`app_data/[^\s/"']+`), "app_data/APP"},
		{regexp.MustCompile(`[^\s/"':]+@[^\s/"':,;]+`), "ADDRESS"},
		{regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`), "ID"},
		{regexp.MustCompile(`\b[0-9a-fA-F]{16,}\b`), "ID"},
		{regexp.MustCompile(`\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.]*(Z|[+-]\d\d:?\d\d)?`), "TIME"},
	}
})

type placeholder struct {
	pattern *regexp.Regexp
	word    string
}

// reason converts any text to a reason: one line that is the same in the next run.
func reason(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
	for _, p := range placeholders() {
		text = p.pattern.ReplaceAllLiteralString(text, p.word)
	}
	if len(text) > mostReason {
		text = strings.ToValidUTF8(text[:mostReason], "") + "…"
	}
	if text == "" {
		return "failed"
	}
	return text
}
