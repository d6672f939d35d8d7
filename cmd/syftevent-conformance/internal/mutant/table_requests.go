package mutant

// layoutDefects are of sections 2 and 9, layout and permissions.
var layoutDefects = []Defect{
	{
		Name: "plain-senders", Requirement: "layout-sender",
		What:   "answers only senders whose addresses are of small letters, digits and dots",
		Breaks: []string{"layout-sender"},
	},
	{
		Name: "no-keep", Requirement: "layout-keep",
		What:   "makes no .syftkeep",
		Breaks: []string{"layout-keep"},
	},
	{
		Name: "no-sender-keep", Requirement: "layout-keep-sender",
		What:   "puts no .syftkeep into the folder of a sender",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "late-sender-keep", Requirement: "layout-keep-sender",
		What:   "puts a .syftkeep into the folder of a sender after the response",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "keeps-once", Requirement: "layout-keep-sender",
		What:   "puts no .syftkeep into a sender's folder that was removed and made again",
		Breaks: []string{"layout-keep-sender"},
	},
	{
		Name: "no-responses", Requirement: "layout-permissions",
		What:   "writes permissions that let nobody read responses",
		Breaks: []string{"layout-permissions"},
	},
	{
		Name: "flat-permissions", Requirement: "layout-permissions",
		What:   "writes permissions for endpoints of one folder only",
		Breaks: []string{"layout-permissions"},
	},
	{
		Name: "no-permissions", Requirement: "layout-permissions",
		What:   "writes no permissions",
		Breaks: []string{"layout-permissions", "schema-public"},
	},
	{
		Name: "open-requests", Requirement: "layout-private",
		What:   "writes permissions that let everybody write requests in all folders",
		Breaks: []string{"layout-private"},
	},
	{
		Name: "open-permissions", Requirement: "layout-private",
		What:   "writes permissions that let everybody write the permissions",
		Breaks: []string{"layout-private"},
	},
	{
		Name: "overwrites", Requirement: "layout-permissions-kept",
		What:   "writes the permissions anew at each start",
		Breaks: []string{"layout-permissions-kept"},
	},
}

// envelopeDefects are of section 3, the envelope.
var envelopeDefects = []Defect{
	{
		Name: "no-created", Requirement: "envelope-response",
		What:   "leaves a field out of the response",
		Breaks: []string{"publish-beside", "envelope-examples"},
	},
	{
		Name: "standard-base64", Requirement: "envelope-body",
		What:   "writes bodies in the standard alphabet of base64",
		Breaks: []string{"envelope-body"},
	},
	{
		Name: "unpadded", Requirement: "envelope-body",
		What:   "writes bodies without padding",
		Breaks: []string{"envelope-body"},
	},
	{
		Name: "none-for-empty", Requirement: "envelope-body",
		What:   "writes an empty body as none",
		Breaks: []string{"envelope-body"},
	},
	{
		Name: "url-safe-only", Requirement: "envelope-lenient",
		What:   "reads bodies in the URL-safe alphabet only",
		Breaks: []string{"envelope-lenient"},
	},
	{
		Name: "padded-only", Requirement: "envelope-lenient",
		What:   "reads bodies with padding only",
		Breaks: []string{"envelope-lenient"},
	},
	{
		Name: "microseconds", Requirement: "envelope-peers",
		What:   "reads times with six digits of fraction at most",
		Breaks: []string{"envelope-peers"},
	},
	{
		Name: "body-required", Requirement: "envelope-peers",
		What:   "refuses requests without a body",
		Breaks: []string{"envelope-peers", "envelope-defaults", "envelope-duplicates", "envelope-examples"},
	},
	{
		Name: "strict-fields", Requirement: "envelope-lenient",
		What:   "refuses fields that it does not know",
		Breaks: []string{"envelope-lenient"},
	},
	{
		Name: "id-required", Requirement: "envelope-defaults",
		What:   "refuses requests without an id",
		Breaks: []string{"envelope-defaults", "envelope-examples"},
	},
	{
		Name: "post-by-default", Requirement: "envelope-defaults",
		What:   "takes a request without a method for a POST",
		Breaks: []string{"envelope-defaults"},
	},
	{
		Name: "fold-case", Requirement: "envelope-exact",
		What:   "tells no upper from lower case in the names of fields",
		Breaks: []string{"envelope-exact"},
	},
	{
		Name: "first-field", Requirement: "envelope-duplicates",
		What:   "takes the first of a field that stands twice",
		Breaks: []string{"envelope-duplicates"},
	},
	{
		Name: "any-method", Requirement: "envelope-invalid",
		What:   "runs requests with methods that do not exist",
		Breaks: []string{"envelope-invalid"},
	},
	{
		Name: "lenient-times", Requirement: "envelope-invalid",
		What:   "takes a time that it cannot read for none",
		Breaks: []string{"envelope-invalid"},
	},
	{
		Name: "ignores-invalid", Requirement: "envelope-invalid",
		What:   "does not answer what is JSON but no request",
		Breaks: []string{"envelope-invalid"},
	},
	{
		Name: "own-url", Requirement: "envelope-url",
		What:   "writes the url of a response in its own form",
		Breaks: []string{"envelope-url"},
	},
	{
		Name: "own-expires", Requirement: "envelope-expires",
		What:   "lets every response expire in a day",
		Breaks: []string{"envelope-expires"},
	},
}

