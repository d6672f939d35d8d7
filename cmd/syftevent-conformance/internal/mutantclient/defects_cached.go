package mutantclient

import "github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"

// caching are the defects of cached calls.
var caching = []mutant.Defect{
	{
		Name: "never-caches", Requirement: "client-cached",
		What:   "sends a request for each cached call",
		Breaks: []string{"call-cached", "call-cached-pending"},
	},
	{
		Name: "joins-nothing", Requirement: "client-cached",
		What:   "sends a request for a cached call while an identical one is pending",
		Breaks: []string{"call-cached-pending"},
	},
	{
		Name: "removes-cached", Requirement: "client-cached",
		What:   "removes the pair of a cached call",
		Breaks: []string{"call-cached", "call-cached-pending"},
	},
	{
		Name: "caches-any-body", Requirement: "client-identical",
		What:   "takes cached calls with different bodies for identical",
		Breaks: []string{"call-cached-different"},
	},
	{
		Name: "caches-any-method", Requirement: "client-identical",
		What:   "takes cached calls with different methods for identical",
		Breaks: []string{"call-cached-different"},
	},
	{
		Name: "caches-any-headers", Requirement: "client-identical",
		What:   "takes cached calls with different headers for identical",
		Breaks: []string{"call-cached-different"},
	},
	{
		Name: "caches-any-query", Requirement: "client-identical",
		What:   "takes cached calls whose urls have different queries for identical",
		Breaks: []string{"call-cached-different"},
	},
	{
		Name: "reuses-expired", Requirement: "client-identical",
		What:   "uses the response to a cached call after its request has expired",
		Breaks: []string{"call-cached-expired"},
	},
	{
		Name: "keeps-old-response", Requirement: "client-identical",
		What:   "replaces the expired request of a cached call, and leaves its response",
		Breaks: []string{"call-cached-expired"},
	},
	{
		Name: "reuses-stems", Requirement: "client-identical",
		What:   "takes the late response to an expired cached call for that to the next one",
		Breaks: []string{"call-cached-late"},
	},
}
