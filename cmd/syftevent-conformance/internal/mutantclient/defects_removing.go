package mutantclient

import "github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"

// removing are the defects of removing files, and of a restart.
var removing = []mutant.Defect{
	{
		Name: "responses-first", Requirement: "client-order",
		What:   "removes responses before requests",
		Breaks: []string{"always-ordered"},
	},
	{
		Name: "collects-responses-first", Requirement: "client-order",
		What:   "removes responses before requests when a pair comes back",
		Breaks: []string{"always-ordered"},
	},
	{
		Name: "removes-responses", Requirement: "client-own",
		What:   "removes all responses in its folder when a call ends",
		Breaks: []string{"call-own"},
	},
	{
		Name: "removes-older", Requirement: "client-own",
		What:   "removes all requests and responses that its folder contains at its first call",
		Breaks: []string{"call-own"},
	},
	{
		Name: "removes-temporaries", Requirement: "client-own",
		What:   "removes all temporary files in its folder when a call ends",
		Breaks: []string{"call-own"},
	},
	{
		Name: "removes-markers", Requirement: "client-own",
		What:   "removes all marked files in its folder when a call ends",
		Breaks: []string{"call-own"},
	},
	{
		Name: "removes-folder", Requirement: "client-own",
		What:   "removes its folder with all files after its last call",
		Breaks: []string{"call-own"},
	},
	{
		Name: "never-collects", Requirement: "client-collect",
		What:   "leaves all files that come back",
		Breaks: []string{"call-collect"},
	},
	{
		Name: "collects-once", Requirement: "client-collect",
		What:   "removes only the first files of a pair that come back",
		Breaks: []string{"call-collect"},
	},
	{
		Name: "collects-requests", Requirement: "client-collect",
		What:   "leaves responses that come without their request",
		Breaks: []string{"call-collect"},
	},
	{
		Name: "collects-briefly", Requirement: "client-collect",
		What:   "leaves files that come back after more than 5 s",
		Breaks: []string{"call-collect"},
	},
	{
		Name: "forgets-given-up", Requirement: "client-collect",
		What:   "leaves late responses to requests that it has given up",
		Breaks: []string{"call-collect"},
	},
	{
		Name: "leftovers-end", Requirement: "client-restart",
		What:   "ends if its folder contains an incomplete request",
		Breaks: []string{"call-restart"},
	},
	{
		Name: "leftover-lock", Requirement: "client-restart",
		What:   "sends no requests while its folder contains the lock of a killed client",
		Breaks: []string{"call-restart"},
	},
}
