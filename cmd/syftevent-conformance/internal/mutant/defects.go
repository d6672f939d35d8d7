package mutant

import "slices"

// A Defect is one way in which the server can be wrong.
type Defect struct {
	Name string
	// What says what the server does, as a verb phrase: "drops the headers of requests".
	What string
	// Requirement is the id of the requirement of SPEC.md that the defect violates.
	Requirement string
	// Breaks are the ids of the scenarios that must fail. All others must pass.
	Breaks []string
	// Soak reports whether only a soak finds the defect. Breaks is then empty.
	Soak bool
	// Servers is how many servers share the work in that soak. 0 means one, which is alone.
	Servers int
	// Broad allows scenarios other than Breaks to fail: nearly all of them need what the
	// defect breaks.
	Broad bool
}

// A Table is a list of defects.
type Table []Defect

// Find returns the defect with a name.
func (t Table) Find(name string) (Defect, bool) {
	i := slices.IndexFunc(t, func(d Defect) bool { return d.Name == name })
	if i < 0 {
		return Defect{}, false
	}
	return t[i], true
}

// For returns the defects that violate a requirement.
func (t Table) For(requirement string) []Defect {
	return slices.DeleteFunc(slices.Clone(t), func(d Defect) bool { return d.Requirement != requirement })
}

// Defects are all defects: those that scenarios find, and those that only a soak finds.
var Defects Table = slices.Concat(usual, workerDefects, Blind, soakDefects)

