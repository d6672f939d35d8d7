package mutantclient

import "github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"

// sending are the defects of sending a request.
var sending = []mutant.Defect{
	{
		Name: "forgets-sender", Requirement: "client-envelope",
		What:   "writes no sender",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "forgets-created", Requirement: "client-envelope",
		What:   "writes no created",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "one-header", Requirement: "client-envelope",
		What:   "sends only one of several headers",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "lowers-sent-values", Requirement: "client-envelope",
		What:   "changes the values of headers to lower case",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "wraps-base64", Requirement: "client-envelope",
		What:   "breaks the lines of a body's base64",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "plain-body", Requirement: "client-envelope",
		What:   "writes a body as text instead of base64",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "empty-is-none", Requirement: "client-envelope",
		What:   "sends an empty body as no body",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "none-is-empty", Requirement: "client-envelope",
		What:   "sends no body as an empty body",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "always-posts", Requirement: "client-envelope",
		What:   "sends POST whatever the method of the call is",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "quarter-hour", Requirement: "client-envelope",
		What:   "writes an expires 15 min after created whatever the expiry of the call is",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "loses-query", Requirement: "client-envelope",
		What:   "drops the query of the url",
		Breaks: []string{"call-envelope"},
	},
	{
		Name: "numbered-ids", Requirement: "client-folder",
		What:   "writes the number of the call as id",
		Breaks: []string{"call-folder"},
	},
	{
		Name: "endpoint-folder", Requirement: "client-folder",
		What:   "writes requests directly in the folder of the endpoint",
		Breaks: []string{"call-folder"},
	},
	{
		Name: "last-segment", Requirement: "client-folder",
		What:   "uses only the last segment of the endpoint",
		Breaks: []string{"call-folder"},
	},
	{
		Name: "lower-folder", Requirement: "client-folder",
		What:   "changes the name of the endpoint's folder to lower case",
		Breaks: []string{"call-folder"},
	},
	{
		Name: "config-app", Requirement: "client-folder",
		What:   "uses its own app instead of the one in the url",
		Breaks: []string{"call-envelope", "call-folder", "call-unique"},
	},
	{
		Name: "query-in-folder", Requirement: "client-folder",
		What:   "takes the query for a part of the endpoint",
		Breaks: []string{"call-folder"},
	},
	{
		Name: "unchecked-url", Requirement: "client-path",
		What:   "does not check the segments of the url",
		Breaks: []string{"always-inside", "call-path"},
	},
	{
		Name: "unchecked-app", Requirement: "client-path",
		What:   "checks the endpoint, but not the datasite and the app",
		Breaks: []string{"always-inside", "call-path"},
	},
	{
		Name: "decodes-late", Requirement: "client-path",
		What:   "checks the segments of the url before it decodes their percent escapes",
		Breaks: []string{"always-inside", "call-path"},
	},
	{
		Name: "counts-stems", Requirement: "client-unique",
		What:   "numbers its requests from 1 at each start",
		Breaks: []string{"call-unique"},
	},
	{
		Name: "checks-requests", Requirement: "client-unique",
		What:   "numbers its requests, and skips a number only if a request has it",
		Breaks: []string{"call-unique"},
	},
	{
		Name: "part-files", Requirement: "client-names",
		What:   "writes temporary files named <stem>.request.part",
		Breaks: []string{"always-request-named"},
	},
	{
		Name: "request-temporaries", Requirement: "client-names",
		What:   "writes temporary files named tmp-<stem>.request",
		Breaks: []string{"always-request-whole"},
	},
	{
		Name: "numbered-temporaries", Requirement: "client-names",
		What:   "writes temporary files named <stem>.request.tmp.123",
		Breaks: []string{"always-request-named"},
	},
	{
		Name: "hidden-temporaries", Requirement: "client-names",
		What:   "writes temporary files named .<stem>.request~",
		Breaks: []string{"always-request-named"},
	},
	{
		Name: "writes-in-place", Requirement: "client-whole",
		What:   "writes requests in place, in two pieces",
		Breaks: []string{"always-request-whole"},
	},
	{
		Name: "never-nudges", Requirement: "client-whole",
		What:   "does not nudge requests",
		Breaks: []string{"call-nudge"},
	},
	{
		Name: "nudges-once", Requirement: "client-whole",
		What:   "does not nudge requests that it sends again",
		Breaks: []string{"call-nudge"},
	},
	{
		Name: "touches", Requirement: "client-whole",
		What:   "changes only the times of a request instead of nudging it",
		Breaks: []string{"call-nudge"},
	},
	{
		Name: "adds-line", Requirement: "client-whole",
		What:   "appends a line break to a request instead of nudging it",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "hasty", Requirement: "client-pace",
		What:   "sends all requests at once",
		Breaks: []string{"call-pace-resend"},
	},
	{
		Name: "keeps-nothing", Requirement: "client-keep",
		What:   "creates no .syftkeep",
		Breaks: []string{"call-keep"},
	},
	{
		Name: "keeps-late", Requirement: "client-keep",
		What:   "creates the .syftkeep only after it has removed a pair",
		Breaks: []string{"call-keep"},
	},
	{
		Name: "keeps-first-folder", Requirement: "client-keep",
		What:   "creates no .syftkeep in a folder that was removed and created again",
		Breaks: []string{"call-keep"},
	},
	{
		Name: "keeps-endpoint", Requirement: "client-keep",
		What:   "creates the .syftkeep in the folder of the endpoint",
		Breaks: []string{"call-keep"},
	},
	{
		Name: "one-call", Requirement: "client-concurrent",
		What:   "sends a request only when the call before it has its result",
		Breaks: []string{"call-concurrent", "call-envelope", "call-pace", "call-unique"},
	},
	{
		Name: "ten-calls", Requirement: "client-concurrent",
		What:   "has at most ten calls in flight",
		Breaks: []string{"call-concurrent", "call-pace", "call-unique"},
	},
	{
		Name: "handle-for-each-call", Requirement: "client-concurrent",
		What:   "keeps a descriptor open for each call in flight",
		Breaks: []string{"call-concurrent"},
	},
	{
		Name: "in-order", Requirement: "client-concurrent",
		What:   "holds results back until all earlier calls have theirs",
		Breaks: []string{"call-concurrent"},
	},
	{
		Name: "rejection-blocks", Requirement: "client-concurrent",
		What:   "reads no more responses after one call was rejected",
		Breaks: []string{"call-done"},
	},
}
