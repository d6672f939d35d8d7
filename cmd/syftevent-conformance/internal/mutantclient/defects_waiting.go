package mutantclient

import "github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"

// waiting are the defects of waiting for a response.
var waiting = []mutant.Defect{
	{
		Name: "half-fails", Requirement: "client-read-whole",
		What:   "fails a call at once if its response is incomplete",
		Breaks: []string{"call-pieces", "call-trickle"},
	},
	{
		Name: "half-is-500", Requirement: "client-read-whole",
		What:   "takes an incomplete response for one with status 500",
		Breaks: []string{"call-pieces", "call-trickle"},
	},
	{
		Name: "removes-half", Requirement: "client-read-whole",
		What:   "removes an incomplete response and waits for another",
		Breaks: []string{"call-pieces", "call-trickle"},
	},
	{
		Name: "empty-is-success", Requirement: "client-read-whole",
		What:   "takes an empty file for a response without a body",
		Breaks: []string{"call-pieces"},
	},
	{
		Name: "ends-in-brace", Requirement: "client-read-whole",
		What:   "takes a file that ends in a brace for complete",
		Breaks: []string{"call-pieces"},
	},
	{
		Name: "settles-from-first", Requirement: "client-read-whole",
		What:   "measures the settle time from when it first saw a response",
		Breaks: []string{"call-trickle"},
	},
	{
		Name: "settles-by-length", Requirement: "client-read-whole",
		What:   "takes an incomplete response of the same size for unchanged",
		Breaks: []string{"call-trickle"},
	},
	{
		Name: "follows-response-links", Requirement: "client-links",
		What:   "follows a symbolic link that has the name of a response",
		Breaks: []string{"call-links"},
	},
	{
		Name: "opens-anything", Requirement: "client-links",
		What:   "opens whatever has the name of a response",
		Breaks: []string{"call-links"},
	},
	{
		Name: "folder-ends", Requirement: "client-links",
		What:   "ends when a folder has the name of a response",
		Breaks: []string{"call-links"},
	},
	{
		Name: "expires-early", Requirement: "client-expires",
		What:   "ends calls as expired a second early",
		Breaks: []string{"call-expires"},
	},
	{
		Name: "five-seconds", Requirement: "client-expires",
		What:   "ends calls as expired after 5 s",
		Breaks: []string{"call-expires"},
	},
	{
		Name: "waits-forever", Requirement: "client-expired",
		What:   "never ends a call as expired",
		Breaks: []string{"call-expired"},
	},
	{
		Name: "expires-late", Requirement: "client-expired",
		What:   "ends calls as expired 10 s late",
		Breaks: []string{"call-expired"},
	},
	{
		Name: "leaves-expired", Requirement: "client-expired",
		What:   "leaves expired requests",
		Breaks: []string{"call-expired"},
	},
	{
		Name: "ignores-rejections", Requirement: "client-rejected",
		What:   "ignores all markers of a rejection",
		Breaks: []string{"call-rejected"},
	},
	{
		Name: "untimed-rejections", Requirement: "client-rejected",
		What:   "ignores markers of a rejection with a time",
		Breaks: []string{"call-rejected"},
	},
	{
		Name: "new-markers", Requirement: "client-rejected",
		What:   "ignores the marker of older clients",
		Breaks: []string{"call-rejected"},
	},
	{
		Name: "conflict-rejects", Requirement: "client-rejected",
		What:   "takes the marker of a conflict for a rejection",
		Breaks: []string{"call-patient"},
	},
	{
		Name: "any-rejection", Requirement: "client-rejected",
		What:   "takes the rejection of any request in the folder for that of its own",
		Breaks: []string{"call-done", "call-own"},
	},
	{
		Name: "gives-up-missing", Requirement: "client-patient",
		What:   "gives up as soon as a request is missing",
		Breaks: []string{"call-patient"},
	},
	{
		Name: "gives-up-second", Requirement: "client-patient",
		What:   "gives up when a request is missing for the second time",
		Breaks: []string{"call-pace-resend", "call-resend"},
	},
	{
		Name: "never-resends", Requirement: "client-resend",
		What:   "sends no request again",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "resends-once", Requirement: "client-resend",
		What:   "sends a request again only once",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "resends-hastily", Requirement: "client-resend",
		What:   "sends a request again as soon as it is missing, any number of times",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "resends-conflicts", Requirement: "client-resend",
		What:   "sends a request again that SyftBox has marked as in conflict",
		Breaks: []string{"call-patient"},
	},
	{
		Name: "fresh-id", Requirement: "client-resend",
		What:   "sends a lost request again with another id",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "fresh-bytes", Requirement: "client-resend",
		What:   "sends a lost request again with another created",
		Breaks: []string{"call-resend"},
	},
	{
		Name: "rejected-stays", Requirement: "client-done",
		What:   "waits for calls that were rejected before it ends",
		Breaks: []string{"call-done"},
	},
	{
		Name: "expired-stays", Requirement: "client-done",
		What:   "waits for calls that have expired before it ends",
		Breaks: []string{"call-done"},
	},
}
