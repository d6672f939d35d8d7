package mutant

// Blind are defects that were written without reading the scenarios, in the order of
// SPEC.md. How many of them a suite catches before it is changed says more about it than
// the defects that were written together with their scenarios.
var Blind = []Defect{
	// Sections 2 and 9: layout and permissions.
	{
		Name: "short-senders", Requirement: "layout-sender",
		What:   "ignores senders whose address has more than 64 bytes",
		Breaks: []string{"layout-sender"},
	},
	{
		Name: "glob-senders", Requirement: "layout-sender",
		What:   "ignores senders whose address has a character of a glob pattern",
		Breaks: []string{"proc-senders"},
	},
	{
		Name: "cached-senders", Requirement: "layout-sender",
		What:   "lists the senders of an endpoint only once",
		Breaks: []string{"layout-sender", "detect-websocket"},
	},
	{
		Name: "invisible-senders", Requirement: "identity-folder",
		What:   "runs requests in folders whose name has an invisible character",
		Breaks: []string{"identity-sender"},
	},
	{
		Name: "keeps-top", Requirement: "layout-keep",
		What:   "creates no .syftkeep in the folders of nested endpoints",
		Breaks: []string{"layout-keep-nested"},
	},
	{
		Name: "extends-permissions", Requirement: "layout-permissions-kept",
		What:   "appends its rules to a permission file without them",
		Breaks: []string{"layout-permissions-kept"},
	},
	{
		Name: "prefix-permissions", Requirement: "layout-private",
		What:   "writes a permission file that lets a sender write in folders whose name begins with the sender's",
		Breaks: []string{"layout-private"},
	},
	{
		Name: "constant-email", Requirement: "detect-websocket",
		What:   "serves the datasite of the examples, whatever the configuration says",
		Breaks: []string{"detect-websocket", "publish-beside"}, Broad: true,
	},
	{
		Name: "constant-app", Requirement: "detect-websocket",
		What:   "serves the app of the examples, whatever SYFTEVENT_APP says",
		Breaks: []string{"detect-websocket", "publish-beside"}, Broad: true,
	},
	{
		Name: "first-datasite", Requirement: "layout-sender",
		What:   "serves the first folder of datasites whatever SyftBox's configuration says",
		Breaks: []string{"layout-sender"},
	},

	// Section 3: the envelope.
	{
		Name: "five-digit-years", Requirement: "envelope-response",
		What:   "writes years beyond 9999 with five digits",
		Breaks: []string{"envelope-years"},
	},
	{
		Name: "local-created", Requirement: "envelope-response",
		What:   "writes local time as UTC in \"created\"",
		Breaks: []string{"publish-beside", "envelope-examples"},
	},
	{
		Name: "encodes-in-blocks", Requirement: "envelope-body",
		What:   "encodes response bodies in blocks of 64 KiB, each with padding",
		Breaks: []string{"proc-bodies"},
	},
	{
		Name: "no-zulu", Requirement: "envelope-peers",
		What:   "refuses times with Z",
		Breaks: []string{"envelope-peers"},
	},
	{
		Name: "scalar-unknowns", Requirement: "envelope-lenient",
		What:   "refuses requests with an unknown field that is an object or array",
		Breaks: []string{"envelope-lenient"},
	},
	{
		Name: "text-headers", Requirement: "envelope-invalid",
		What:   "turns header values that are not strings into text",
		Breaks: []string{"envelope-invalid"},
	},
	{
		Name: "sloppy-base64", Requirement: "envelope-invalid",
		What:   "skips characters of bodies that are not of base64",
		Breaks: []string{"envelope-invalid"},
	},
	{
		Name: "whole-expires", Requirement: "envelope-expires",
		What:   "drops the fraction of seconds of \"expires\"",
		Breaks: []string{"envelope-expires"},
	},

	// Section 4: delivery and detection.
	{
		Name: "hour-poll", Requirement: "detect-timely",
		What:   "declares a poll interval of an hour, and scans every 3 s",
		Breaks: []string{"detect-timely"},
	},
	{
		Name: "stops-after-25s", Requirement: "detect-idle",
		What:   "scans for 25 s only",
		Breaks: []string{"detect-idle"},
	},
	{
		Name: "idle-workers", Requirement: "detect-idle",
		What:   "stops scanning after 30 s without a request",
		Breaks: []string{"detect-idle"},
	},
	{
		Name: "lists-1024", Requirement: "detect-burst",
		What:   "lists the first 1,024 names of a folder",
		Breaks: []string{"detect-backlog"},
	},
	{
		Name: "drops-when-busy", Requirement: "detect-burst",
		What:   "ignores requests that arrive while 200 others are in flight",
		Breaks: []string{"detect-backlog"},
	},
	{
		Name: "long-temporaries", Requirement: "detect-stem",
		What:   "makes the name of a temporary file from the stem and a suffix of 40 bytes",
		Breaks: []string{"detect-stems"},
	},
	{
		Name: "first-dot", Requirement: "detect-stem",
		What:   "takes the part of a name before the first dot for the stem",
		Breaks: []string{"detect-stems"},
	},
	{
		Name: "folds-stems", Requirement: "detect-stem",
		What:   "takes stems that differ only in case for the same",
		Breaks: []string{"detect-stems"},
	},
	{
		Name: "hidden-requests", Requirement: "detect-temporary",
		What:   "runs requests whose name begins with a dot",
		Breaks: []string{"detect-temporary"},
	},
	{
		Name: "five-levels", Requirement: "detect-websocket",
		What:   "scans five levels of folders",
		Breaks: []string{"route-api"},
	},
	{
		Name: "type-when-queued", Requirement: "detect-links",
		What:   "checks that a request is a regular file when it queues it, but not when it reads it",
		Breaks: []string{"proc-queued"},
	},

	// Section 5: completeness.
	{
		Name: "last-brace", Requirement: "read-whole",
		What:   "takes a file whose last byte is a brace for complete",
		Breaks: []string{"read-whole"},
	},
	{
		Name: "counts-braces", Requirement: "read-whole",
		What:   "takes a file with as many closing as opening braces for complete",
		Breaks: []string{"read-whole"},
	},
	{
		Name: "cut-character", Requirement: "detect-in-place",
		What:   "never reads a file again that was cut inside of a character",
		Breaks: []string{"read-whole"},
	},
	{
		Name: "settles-by-file", Requirement: "read-whole",
		What:   "measures the settle time from the file's modification time",
		Breaks: []string{"read-whole"},
	},
	{
		Name: "settles-by-size", Requirement: "read-whole",
		What:   "takes a file whose size has not changed for settled",
		Breaks: []string{"read-whole"},
	},
	{
		Name: "first-value", Requirement: "read-settle",
		What:   "runs requests that are followed by something else in the file",
		Breaks: []string{"read-settle"},
	},
	{
		Name: "skips-zero-bytes", Requirement: "read-settle",
		What:   "never answers a file of zero bytes",
		Breaks: []string{"read-settle"},
	},

	// Section 6: identity.
	{
		Name: "prefix-senders", Requirement: "identity-sender",
		What:   "accepts a sender with which the name of the folder begins",
		Breaks: []string{"identity-refuse"},
	},
	{
		Name: "id-temporary", Requirement: "identity-path",
		What:   "names the temporary file by the id in the envelope",
		Breaks: []string{"identity-id"},
	},
	{
		Name: "folds-ids", Requirement: "identity-id",
		What:   "ignores case in ids",
		Breaks: []string{"identity-id"},
	},
	{
		Name: "folds-urls", Requirement: "identity-url",
		What:   "ignores case in urls",
		Breaks: []string{"identity-url"},
	},
	{
		Name: "unescapes-twice", Requirement: "identity-url",
		What:   "decodes percent escapes in urls twice",
		Breaks: []string{"identity-url"},
	},

	// Section 7: processing.
	{
		Name: "ascii-headers", Requirement: "proc-faithful",
		What:   "replaces characters of header values that are not of ASCII",
		Breaks: []string{"proc-faithful"},
	},
	{
		Name: "cuts-at-nul", Requirement: "proc-faithful",
		What:   "cuts bodies at the first zero byte",
		Breaks: []string{"proc-bodies"},
	},
	{
		Name: "empty-for-null", Requirement: "proc-faithful",
		What:   "gives handlers an empty body for none",
		Breaks: []string{"envelope-defaults", "envelope-peers"},
	},
	{
		Name: "reruns-slow", Requirement: "proc-running",
		What:   "runs a request again that is in flight for a second",
		Breaks: []string{"proc-running"},
	},
	{
		Name: "size-memory", Requirement: "proc-new",
		What:   "takes a request of the same name and size for the same",
		Breaks: []string{"proc-new"},
	},
	{
		Name: "gone-in-flight", Requirement: "proc-away",
		What:   "takes a request that was removed while it was queued for in flight for ever",
		Breaks: []string{"proc-queued"},
	},
	{
		Name: "forgets-returned", Requirement: "proc-returned",
		What:   "forgets a request after it has returned once",
		Breaks: []string{"publish-again"},
	},
	{
		Name: "bad-times-kill", Requirement: "proc-survive",
		What:   "stops handling requests after four invalid times",
		Breaks: []string{"proc-corpus"},
	},
	{
		Name: "overflow-dies", Requirement: "proc-survive",
		What:   "ends when a time is beyond the year 9999 in UTC",
		Breaks: []string{"proc-survive"},
	},
	{
		Name: "nul-dies", Requirement: "proc-survive",
		What:   "ends when an id or a url has a zero character",
		Breaks: []string{"proc-corpus"},
	},
	{
		Name: "leaks-refusals", Requirement: "proc-steady",
		What:   "leaves the file of each request open that it refuses",
		Breaks: []string{"proc-steady"},
	},
	{
		Name: "leaks-folders", Requirement: "proc-steady",
		What:   "leaves each folder open that it has listed",
		Breaks: []string{"proc-steady"},
	},
	{
		Name: "grace", Requirement: "proc-expired",
		What:   "runs requests that have expired less than 30 s ago",
		Breaks: []string{"proc-offset"},
	},
	{
		Name: "expiry-when-queued", Requirement: "proc-expired",
		What:   "checks the expiry of a request when it queues it, but not when it runs it",
		Breaks: []string{"proc-expired"},
	},
	{
		Name: "sender-serial", Requirement: "proc-concurrent",
		What:   "runs one request of a sender at a time",
		Breaks: []string{"proc-concurrent"},
	},
	{
		Name: "text-lock", Requirement: "proc-alone",
		What:   "runs beside another server whose configuration spells data_dir differently",
		Breaks: []string{"proc-alone"},
	},
	{
		Name: "early-takeover", Requirement: "proc-takeover",
		What:   "lets another server run requests while its own handlers finish",
		Breaks: []string{"proc-takeover"},
	},
	{
		Name: "never-takes-over", Requirement: "proc-takeover",
		What:   "never runs requests if another server of the app ran at its start",
		Breaks: []string{"proc-takeover"},
	},
	{
		Name: "short-drain", Requirement: "proc-drain",
		What:   "waits for handlers in flight for one second only",
		Breaks: []string{"proc-takeover"},
	},
	{
		Name: "input-no-drain", Requirement: "proc-drain",
		What:   "exits without waiting when standard input ends",
		Breaks: []string{"proc-drain"},
	},

	// Section 8: the response.
	{
		Name: "moves-over", Requirement: "publish-final",
		What:   "moves pairs of the legacy layout over existing files",
		Breaks: []string{"older-path"},
	},
	{
		Name: "distrusts-responses", Requirement: "publish-final",
		What:   "removes responses that another program has written, and answers again",
		Breaks: []string{"publish-late"},
	},
	{
		Name: "nudges-times", Requirement: "publish-nudge",
		What:   "sets the times of a response instead of writing to it",
		Breaks: []string{"publish-nudge"},
	},
	{
		Name: "nudges-with-line", Requirement: "publish-nudge",
		What:   "nudges a response by appending an empty line",
		Breaks: []string{"always-final"},
	},
	{
		Name: "nudges-whole", Requirement: "publish-whole",
		What:   "nudges a response by truncating it and writing it again",
		Breaks: []string{"always-whole"},
	},
	{
		Name: "reencodes-json", Requirement: "publish-faithful",
		What:   "decodes and encodes JSON bodies of responses",
		Breaks: []string{"proc-bodies"},
	},
	{
		Name: "untidy-beaten", Requirement: "publish-tidy",
		What:   "leaves a temporary file behind when a response has appeared meanwhile",
		Breaks: []string{"publish-late"},
	},
	{
		Name: "again-once", Requirement: "publish-again",
		What:   "republishes a response only once",
		Breaks: []string{"publish-again"},
	},
	{
		Name: "keeps-timed-conflicts", Requirement: "publish-orphans",
		What:   "never removes files marked as conflicts with a time",
		Breaks: []string{"publish-orphans"},
	},

	// Section 8: statuses.
	{
		Name: "tells-in-header", Requirement: "fail-text",
		What:   "sends the handler's error to the client in a header",
		Breaks: []string{"fail-text"},
	},
	{
		Name: "status-range", Requirement: "fail-unknown-status",
		What:   "answers with any status from 100 to 599",
		Breaks: []string{"fail-unknown-status"},
	},
	{
		Name: "no-body-500", Requirement: "fail-body",
		What:   "answers with status 500 when a handler expects a body and there is none",
		Breaks: []string{"fail-body"},
	},
	{
		Name: "counts-bodies", Requirement: "fail-size",
		What:   "compares the size of the body, not of the file, with the size limit",
		Breaks: []string{"fail-size-file"},
	},
	{
		Name: "untyped-missing", Requirement: "fail-plain",
		What:   "answers 404 and 405 without a Content-Type",
		Breaks: []string{"fail-plain"},
	},

	// Section 8: routes.
	{
		Name: "some-segments", Requirement: "route-wildcard",
		What:   "does not let ** match no segments",
		Breaks: []string{"route-api"},
	},
	{
		Name: "unescapes-values", Requirement: "route-wildcard",
		What:   "decodes percent escapes in path values",
		Breaks: []string{"route-items"},
	},

	// Section 10: the schema.
	{
		Name: "schema-literals", Requirement: "schema-endpoints",
		What:   "omits endpoints with wildcards from the schema",
		Breaks: []string{"schema-endpoints"},
	},

	// Section 11: cleanup.
	{
		Name: "cleans-by-file", Requirement: "cleanup-pairs",
		What:   "takes the age of a request from its file only",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "unsigned-age", Requirement: "cleanup-recent",
		What:   "takes a request that was created in the future for very old",
		Breaks: []string{"cleanup-recent"},
	},
	{
		Name: "cleans-empty", Requirement: "cleanup-unanswered",
		What:   "removes an old request with an empty response",
		Breaks: []string{"cleanup-unanswered"},
	},
	{
		Name: "cleans-lookalikes", Requirement: "cleanup-foreign",
		What:   "removes old files whose name contains .request or .response",
		Breaks: []string{"cleanup-foreign"},
	},
	{
		Name: "removes-hidden", Requirement: "cleanup-senders",
		What:   "removes sender folders that hold hidden files",
		Breaks: []string{"cleanup-senders"},
	},

	// Section 14: clocks.
	{
		Name: "created-past", Requirement: "clock-created",
		What:   "refuses requests created more than 30 days ago",
		Breaks: []string{"clock-created"},
	},
}
