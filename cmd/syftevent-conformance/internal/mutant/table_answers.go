package mutant

// processDefects are of section 7, processing.
var processDefects = []Defect{
	{
		Name: "drops-headers", Requirement: "proc-faithful",
		What:   "hands no headers to the handler",
		Breaks: []string{"proc-faithful", "publish-faithful", "identity-headers", "envelope-examples"},
	},
	{
		Name: "drops-query", Requirement: "proc-faithful",
		What:   "hands the url to the handler without its query",
		Breaks: []string{"proc-faithful"},
	},
	{
		Name: "whole-numbers", Requirement: "proc-faithful",
		What:   "reads numbers without their fraction",
		Breaks: []string{"feature-sum"},
	},
	{
		Name: "twice", Requirement: "proc-once",
		What:   "runs each request twice",
		Breaks: []string{"proc-once", "proc-alone", "proc-expired", "proc-new", "proc-returned", "publish-again", "clock-created", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "redelivered", Requirement: "proc-once",
		What:   "runs a request again that is delivered again",
		Breaks: []string{"proc-once", "publish-final", "proc-returned"},
	},
	{
		Name: "start-again", Requirement: "proc-once",
		What:   "runs what is answered again when it starts",
		Breaks: []string{"proc-once"},
	},
	{
		Name: "name-memory", Requirement: "proc-new",
		What:   "takes a new request for an old one of the same name",
		Breaks: []string{"proc-new"},
	},
	{
		Name: "lost-away", Requirement: "proc-away",
		What:   "drops the response to a request that was taken away while it was run",
		Breaks: []string{"proc-away"},
	},
	{
		Name: "forgets-gone", Requirement: "proc-returned",
		What:   "forgets what it has answered when the request goes",
		Breaks: []string{"proc-returned"},
	},
	{
		Name: "naive-dies", Requirement: "proc-survive",
		What:   "dies of a time without an offset",
		Breaks: []string{"proc-survive"},
	},
	{
		Name: "null-dies", Requirement: "proc-survive",
		What:   "dies of a file that is null",
		Breaks: []string{"proc-survive"},
	},
	{
		Name: "garbage-start", Requirement: "proc-survive",
		What:   "dies when it starts of a file that is no JSON",
		Breaks: []string{"proc-survive", "cleanup-corrupt"},
	},
	{
		Name: "keeps-fields", Requirement: "proc-memory",
		What:   "keeps all that it has decoded",
		Breaks: []string{"proc-memory"},
	},
	{
		Name: "stale-lock", Requirement: "proc-crash",
		What:   "does not start after it was killed",
		Breaks: []string{"proc-crash", "proc-once", "detect-waiting", "proc-restart-kill"},
	},
	{
		Name: "remembers-begun", Requirement: "proc-crash",
		What:   "does not run what was begun before it was killed",
		Breaks: []string{"proc-crash", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "forgets-on-restart", Requirement: "proc-restart",
		What:   "keeps no record of what it has answered",
		Breaks: []string{"proc-restart", "proc-restart-kill"},
	},
	{
		Name: "records-at-end", Requirement: "proc-restart",
		What:   "records what it has answered when it stops",
		Breaks: []string{"proc-restart-kill"},
	},
	{
		Name: "never-expires", Requirement: "proc-expired",
		What:   "runs requests that have expired",
		Breaks: []string{"proc-expired", "fail-expired"},
	},
	{
		Name: "one-at-a-time", Requirement: "proc-concurrent",
		What:   "runs one request after the other",
		Breaks: []string{"proc-concurrent"},
	},
	{
		Name: "no-lock", Requirement: "proc-alone",
		What:   "runs beside another server of the app",
		Breaks: []string{"proc-alone"},
	},
	{
		Name: "no-drain", Requirement: "proc-drain",
		What:   "ends in the middle of its work",
		Breaks: []string{"proc-drain"},
	},
	{
		Name: "deaf", Requirement: "proc-drain",
		What:   "goes on when it is told to stop",
		Breaks: []string{"proc-drain", "detect-waiting"}, Broad: true,
	},
}

// publishDefects are of section 8, the response.
var publishDefects = []Defect{
	{
		Name: "one-up", Requirement: "publish-beside",
		What:   "answers in the folder of the endpoint",
		Breaks: []string{"publish-beside", "proc-faithful"}, Broad: true,
	},
	{
		Name: "own-id", Requirement: "publish-id",
		What:   "gives the response an id of its own",
		Breaks: []string{"publish-beside"},
	},
	{
		Name: "in-place", Requirement: "publish-whole",
		What:   "writes large responses in their place, with a pause",
		Breaks: []string{"publish-whole"},
	},
	{
		Name: "rewrites", Requirement: "publish-final",
		What:   "writes a response again, some time later",
		Breaks: []string{"publish-final"},
	},
	{
		Name: "ok-only", Requirement: "publish-faithful",
		What:   "answers with status 200 whatever the handler says",
		Breaks: []string{"feature-status", "fail-unknown-status"},
	},
	{
		Name: "no-reply-headers", Requirement: "publish-faithful",
		What:   "drops the headers of the handler",
		Breaks: []string{"publish-faithful", "proc-faithful", "envelope-examples"},
	},
	{
		Name: "empty-for-none", Requirement: "publish-faithful",
		What:   "writes no body as an empty one",
		Breaks: []string{"feature-empty"},
	},
	{
		Name: "through-links", Requirement: "publish-links",
		What:   "writes through a link in the place of a response",
		Breaks: []string{"publish-links"},
	},
	{
		Name: "empty-counts", Requirement: "publish-empty",
		What:   "takes an empty file for a response",
		Breaks: []string{"publish-empty", "publish-empty-late"},
	},
	{
		Name: "late-empty-counts", Requirement: "publish-empty",
		What:   "takes an empty file that appears while it runs for a response",
		Breaks: []string{"publish-empty-late"},
	},
	{
		Name: "shared-limit", Requirement: "publish-unusable",
		What:   "runs nothing any more when too many responses have no name",
		Breaks: []string{"publish-unusable"},
	},
	{
		Name: "alone", Requirement: "publish-alone",
		What:   "publishes a response though the request has gone",
		Breaks: []string{"publish-alone"},
	},
	{
		Name: "untidy", Requirement: "publish-tidy",
		What:   "leaves its temporary files",
		Breaks: []string{"publish-tidy", "cleanup-senders"},
	},
	{
		Name: "no-nudge", Requirement: "publish-nudge",
		What:   "does not modify a response after it was published",
		Breaks: []string{"publish-nudge"},
	},
	{
		Name: "never-again", Requirement: "publish-again",
		What:   "publishes each response once",
		Breaks: []string{"publish-again", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "forgetful", Requirement: "publish-again",
		What:   "runs a request again whose response is gone",
		Breaks: []string{"publish-again", "proc-returned", "proc-restart", "proc-restart-kill"},
	},
	{
		Name: "keeps-lone", Requirement: "publish-orphans",
		What:   "keeps responses that stand without their requests",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "lone-at-once", Requirement: "publish-orphans",
		What:   "removes a response when its request is gone, at once",
		Breaks: []string{"publish-orphans", "cleanup-orphans"},
	},
	{
		Name: "lone-by-file", Requirement: "publish-orphans",
		What:   "takes the time of a file for that since which it is an orphan",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "counts-on", Requirement: "publish-orphans",
		What:   "does not start the orphan delay again when the request has come back",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "keeps-conflicts", Requirement: "publish-orphans",
		What:   "keeps what SyftBox renamed because of a conflict",
		Breaks: []string{"publish-orphans"},
	},
	{
		Name: "removes-rejected", Requirement: "publish-orphans",
		What:   "removes what SyftBox rejected as it removes orphans",
		Breaks: []string{"publish-orphans"},
	},
}

// failDefects are of section 8, statuses.
var failDefects = []Defect{
	{
		Name: "fail-200", Requirement: "fail-status",
		What:   "answers with status 200 when the handler has failed",
		Breaks: []string{"fail-status", "fail-text"},
	},
	{
		Name: "silent-failure", Requirement: "fail-status",
		What:   "does not answer when the handler has failed",
		Breaks: []string{"fail-status", "fail-text"},
	},
	{
		Name: "tells", Requirement: "fail-text",
		What:   "tells the client what the handler has failed of",
		Breaks: []string{"fail-text"},
	},
	{
		Name: "any-status", Requirement: "fail-unknown-status",
		What:   "answers with statuses that no client knows",
		Breaks: []string{"fail-unknown-status"},
	},
	{
		Name: "body-500", Requirement: "fail-body",
		What:   "answers with status 500 when a body is not what the handler reads",
		Breaks: []string{"fail-body"},
	},
	{
		Name: "any-size", Requirement: "fail-size",
		What:   "reads requests of any size",
		Breaks: []string{"fail-size"},
	},
	{
		Name: "silent-expired", Requirement: "fail-expired",
		What:   "does not answer requests that have expired",
		Breaks: []string{"fail-expired"},
	},
}

// routeDefects are of section 8, routes.
var routeDefects = []Defect{
	{
		Name: "silent-unknown", Requirement: "route-unknown",
		What:   "does not answer requests to endpoints that do not exist",
		Breaks: []string{"route-unknown"},
	},
	{
		Name: "few-endpoints", Requirement: "route-many",
		What:   "has no more than 127 endpoints",
		Breaks: []string{"route-many"},
	},
	{
		Name: "prefix", Requirement: "route-nested",
		What:   "lets the endpoint above answer",
		Breaks: []string{"route-nested"},
	},
	{
		Name: "literal-wildcards", Requirement: "route-wildcard",
		What:   "knows no wildcards",
		Breaks: []string{"route-api", "route-items", "route-users", "route-specific"},
	},
	{
		Name: "first-route", Requirement: "route-specific",
		What:   "takes the first pattern that matches",
		Breaks: []string{"route-specific"},
	},
	{
		Name: "runs-any-method", Requirement: "route-method",
		What:   "runs requests with a method that the endpoint does not have",
		Breaks: []string{"route-method"},
	},
	{
		Name: "no-allow", Requirement: "route-method",
		What:   "does not tell which methods an endpoint has",
		Breaks: []string{"route-method"},
	},
}

// schemaDefects are of section 10, the schema.
var schemaDefects = []Defect{
	{
		Name: "no-schema", Requirement: "schema-file",
		What:   "writes no schema",
		Breaks: []string{"schema-file", "schema-endpoints", "schema-entry"},
	},
	{
		Name: "short-schema", Requirement: "schema-endpoints",
		What:   "leaves endpoints out of the schema",
		Breaks: []string{"schema-endpoints"},
	},
	{
		Name: "private-schema", Requirement: "schema-public",
		What:   "lets nobody read the schema",
		Breaks: []string{"schema-public"},
	},
	{
		Name: "open-schema", Requirement: "schema-public",
		What:   "lets everybody write the schema",
		Breaks: []string{"schema-public"},
	},
	{
		Name: "bare-entries", Requirement: "schema-entry",
		What:   "describes an endpoint by a text",
		Breaks: []string{"schema-entry"},
	},
}