// usual are the defects that were written together with their scenarios, in the order of
// SPEC.md.
var usual = []Defect{
	// Sections 2 and 9: layout and permissions.
	{
		Name: "plain-senders", Requirement: "layout-sender",
		What:   "ignores senders whose address has characters other than a to z, 0 to 9 and dots",
		Breaks: []string{"layout-sender", "vectors-faithful", "vectors-refused"},
	},
	{
		Name: "short-domains", Requirement: "layout-sender",
		What:   "ignores senders whose domain ends in more than six letters, or in a digit",
		Breaks: []string{"layout-sender", "vectors-faithful"},
	},
	{
		Name: "no-keep", Requirement: "layout-keep",
		What:   "creates no .syftkeep in endpoint folders",
		Breaks: []string{"layout-keep"},
	},
	{
		Name: "no-sender-keep", Requirement: "layout-keep-sender",
		What:   "creates no .syftkeep in sender folders",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "no-refused-keep", Requirement: "layout-keep-sender",
		What:   "creates no .syftkeep in the folder of a request that it refuses",
		Breaks: []string{"layout-keep-refused"},
	},
	{
		Name: "late-sender-keep", Requirement: "layout-keep-sender",
		What:   "creates a sender folder's .syftkeep only after the response",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "keeps-once", Requirement: "layout-keep-sender",
		What:   "creates no .syftkeep in a sender folder that was removed and created again",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "no-responses", Requirement: "layout-permissions",
		What:   "writes a permission file that grants nobody access to responses",
		Breaks: []string{"layout-permissions"},
	},
	{
		Name: "flat-permissions", Requirement: "layout-permissions",
		What:   "writes a permission file that covers only endpoints of one segment",
		Breaks: []string{"layout-permissions"},
	},
	{
		Name: "no-permissions", Requirement: "layout-permissions",
		What:   "writes no permission file",
		Breaks: []string{"layout-permissions", "schema-public"},
	},
	{
		Name: "open-requests", Requirement: "layout-private",
		What:   "writes a permission file that lets everybody write requests for any sender",
		Breaks: []string{"layout-private"},
	},
	{
		Name: "open-permissions", Requirement: "layout-private",
		What:   "writes a permission file that lets everybody write the permission file",
		Breaks: []string{"layout-private"},
	},
	{
		Name: "fills-permissions", Requirement: "layout-permissions-kept",
		What:   "overwrites an empty permission file",
		Breaks: []string{"layout-permissions-kept"},
	},
	{
		Name: "permissions-in-pieces", Requirement: "layout-whole",
		What:   "writes the permission file in place, in two pieces",
		Breaks: []string{"always-layout"},
	},
	{
		Name: "schema-in-pieces", Requirement: "layout-whole",
		What:   "writes the schema in place, in two pieces",
		Breaks: []string{"always-layout"},
	},
	{
		Name: "overwrites", Requirement: "layout-permissions-kept",
		What:   "overwrites the permission file at each start",
		Breaks: []string{"layout-permissions-kept"},
	},

	// Section 3: the envelope.
	{
		Name: "no-created", Requirement: "envelope-response",
		What:   "omits \"created\" from responses",
		Breaks: []string{"publish-beside", "envelope-examples"},
	},
	{
		Name: "standard-base64", Requirement: "envelope-body",
		What:   "encodes response bodies with the standard base64 alphabet",
		Breaks: []string{"envelope-body", "vectors-faithful"},
	},
	{
		Name: "unpadded", Requirement: "envelope-body",
		What:   "encodes response bodies without base64 padding",
		Breaks: []string{"envelope-body", "vectors-faithful"},
	},
	{
		Name: "none-for-empty", Requirement: "envelope-body",
		What:   "writes an empty body as null",
		Breaks: []string{"envelope-body", "vectors-faithful"},
	},
	{
		Name: "first-plus", Requirement: "envelope-body",
		What:   "replaces only the first plus and the first slash of the standard base64 alphabet",
		Breaks: []string{"envelope-body", "vectors-faithful"},
	},
	{
		Name: "url-safe-only", Requirement: "envelope-lenient",
		What:   "decodes only the URL-safe base64 alphabet",
		Breaks: []string{"envelope-lenient", "vectors-lenient"},
	},
	{
		Name: "padded-only", Requirement: "envelope-lenient",
		What:   "decodes only padded base64",
		Breaks: []string{"envelope-lenient", "vectors-lenient"},
	},
	{
		Name: "microseconds", Requirement: "envelope-peers",
		What:   "refuses times with more than six fractional digits",
		Breaks: []string{"envelope-peers", "vectors-faithful"},
	},
	{
		Name: "body-required", Requirement: "envelope-peers",
		What:   "refuses requests without a body",
		Breaks: []string{"envelope-peers", "envelope-defaults", "envelope-duplicates", "envelope-examples", "vectors-faithful"},
	},
	{
		Name: "strict-fields", Requirement: "envelope-lenient",
		What:   "refuses requests with unknown fields",
		Breaks: []string{"envelope-lenient", "vectors-lenient"},
	},
	{
		Name: "id-required", Requirement: "envelope-defaults",
		What:   "refuses requests without an id",
		Breaks: []string{"envelope-defaults", "envelope-examples", "vectors-lenient"},
	},
	{
		Name: "day-from-created", Requirement: "envelope-defaults",
		What:   "takes a request without an end for expired a day after it was written",
		Breaks: []string{"envelope-defaults", "vectors-times"},
	},
	{
		Name: "post-by-default", Requirement: "envelope-defaults",
		What:   "defaults the method to POST",
		Breaks: []string{"envelope-defaults", "vectors-lenient"},
	},
	{
		Name: "text-times", Requirement: "envelope-times",
		What:   "refuses times that are numbers",
		Breaks: []string{"envelope-times", "vectors-times"},
	},
	{
		Name: "fold-case", Requirement: "envelope-exact",
		What:   "ignores case in field names",
		Breaks: []string{"envelope-exact", "vectors-lenient", "vectors-refused"},
	},
	{
		Name: "first-field", Requirement: "envelope-duplicates",
		What:   "uses the first of duplicate fields",
		Breaks: []string{"envelope-duplicates", "vectors-lenient"},
	},
	{
		Name: "null-keeps", Requirement: "envelope-duplicates",
		What:   "keeps the value of a field that occurs again with null",
		Breaks: []string{"envelope-duplicates", "vectors-lenient"},
	},
	{
		Name: "skips-empty", Requirement: "envelope-invalid",
		What:   "ignores files whose JSON value is empty, zero or false",
		Breaks: []string{"envelope-values", "vectors-refused"},
	},
	{
		Name: "any-method", Requirement: "envelope-invalid",
		What:   "accepts unknown methods",
		Breaks: []string{"envelope-invalid", "vectors-refused"},
	},
	{
		Name: "lenient-times", Requirement: "envelope-invalid",
		What:   "ignores times that it cannot parse",
		Breaks: []string{"envelope-invalid", "vectors-refused"},
	},
	{
		Name: "ignores-invalid", Requirement: "envelope-invalid",
		What:   "does not answer JSON that is not a valid request",
		Breaks: []string{"envelope-invalid", "vectors-malformed", "vectors-refused"},
	},
	{
		Name: "own-url", Requirement: "envelope-url",
		What:   "normalizes the url of responses",
		Breaks: []string{"envelope-url", "vectors-lenient"},
	},
	{
		Name: "own-expires", Requirement: "envelope-expires",
		What:   "sets the expiry of every response to one day",
		Breaks: []string{"envelope-expires", "vectors-lenient", "vectors-times"},
	},

	// Section 4: delivery and detection.
	{
		Name: "once", Requirement: "detect-websocket",
		What:   "scans only once, at start",
		Breaks: []string{"detect-websocket", "detect-blobstore", "detect-in-place", "detect-burst", "detect-folders"}, Broad: true,
	},
	{
		Name: "private-only", Requirement: "detect-blobstore",
		What:   "ignores requests that group or others may read, as those from the blob store are",
		Breaks: []string{"detect-blobstore", "detect-in-place", "detect-folders", "read-whole", "read-settle", "clock-files", "vectors-faithful"},
	},
	{
		Name: "once-read", Requirement: "detect-in-place",
		What:   "never reads an incomplete file again",
		Breaks: []string{"detect-in-place", "read-whole", "read-settle", "cleanup-corrupt", "vectors-malformed"},
	},
	{
		Name: "only-new", Requirement: "detect-waiting",
		What:   "ignores requests that were there before it started",
		Breaks: []string{"detect-waiting", "detect-starting", "layout-sender", "clock-files", "proc-crash", "publish-empty", "cleanup-unanswered", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "start-gap", Requirement: "detect-starting",
		What:   "ignores requests that arrive while it handles those that were there before it started",
		Breaks: []string{"detect-starting"},
	},
	{
		Name: "table-full", Requirement: "detect-burst",
		What:   "handles at most 300 requests",
		Breaks: []string{"detect-burst"},
	},
	{
		Name: "few-waiting", Requirement: "detect-burst",
		What:   "ignores all but 300 of the requests that wait at its start",
		Breaks: []string{"detect-backlog"},
	},
	{
		Name: "loses-thousandth", Requirement: "detect-burst",
		What:   "loses every 1,000th request",
		Breaks: []string{"detect-backlog"},
	},
	{
		Name: "old-folders", Requirement: "detect-folders",
		What:   "keeps listing the old handle of a folder that was removed and created again",
		Breaks: []string{"detect-folders", "detect-root"},
	},
	{
		Name: "old-root", Requirement: "detect-root",
		What:   "keeps listing the old handle of an rpc folder that was removed and created again",
		Breaks: []string{"detect-root"},
	},
	{
		Name: "uuid-only", Requirement: "detect-stem",
		What:   "ignores requests whose stem is not a UUID",
		Breaks: []string{"detect-stems", "vectors-lenient"},
	},
	{
		Name: "ascii-stems", Requirement: "detect-stem",
		What:   "ignores requests whose stem has characters other than those of ASCII",
		Breaks: []string{"detect-stems", "vectors-lenient"},
	},
	{
		Name: "temporary-names", Requirement: "detect-temporary",
		What:   "runs every file whose name contains .request",
		Breaks: []string{"detect-temporary", "vectors-lenient"},
	},
	{
		Name: "marker-words", Requirement: "detect-stem",
		What:   "ignores files whose name contains the word conflict or rejected",
		Breaks: []string{"detect-stems", "vectors-lenient"},
	},
	{
		Name: "markers", Requirement: "detect-markers",
		What:   "runs requests whose name has a rejected or conflict marker",
		Breaks: []string{"detect-markers", "vectors-faithful"},
	},
	{
		Name: "timed-markers", Requirement: "detect-markers",
		What:   "runs requests whose name has a marker followed by a timestamp",
		Breaks: []string{"detect-markers", "vectors-faithful"},
	},
	{
		Name: "old-markers", Requirement: "detect-old-markers",
		What:   "runs requests whose name has a marker of old SyftBox clients",
		Breaks: []string{"detect-old-markers", "vectors-lenient"},
	},
	{
		Name: "deeper", Requirement: "detect-deeper",
		What:   "runs requests in folders below a sender folder",
		Breaks: []string{"detect-deeper", "vectors-lenient"},
	},
	{
		Name: "opens-fifo", Requirement: "detect-special",
		What:   "opens a FIFO named like a request",
		Breaks: []string{"detect-special"},
	},
	{
		Name: "folder-dies", Requirement: "detect-special",
		What:   "exits when a folder is named like a request",
		Breaks: []string{"detect-special"},
	},
	{
		Name: "follow-links", Requirement: "detect-links",
		What:   "follows symbolic links named like a request",
		Breaks: []string{"detect-links"},
	},

	// Section 5: completeness.
	{
		Name: "follows-folders", Requirement: "detect-links",
		What:   "enters symbolic links to folders",
		Breaks: []string{"detect-linked-folders"},
	},
	{
		Name: "half", Requirement: "read-whole",
		What:   "answers incomplete files",
		Breaks: []string{"read-whole", "detect-in-place"},
	},
	{
		Name: "impatient", Requirement: "read-whole",
		What:   "measures the settle time from the first sight of a file instead of its last change",
		Breaks: []string{"read-whole", "detect-in-place"},
	},
	{
		Name: "patient", Requirement: "read-settle",
		What:   "waits forever for the rest of an incomplete file",
		Breaks: []string{"read-settle", "cleanup-corrupt", "vectors-malformed"},
	},

	// Section 6: identity.
	{
		Name: "trust-sender", Requirement: "identity-sender",
		What:   "trusts the sender in the envelope",
		Breaks: []string{"identity-sender", "identity-refuse", "vectors-refused"},
	},
	{
		Name: "mute-sender", Requirement: "identity-refuse",
		What:   "runs a request with a forged sender as the owner of the sender folder",
		Breaks: []string{"identity-refuse", "vectors-refused"},
	},
	{
		Name: "sender-path", Requirement: "identity-path",
		What:   "publishes in the folder of the sender in the envelope",
		Breaks: []string{"identity-path", "identity-refuse", "vectors-refused"},
	},
	{
		Name: "url-path", Requirement: "identity-path",
		What:   "publishes at the path of the url in the envelope",
		Breaks: []string{"identity-path", "identity-url", "vectors-refused"},
	},
	{
		Name: "url-endpoint", Requirement: "identity-path",
		What:   "publishes in the endpoint folder of the url in the envelope",
		Breaks: []string{"identity-path", "identity-url", "vectors-refused"},
	},
	{
		Name: "journals", Requirement: "identity-path",
		What:   "notes the path of each response in a file beside the app's folder",
		Breaks: []string{"identity-path", "publish-beside", "detect-links", "always-confined"},
	},
	{
		Name: "id-path", Requirement: "identity-path",
		What:   "names the response by the id in the envelope",
		Breaks: []string{"identity-path", "identity-id", "vectors-lenient", "vectors-refused"},
	},
	{
		Name: "folds-senders", Requirement: "identity-refuse",
		What:   "takes addresses that are the same after normalization for the same",
		Breaks: []string{"identity-refuse", "vectors-refused"},
	},
	{
		Name: "any-id", Requirement: "identity-id",
		What:   "runs requests whose id differs from the file stem",
		Breaks: []string{"identity-id", "vectors-refused"},
	},
	{
		Name: "exact-id", Requirement: "identity-id",
		What:   "accepts only one spelling of a UUID",
		Breaks: []string{"identity-id", "vectors-lenient"},
	},
	{
		Name: "url-suffix", Requirement: "identity-url",
		What:   "compares only the end of the path of a url with the endpoint",
		Breaks: []string{"identity-url", "vectors-refused"},
	},
	{
		Name: "any-url", Requirement: "identity-url",
		What:   "runs requests whose url names another endpoint",
		Breaks: []string{"identity-url", "vectors-refused"},
	},
	{
		Name: "endpoint-only", Requirement: "identity-url",
		What:   "compares only the endpoint of the url",
		Breaks: []string{"identity-url", "vectors-refused"},
	},
	{
		Name: "literal-url", Requirement: "identity-url",
		What:   "refuses urls with a query, a fragment or escapes",
		Breaks: []string{"identity-url", "proc-faithful", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "vouched-twice", Requirement: "identity-headers",
		What:   "removes only the first spelling of a header that claims an identity",
		Breaks: []string{"identity-headers", "vectors-lenient"},
	},
	{
		Name: "vouched", Requirement: "identity-headers",
		What:   "passes headers that vouch for the sender to the handler",
		Breaks: []string{"identity-headers", "vectors-lenient"},
	},

	// Section 7: processing.
	{
		Name: "split-escapes", Requirement: "proc-faithful",
		What:   "decodes the two escapes of a character separately",
		Breaks: []string{"proc-faithful", "vectors-faithful"},
	},
	{
		Name: "drops-empty-headers", Requirement: "proc-faithful",
		What:   "drops headers with an empty value",
		Breaks: []string{"proc-faithful", "vectors-faithful"},
	},
	{
		Name: "drops-headers", Requirement: "proc-faithful",
		What:   "drops the headers of requests",
		Breaks: []string{"proc-faithful", "publish-faithful", "identity-headers", "envelope-examples", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "drops-query", Requirement: "proc-faithful",
		What:   "drops the query of urls",
		Breaks: []string{"proc-faithful", "vectors-faithful"},
	},
	{
		Name: "whole-numbers", Requirement: "proc-faithful",
		What:   "truncates numbers to integers",
		Breaks: []string{"feature-sum"},
	},
	{
		Name: "text-bodies", Requirement: "proc-faithful",
		What:   "replaces bytes of bodies that are not UTF-8",
		Breaks: []string{"proc-bodies", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "composes", Requirement: "proc-faithful",
		What:   "normalizes the text of bodies",
		Breaks: []string{"proc-bodies", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "trims-bodies", Requirement: "proc-faithful",
		What:   "removes spaces and line ends around bodies",
		Breaks: []string{"proc-bodies", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "unix-lines", Requirement: "proc-faithful",
		What:   "changes line ends in bodies",
		Breaks: []string{"proc-bodies", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "cuts-bodies", Requirement: "proc-faithful",
		What:   "cuts bodies at 2.5 MB of base64",
		Breaks: []string{"proc-bodies"},
	},
	{
		Name: "four-methods", Requirement: "proc-faithful",
		What:   "refuses HEAD and PATCH",
		Breaks: []string{"proc-methods", "vectors-faithful", "vectors-lenient", "vectors-refused"},
	},
	{
		Name: "lower-senders", Requirement: "proc-faithful",
		What:   "gives handlers the sender in lower case",
		Breaks: []string{"proc-senders", "vectors-faithful"},
	},
	{
		Name: "twice", Requirement: "proc-once",
		What:   "runs each request twice",
		Breaks: []string{"proc-once", "proc-alone", "proc-expired", "proc-new", "proc-returned", "publish-again", "clock-created", "proc-restart", "proc-restart-kill", "vectors-faithful", "always-once"},
	},
	{
		Name: "redelivered", Requirement: "proc-once",
		What:   "runs an answered request again when it is delivered again",
		Breaks: []string{"proc-once", "publish-final", "proc-returned"},
	},
	{
		Name: "answers-by-bytes", Requirement: "publish-id",
		What:   "publishes the response to an earlier request with the same bytes",
		Breaks: []string{"publish-twins"},
	},
	{
		Name: "changed-again", Requirement: "proc-once",
		What:   "runs an answered request again, and replaces its response, when its bytes change",
		Breaks: []string{"proc-changed"},
	},
	{
		Name: "mode-again", Requirement: "proc-once",
		What:   "runs an answered request again, and replaces its response, when its mode changes",
		Breaks: []string{"proc-changed"},
	},
	{
		Name: "again-while-running", Requirement: "proc-running",
		What:   "runs a request again that is delivered again while it is run",
		Breaks: []string{"proc-running"},
	},
	{
		Name: "start-again", Requirement: "proc-once",
		What:   "runs answered requests again at start",
		Breaks: []string{"proc-once"},
	},
	{
		Name: "name-memory", Requirement: "proc-new",
		What:   "keys its reply cache by file name alone",
		Breaks: []string{"proc-new"},
	},
	{
		Name: "lost-away", Requirement: "proc-away",
		What:   "drops the response if the request is missing when the handler returns",
		Breaks: []string{"proc-away"},
	},
	{
		Name: "remembers-256", Requirement: "proc-returned",
		What:   "remembers the last 256 requests only",
		Breaks: []string{"proc-returned"},
	},
	{
		Name: "forgets-gone", Requirement: "proc-returned",
		What:   "drops a reply from its cache when the request is removed",
		Breaks: []string{"proc-returned"},
	},
	{
		Name: "naive-dies", Requirement: "proc-survive",
		What:   "exits on a time without an offset",
		Breaks: []string{"proc-survive", "vectors-times"},
	},
	{
		Name: "null-dies", Requirement: "proc-survive",
		What:   "exits on an envelope that is null",
		Breaks: []string{"proc-survive", "vectors-refused"},
	},
	{
		Name: "garbage-start", Requirement: "proc-survive",
		What:   "exits at start on a file that is not JSON",
		Breaks: []string{"proc-survive", "cleanup-corrupt", "vectors-malformed"},
	},
	{
		Name: "keeps-fields", Requirement: "proc-memory",
		What:   "leaks every decoded envelope",
		Breaks: []string{"proc-memory"},
	},
	{
		Name: "deep-dies", Requirement: "proc-survive",
		What:   "ends when JSON is nested deeply",
		Breaks: []string{"proc-corpus", "vectors-malformed"},
	},
	{
		Name: "surrogate-dies", Requirement: "proc-survive",
		What:   "ends when a string has a lone surrogate",
		Breaks: []string{"proc-corpus"},
	},
	{
		Name: "far-expiry-dies", Requirement: "proc-survive",
		What:   "ends when a time is a huge number",
		Breaks: []string{"proc-corpus"},
	},
	{
		Name: "bytes-dies", Requirement: "proc-survive",
		What:   "ends when the name of a file is not UTF-8",
		Breaks: []string{"proc-corpus"},
	},
	{
		Name: "leaks", Requirement: "proc-steady",
		What:   "leaves the file of each request open",
		Breaks: []string{"proc-steady"},
	},
	{
		Name: "stale-lock", Requirement: "proc-crash",
		What:   "does not start if a killed server left its lock",
		Breaks: []string{"proc-crash", "proc-once", "detect-waiting", "proc-restart-kill"},
	},
	{
		Name: "remembers-begun", Requirement: "proc-crash",
		What:   "does not run requests again that were in flight when it was killed",
		Breaks: []string{"proc-crash", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "forgets-on-restart", Requirement: "proc-restart",
		What:   "loses its reply cache on restart",
		Breaks: []string{"proc-restart", "proc-restart-kill"},
	},
	{
		Name: "forgets-large", Requirement: "proc-restart",
		What:   "does not keep responses of more than 64 KB across restarts",
		Breaks: []string{"proc-restart-large"},
	},
	{
		Name: "records-at-end", Requirement: "proc-restart",
		What:   "saves its reply cache only at shutdown",
		Breaks: []string{"proc-restart-kill"},
	},
	{
		Name: "ignores-offset", Requirement: "proc-expired",
		What:   "takes all times of requests for UTC",
		Breaks: []string{"proc-offset", "envelope-expires", "vectors-faithful", "vectors-lenient", "vectors-refused"},
	},
	{
		Name: "half-hours", Requirement: "proc-expired",
		What:   "ignores the minutes of an offset",
		Breaks: []string{"proc-offset", "envelope-expires", "vectors-faithful", "vectors-lenient", "vectors-refused"},
	},
	{
		Name: "local-times", Requirement: "proc-expired",
		What:   "takes a time without an offset for local",
		Breaks: []string{"proc-offset", "envelope-times", "vectors-times"},
	},
	{
		Name: "never-expires", Requirement: "proc-expired",
		What:   "runs expired requests",
		Breaks: []string{"proc-expired", "fail-expired", "vectors-faithful", "vectors-refused", "vectors-times"},
	},
	{
		Name: "one-at-a-time", Requirement: "proc-concurrent",
		What:   "runs one request at a time",
		Breaks: []string{"proc-concurrent"},
	},
	{
		Name: "no-lock", Requirement: "proc-alone",
		What:   "runs beside another server of the same app",
		Breaks: []string{"proc-alone"},
	},
	{
		Name: "epoch-dies", Requirement: "clock-files",
		What:   "ends when a modification time is before 1970",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "zero-time", Requirement: "clock-files",
		What:   "ignores files whose modification time is 0",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "no-drain", Requirement: "proc-drain",
		What:   "exits without waiting for requests in flight",
		Breaks: []string{"proc-drain"},
	},
	{
		Name: "deaf", Requirement: "proc-drain",
		What:   "ignores the signal and the end of input that tell it to stop",
		Breaks: []string{"proc-drain", "detect-waiting"}, Broad: true,
	},

	// Section 8: the response.
	{
		Name: "secret-mode", Requirement: "publish-mode",
		What:   "publishes responses that their owner may not read",
		Breaks: []string{"publish-beside", "always-readable"},
	},
	{
		Name: "one-up", Requirement: "publish-beside",
		What:   "publishes in the endpoint folder instead of the sender folder",
		Breaks: []string{"publish-beside", "proc-faithful"}, Broad: true,
	},
	{
		Name: "own-id", Requirement: "publish-id",
		What:   "gives each response a random id",
		Breaks: []string{"publish-beside", "vectors-faithful"},
	},
	{
		Name: "in-place", Requirement: "publish-whole",
		What:   "writes large responses in place, with a pause",
		Breaks: []string{"publish-whole"},
	},
	{
		Name: "refusals-in-pieces", Requirement: "publish-whole",
		What:   "writes the responses to requests that it refuses in place, in two pieces",
		Breaks: []string{"always-whole"},
	},
	{
		Name: "part-names", Requirement: "publish-names",
		What:   "gives temporary files names that end in .response.part",
		Breaks: []string{"always-named"},
	},
	{
		Name: "response-names", Requirement: "publish-names",
		What:   "gives temporary files names that end in .tmp.response",
		Breaks: []string{"always-named"},
	},
	{
		Name: "rewrites-refusals", Requirement: "publish-final",
		What:   "rewrites the response to a request that it refused",
		Breaks: []string{"always-final"},
	},
	{
		Name: "replaces-late", Requirement: "publish-final",
		What:   "replaces a response that appeared while the handler ran",
		Breaks: []string{"publish-late"},
	},
	{
		Name: "rewrites", Requirement: "publish-final",
		What:   "rewrites a response after it was published",
		Breaks: []string{"publish-final"},
	},
	{
		Name: "head-drops-body", Requirement: "publish-faithful",
		What:   "drops the body of the response to HEAD",
		Breaks: []string{"publish-faithful", "vectors-faithful"},
	},
	{
		Name: "ok-only", Requirement: "publish-faithful",
		What:   "answers with status 200 whatever the handler returns",
		Breaks: []string{"feature-status", "fail-unknown-status"},
	},
	{
		Name: "no-reply-headers", Requirement: "publish-faithful",
		What:   "drops the headers of responses",
		Breaks: []string{"publish-faithful", "proc-faithful", "envelope-examples", "vectors-faithful", "vectors-lenient"},
	},
	{
		Name: "empty-for-none", Requirement: "publish-faithful",
		What:   "writes no body as an empty one",
		Breaks: []string{"feature-empty", "vectors-faithful"},
	},
	{
		Name: "through-links", Requirement: "publish-links",
		What:   "writes through a symbolic link named like the response",
		Breaks: []string{"publish-links"},
	},
	{
		Name: "empty-counts", Requirement: "publish-empty",
		What:   "treats an empty file as a response",
		Breaks: []string{"publish-empty", "publish-empty-late"},
	},
	{
		Name: "late-empty-counts", Requirement: "publish-empty",
		What:   "treats an empty file that appears after start as a response",
		Breaks: []string{"publish-empty-late"},
	},
	{
		Name: "shared-limit", Requirement: "publish-unusable",
		What:   "stops running requests when the names of 8 responses are blocked",
		Breaks: []string{"publish-unusable"},
	},
	{
		Name: "alone", Requirement: "publish-alone",
		What:   "publishes a response whose request is gone",
		Breaks: []string{"publish-alone"},
	},
	{
		Name: "untidy", Requirement: "publish-tidy",
		What:   "leaves its temporary files behind",
		Breaks: []string{"publish-tidy", "cleanup-senders"},
	},
	{
		Name: "no-nudge", Requirement: "publish-nudge",
		What:   "does not nudge responses",
		Breaks: []string{"publish-nudge"},
	},
	{
		Name: "never-again", Requirement: "publish-again",
		What:   "never republishes a response",
		Breaks: []string{"publish-again", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "forgetful", Requirement: "publish-again",
		What:   "runs a request again when its response is missing",
		Breaks: []string{"publish-again", "proc-returned", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "keeps-lone", Requirement: "publish-orphans",
		What:   "never removes orphaned responses",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "lone-at-once", Requirement: "publish-orphans",
		What:   "removes orphaned responses without delay",
		Breaks: []string{"publish-orphans", "cleanup-orphans"},
	},
	{
		Name: "lone-by-file", Requirement: "publish-orphans",
		What:   "measures the orphan delay from the file's modification time",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "counts-on", Requirement: "publish-orphans",
		What:   "does not restart the orphan delay when the request has returned",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "keeps-conflicts", Requirement: "publish-orphans",
		What:   "never removes files that SyftBox marked as conflicts",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "removes-rejected", Requirement: "publish-orphans",
		What:   "removes files that SyftBox marked as rejected",
		Breaks: []string{"publish-orphans"},
	},

	// Section 8: statuses.
	{
		Name: "fail-200", Requirement: "fail-status",
		What:   "answers with status 200 when the handler fails",
		Breaks: []string{"fail-status", "fail-text", "vectors-refused"},
	},
	{
		Name: "silent-failure", Requirement: "fail-status",
		What:   "does not answer when the handler fails",
		Breaks: []string{"fail-status", "fail-text", "vectors-refused"},
	},
	{
		Name: "tells", Requirement: "fail-text",
		What:   "sends the handler's error to the client",
		Breaks: []string{"fail-text"},
	},
	{
		Name: "any-status", Requirement: "fail-unknown-status",
		What:   "answers with statuses that clients reject",
		Breaks: []string{"fail-unknown-status"},
	},
	{
		Name: "body-500", Requirement: "fail-body",
		What:   "answers with status 500 when the handler cannot parse the body",
		Breaks: []string{"fail-body"},
	},
	{
		Name: "no-type", Requirement: "fail-plain",
		What:   "answers errors without a Content-Type",
		Breaks: []string{"fail-plain"},
	},
	{
		Name: "any-size", Requirement: "fail-size",
		What:   "accepts requests of any size",
		Breaks: []string{"fail-size"},
	},
	{
		Name: "silent-expired", Requirement: "fail-expired",
		What:   "does not answer expired requests",
		Breaks: []string{"fail-expired", "vectors-refused", "vectors-times"},
	},

	// Section 8: routes.
	{
		Name: "silent-unknown", Requirement: "route-unknown",
		What:   "does not answer requests to unknown endpoints",
		Breaks: []string{"route-unknown", "vectors-refused"},
	},
	{
		Name: "few-endpoints", Requirement: "route-many",
		What:   "serves at most 127 endpoints",
		Breaks: []string{"route-many"},
	},
	{
		Name: "prefix", Requirement: "route-nested",
		What:   "routes requests to the parent endpoint",
		Breaks: []string{"route-nested"},
	},
	{
		Name: "word-wildcards", Requirement: "route-wildcard",
		What:   "matches a wildcard with letters, digits, dots and underscores only",
		Breaks: []string{"route-items"},
	},
	{
		Name: "literal-wildcards", Requirement: "route-wildcard",
		What:   "does not support wildcards",
		Breaks: []string{"route-api", "route-items", "route-users", "route-specific"},
	},
	{
		Name: "first-route", Requirement: "route-specific",
		What:   "picks the first matching pattern instead of the most specific",
		Breaks: []string{"route-specific"},
	},
	{
		Name: "runs-any-method", Requirement: "route-method",
		What:   "ignores the method of a pattern",
		Breaks: []string{"route-method"},
	},
	{
		Name: "no-allow", Requirement: "route-method",
		What:   "omits the Allow header from 405 responses",
		Breaks: []string{"route-method"},
	},

	// Section 10: the schema.
	{
		Name: "no-schema", Requirement: "schema-file",
		What:   "writes no schema",
		Breaks: []string{"schema-file", "schema-endpoints", "schema-entry"},
	},
	{
		Name: "schema-once", Requirement: "schema-endpoints",
		What:   "writes the schema only if there is none",
		Breaks: []string{"schema-restart"},
	},
	{
		Name: "short-schema", Requirement: "schema-endpoints",
		What:   "omits an endpoint from the schema",
		Breaks: []string{"schema-endpoints"},
	},
	{
		Name: "private-schema", Requirement: "schema-public",
		What:   "makes the schema unreadable",
		Breaks: []string{"schema-public"},
	},
	{
		Name: "open-schema", Requirement: "schema-public",
		What:   "makes the schema writable for everybody",
		Breaks: []string{"schema-public"},
	},
	{
		Name: "bare-entries", Requirement: "schema-entry",
		What:   "describes an endpoint in the schema by a string",
		Breaks: []string{"schema-entry"},
	},

	// Section 11: cleanup.
	{
		Name: "no-cleanup", Requirement: "cleanup-pairs",
		What:   "removes nothing",
		Breaks: []string{"cleanup-pairs", "cleanup-corrupt", "cleanup-orphans", "cleanup-senders"},
	},
	{
		Name: "response-first", Requirement: "cleanup-order",
		What:   "removes the response before the request",
		Breaks: []string{"cleanup-order"},
	},
	{
		Name: "eager", Requirement: "cleanup-recent",
		What:   "removes pairs regardless of the request's age",
		Breaks: []string{"cleanup-recent"},
	},
	{
		Name: "cleans-fresh", Requirement: "cleanup-fresh",
		What:   "removes a new response to an old request",
		Breaks: []string{"cleanup-fresh"},
	},
	{
		Name: "removes-unanswered", Requirement: "cleanup-unanswered",
		What:   "removes old pending requests",
		Breaks: []string{"cleanup-unanswered"},
	},
	{
		Name: "removes-waiting", Requirement: "cleanup-unanswered",
		What:   "removes old pending requests at start",
		Breaks: []string{"cleanup-unanswered"},
	},
	{
		Name: "keeps-orphans", Requirement: "cleanup-orphans",
		What:   "keeps old responses without a request",
		Breaks: []string{"cleanup-orphans"},
	},
	{
		Name: "any-orphan", Requirement: "cleanup-orphans",
		What:   "removes responses without a request regardless of their age",
		Breaks: []string{"cleanup-orphans"},
	},
	{
		Name: "keeps-corrupt", Requirement: "cleanup-corrupt",
		What:   "keeps old requests that are not JSON",
		Breaks: []string{"cleanup-corrupt"},
	},
	{
		Name: "keeps-senders", Requirement: "cleanup-senders",
		What:   "keeps empty sender folders",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "young-senders", Requirement: "cleanup-senders",
		What:   "removes empty sender folders regardless of their age",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "used-senders", Requirement: "cleanup-senders",
		What:   "removes sender folders that hold foreign files",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "removes-foreign", Requirement: "cleanup-foreign",
		What:   "removes old foreign files",
		Breaks: []string{"cleanup-foreign", "cleanup-senders"},
	},

	// Section 12: the legacy layout.
	{
		Name: "older-silent", Requirement: "older-answer",
		What:   "ignores requests in the legacy layout",
		Breaks: []string{"older-answer"},
	},
	{
		Name: "older-moves", Requirement: "older-path",
		What:   "publishes responses to the legacy layout in the folder of the sender in the envelope",
		Breaks: []string{"older-path", "older-answer"},
	},

	// Section 14: clocks.
	{
		Name: "past-files", Requirement: "clock-files",
		What:   "ignores files older than its start",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "future-files", Requirement: "clock-files",
		What:   "ignores files with an mtime in the future",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "created-future", Requirement: "clock-created",
		What:   "refuses requests created in the future",
		Breaks: []string{"clock-created", "cleanup-recent", "vectors-faithful", "vectors-refused", "vectors-times"},
	},

	// Section 19: encryption.
	{
		Name: "crypt-no-document", Requirement: "crypt-document",
		What:   "publishes no DID document",
		Breaks: []string{"crypt-run", "crypt-keep", "crypt-altered"}, Broad: true,
	},
	{
		Name: "crypt-bad-document", Requirement: "crypt-document",
		What:   "publishes a DID document with another address",
		Breaks: []string{"crypt-run", "crypt-keep", "crypt-altered"}, Broad: true,
	},
	{
		Name: "crypt-new-keys", Requirement: "crypt-keep",
		What:   "makes other keys at each start",
		Breaks: []string{"crypt-keep"},
	},
	{
		Name: "crypt-new-prekey", Requirement: "crypt-keep",
		What:   "makes another prekey at each start, and cannot decrypt what waits",
		Breaks: []string{"crypt-keep"},
	},
	{
		Name: "crypt-open-keys", Requirement: "crypt-private",
		What:   "writes the private keys with mode 0644",
		Breaks: []string{"crypt-private"},
	},
	{
		Name: "crypt-body", Requirement: "crypt-run",
		What:   "gives the handler the encrypted body",
		Breaks: []string{"crypt-run"},
	},
	{
		Name: "crypt-plain", Requirement: "crypt-plain",
		What:   "runs requests that are not encrypted on endpoints that demand encryption",
		Breaks: []string{"crypt-plain", "crypt-altered", "crypt-status"},
	},
	{
		Name: "crypt-vouched", Requirement: "crypt-plain",
		What:   "takes a request with the header X-Syft-Decrypted for one that was encrypted",
		Breaks: []string{"crypt-plain"},
	},
	{
		Name: "crypt-as-is", Requirement: "crypt-altered",
		What:   "gives the handler messages that it cannot decrypt",
		Breaks: []string{"crypt-altered", "crypt-receiver", "crypt-sender", "crypt-replay", "crypt-forged", "crypt-changed", "crypt-status", "seal-request", "seal-promise"},
	},
	{
		Name: "crypt-no-tag", Requirement: "crypt-altered",
		What:   "does not check the tag of a message",
		Breaks: []string{"crypt-altered", "crypt-receiver", "crypt-sender", "crypt-status"},
	},
	{
		Name: "crypt-short-tag", Requirement: "crypt-altered",
		What:   "accepts a tag that was shortened",
		Breaks: []string{"crypt-altered", "crypt-status"},
	},
	{
		Name: "crypt-any-receiver", Requirement: "crypt-receiver",
		What:   "runs messages that name another receiver",
		Breaks: []string{"crypt-receiver"},
	},
	{
		Name: "crypt-any-sender", Requirement: "crypt-sender",
		What:   "uses the keys of the sender that the message names, in whatever folder the request is",
		Breaks: []string{"crypt-sender"},
	},
	{
		Name: "crypt-replay", Requirement: "crypt-replay",
		What:   "runs a message as part of several requests",
		Breaks: []string{"crypt-replay"},
	},
	{
		Name: "crypt-replay-forms", Requirement: "crypt-replay",
		What:   "takes a message with an equivalent ephemeral key for another one",
		Breaks: []string{"crypt-replay"},
	},
	{
		Name: "crypt-forgets-messages", Requirement: "crypt-replay",
		What:   "runs a message again as part of another request after a restart",
		Breaks: []string{"crypt-replay"},
	},
	{
		Name: "crypt-any-id", Requirement: "crypt-forged",
		What:   "uses a DID document that was copied from another datasite",
		Breaks: []string{"crypt-forged"},
	},
	{
		Name: "crypt-unsigned", Requirement: "crypt-forged",
		What:   "does not check the signature of a prekey",
		Breaks: []string{"crypt-forged"},
	},
	{
		Name: "crypt-any-key", Requirement: "crypt-changed",
		What:   "uses whatever identity key a DID document has",
		Breaks: []string{"crypt-changed"},
	},
	{
		Name: "crypt-forgets-people", Requirement: "crypt-changed",
		What:   "uses whatever identity key a DID document has after a restart",
		Breaks: []string{"crypt-changed", "seal-promise"},
	},
	{
		Name: "crypt-plain-answer", Requirement: "crypt-answer",
		What:   "answers encrypted requests in plaintext",
		Breaks: []string{"crypt-run", "crypt-fail"}, Broad: true,
	},
	{
		Name: "crypt-answers-owner", Requirement: "crypt-answer",
		What:   "encrypts responses for itself",
		Breaks: []string{"crypt-run", "crypt-fail"}, Broad: true,
	},
	{
		Name: "crypt-plain-fail", Requirement: "crypt-fail",
		What:   "answers in plaintext when a handler has failed",
		Breaks: []string{"crypt-fail", "seal-response"},
	},
	{
		Name: "crypt-status", Requirement: "crypt-status",
		What:   "answers messages that it refuses with status 500",
		Breaks: []string{"crypt-status"},
	},
	{
		Name: "seal-ignored", Requirement: "seal-request",
		What:   "does not check seals",
		Breaks: []string{"seal-request", "seal-promise"},
	},
	{
		Name: "seal-method", Requirement: "seal-request",
		What:   "does not notice that the method was changed after the seal was made",
		Breaks: []string{"seal-request"},
	},
	{
		Name: "seal-headers", Requirement: "seal-request",
		What:   "does not notice a header that was added after the seal was made",
		Breaks: []string{"seal-request"},
	},
	{
		Name: "seal-any-iv", Requirement: "seal-request",
		What:   "does not notice that a seal was removed",
		Breaks: []string{"seal-request"},
	},
	{
		Name: "seal-stripped", Requirement: "seal-promise",
		What:   "checks a seal only if there is one",
		Breaks: []string{"seal-request", "seal-promise"},
	},
	{
		Name: "seal-promise-now", Requirement: "seal-promise",
		What:   "goes by the promise in the present DID document only",
		Breaks: []string{"seal-promise"},
	},
	{
		Name: "seal-forgets-promises", Requirement: "seal-promise",
		What:   "forgets promises to seal when it restarts",
		Breaks: []string{"seal-promise"},
	},
	{
		Name: "seal-no-response", Requirement: "seal-response",
		What:   "does not seal responses",
		Breaks: []string{"seal-response"},
	},
}
