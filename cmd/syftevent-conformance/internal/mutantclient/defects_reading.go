package mutantclient

import "github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"

// reading are the defects of reading a response.
var reading = []mutant.Defect{
	{
		Name: "loses-headers", Requirement: "client-faithful",
		What:   "drops the headers of responses",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "lowers-received-values", Requirement: "client-faithful",
		What:   "changes the values of a response's headers to lower case",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "cuts-at-64k", Requirement: "client-faithful",
		What:   "cuts bodies of responses at 64 KiB",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "stops-at-nul", Requirement: "client-faithful",
		What:   "cuts bodies of responses at a NUL",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "loses-empty-body", Requirement: "client-faithful",
		What:   "returns an empty body as no body",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "trims-results", Requirement: "client-faithful",
		What:   "removes white space around bodies of responses",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "returns-text", Requirement: "client-faithful",
		What:   "replaces bytes of bodies that are not UTF-8",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "hides-error-bodies", Requirement: "client-faithful",
		What:   "drops the body of a response with status 400 or above",
		Breaks: []string{"call-faithful"},
	},
	{
		Name: "swaps-results", Requirement: "client-faithful",
		What:   "gives two responses that are found together to the wrong calls",
		Breaks: []string{"call-pieces", "call-trickle"},
	},
	{
		Name: "requires-padding", Requirement: "client-lenient",
		What:   "refuses base64 without padding",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "knows-standard", Requirement: "client-lenient",
		What:   "refuses URL-safe base64",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "knows-url-safe", Requirement: "client-lenient",
		What:   "refuses standard base64",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "requires-body", Requirement: "client-lenient",
		What:   "refuses a body that is null",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "known-members", Requirement: "client-lenient",
		What:   "refuses responses with unknown members",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "requires-offsets", Requirement: "client-lenient",
		What:   "refuses times with Z",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "short-fractions", Requirement: "client-lenient",
		What:   "refuses times with more than six fractional digits",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "any-response-id", Requirement: "client-forged",
		What:   "does not check the id of a response",
		Breaks: []string{"call-forged"},
	},
	{
		Name: "any-response-sender", Requirement: "client-forged",
		What:   "does not check the sender of a response",
		Breaks: []string{"call-forged"},
	},
	{
		Name: "any-response-url", Requirement: "client-forged",
		What:   "does not check the url of a response",
		Breaks: []string{"call-forged"},
	},
	{
		Name: "url-beginning", Requirement: "client-forged",
		What:   "accepts a url of a response that only begins with that of the request",
		Breaks: []string{"call-forged"},
	},
	{
		Name: "exact-case", Requirement: "client-forged",
		What:   "compares id, sender and url of a response case-sensitively",
		Breaks: []string{"call-lenient"},
	},
	{
		Name: "table-of-statuses", Requirement: "client-status",
		What:   "refuses statuses that the Python package does not know",
		Breaks: []string{"call-status"},
	},
	{
		Name: "errors-fail", Requirement: "client-status",
		What:   "reports a response with status 400 or above as an error",
		Breaks: []string{"call-status"},
	},
	{
		Name: "no-size-limit", Requirement: "client-limit",
		What:   "reads responses of any size",
		Breaks: []string{"call-limit"},
	},
	{
		Name: "limit-ends", Requirement: "client-limit",
		What:   "ends when a response is too large",
		Breaks: []string{"call-limit"},
	},
}