// detectDefects are of section 4, delivery and detection.
var detectDefects = []Defect{
	{
		Name: "once", Requirement: "detect-websocket",
		What:   "looks for requests once, when it starts",
		Breaks: []string{"detect-websocket", "detect-blobstore", "detect-in-place", "detect-burst", "detect-folders"}, Broad: true,
	},
	{
		Name: "private-only", Requirement: "detect-blobstore",
		What: "passes over files that others may read, as those from the blob store are",
		Breaks: []string{
			"detect-blobstore", "detect-in-place", "detect-folders", "read-whole", "read-settle", "clock-files",
		},
	},
	{
		Name: "once-read", Requirement: "detect-in-place",
		What:   "never looks again at a file that was not complete",
		Breaks: []string{"detect-in-place", "read-whole", "read-settle", "cleanup-corrupt"},
	},
	{
		Name: "only-new", Requirement: "detect-waiting",
		What:   "passes over what is there when it starts",
		Breaks: []string{"detect-waiting", "detect-starting", "layout-sender", "clock-files", "proc-crash", "publish-empty", "cleanup-unanswered", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "start-gap", Requirement: "detect-starting",
		What:   "passes over what comes while it deals with what is there when it starts",
		Breaks: []string{"detect-starting"},
	},
	{
		Name: "table-full", Requirement: "detect-burst",
		What:   "has room for 300 requests",
		Breaks: []string{"detect-burst"},
	},
	{
		Name: "old-folders", Requirement: "detect-folders",
		What:   "holds on to a folder that was removed",
		Breaks: []string{"detect-folders", "detect-root"},
	},
	{
		Name: "old-root", Requirement: "detect-root",
		What:   "holds on to the rpc folder when it was removed",
		Breaks: []string{"detect-root"},
	},
	{
		Name: "temporary-names", Requirement: "detect-temporary",
		What:   "runs every file that has .request in its name",
		Breaks: []string{"detect-temporary"},
	},
	{
		Name: "markers", Requirement: "detect-markers",
		What:   "runs requests with markers",
		Breaks: []string{"detect-markers"},
	},
	{
		Name: "timed-markers", Requirement: "detect-markers",
		What:   "runs requests with a time behind the marker",
		Breaks: []string{"detect-markers"},
	},
	{
		Name: "old-markers", Requirement: "detect-old-markers",
		What:   "runs requests with the markers of older clients",
		Breaks: []string{"detect-old-markers"},
	},
	{
		Name: "deeper", Requirement: "detect-deeper",
		What:   "runs requests in folders below that of a sender",
		Breaks: []string{"detect-deeper"},
	},
	{
		Name: "opens-fifo", Requirement: "detect-special",
		What:   "reads a FIFO",
		Breaks: []string{"detect-special"},
	},
	{
		Name: "folder-dies", Requirement: "detect-special",
		What:   "dies of a folder with the name of a request",
		Breaks: []string{"detect-special"},
	},
	{
		Name: "follow-links", Requirement: "detect-links",
		What:   "follows symbolic links with the name of a request",
		Breaks: []string{"detect-links"},
	},
}

// readDefects are of section 5, completeness.
var readDefects = []Defect{
	{
		Name: "half", Requirement: "read-whole",
		What:   "answers a file of which a part has arrived",
		Breaks: []string{"read-whole", "detect-in-place"},
	},
	{
		Name: "impatient", Requirement: "read-whole",
		What:   "counts the settle time from the first byte",
		Breaks: []string{"read-whole", "detect-in-place"},
	},
	{
		Name: "patient", Requirement: "read-settle",
		What:   "waits for the rest of a file for ever",
		Breaks: []string{"read-settle", "cleanup-corrupt"},
	},
}

// identityDefects are of section 6, identity.
var identityDefects = []Defect{
	{
		Name: "trust-sender", Requirement: "identity-sender",
		What:   "believes the sender in the file",
		Breaks: []string{"identity-sender", "identity-refuse"},
	},
	{
		Name: "mute-sender", Requirement: "identity-refuse",
		What:   "runs a request of a forged sender as the folder's",
		Breaks: []string{"identity-refuse"},
	},
	{
		Name: "sender-path", Requirement: "identity-path",
		What:   "answers in the folder of the sender in the file",
		Breaks: []string{"identity-path", "identity-refuse"},
	},
	{
		Name: "url-path", Requirement: "identity-path",
		What:   "answers where the url leads",
		Breaks: []string{"identity-path", "identity-url"},
	},
	{
		Name: "url-endpoint", Requirement: "identity-path",
		What:   "answers in the folder of the endpoint in the url",
		Breaks: []string{"identity-path", "identity-url"},
	},
	{
		Name: "id-path", Requirement: "identity-path",
		What:   "names the response by the id in the file",
		Breaks: []string{"identity-path", "identity-id"},
	},
	{
		Name: "any-id", Requirement: "identity-id",
		What:   "runs a request whose id is not its stem",
		Breaks: []string{"identity-id"},
	},
	{
		Name: "exact-id", Requirement: "identity-id",
		What:   "knows one form of a UUID only",
		Breaks: []string{"identity-id"},
	},
	{
		Name: "any-url", Requirement: "identity-url",
		What:   "runs a request whose url leads elsewhere",
		Breaks: []string{"identity-url"},
	},
	{
		Name: "endpoint-only", Requirement: "identity-url",
		What:   "compares no more of a url than its endpoint",
		Breaks: []string{"identity-url"},
	},
	{
		Name: "literal-url", Requirement: "identity-url",
		What:   "refuses urls with a query or escapes",
		Breaks: []string{"identity-url", "proc-faithful"},
	},
	{
		Name: "vouched", Requirement: "identity-headers",
		What:   "hands on headers that vouch for the sender",
		Breaks: []string{"identity-headers"},
	},
}
