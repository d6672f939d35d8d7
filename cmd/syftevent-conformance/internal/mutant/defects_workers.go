package mutant

// workerDefects are the defects of servers that share their work.
var workerDefects = []Defect{
	{
		Name: "no-claims", Requirement: "work-once",
		What:   "runs requests that other servers run as well",
		Breaks: []string{"work-once", "work-join", "work-holder"},
	},
	{
		Name: "claim-by-rename", Requirement: "work-once",
		What:   "claims a request by renaming a file over the claim, if it has seen none",
		Breaks: []string{"work-once", "work-dead"},
	},
	{
		Name: "claim-by-mtime", Requirement: "work-holder",
		What:   "takes over a request whose claim is older than the timeout, although its server is alive",
		Breaks: []string{"work-holder"},
	},
	{
		Name: "lease-by-mtime", Requirement: "work-holder",
		What:   "takes a server for dead whose heartbeat has an old time",
		Breaks: []string{"work-holder"},
	},
	{
		Name: "nameless-claim", Requirement: "work-dead",
		What:   "claims requests without saying who has them",
		Breaks: []string{"work-dead"},
	},
	{
		Name: "no-fence", Requirement: "work-fenced",
		What:   "claims requests that wait for a handler, and runs them after it was suspended",
		Breaks: []string{"work-fenced"},
	},
	{
		Name: "leaves-claims", Requirement: "work-dead",
		What:   "never takes a server for dead that has not said that it stops",
		Breaks: []string{"work-dead", "work-fenced"},
	},
	{
		Name: "unseen-is-dead", Requirement: "work-join",
		What:   "takes a server for dead until it has seen its heartbeat change",
		Breaks: []string{"work-join"},
	},
	{
		Name: "forgets-others", Requirement: "work-replies",
		What:   "runs a request again whose response is missing, if another server had answered it and has ended",
		Breaks: []string{"work-replies"},
	},
	{
		Name: "greedy", Requirement: "work-spread",
		What:   "claims requests although all its handlers are busy",
		Breaks: []string{"work-spread"},
	},
	{
		Name: "first-leads", Requirement: "work-lead",
		What:   "answers requests to unknown endpoints only if it is the server that was started first",
		Breaks: []string{"work-lead"},
	},
	{
		Name: "claims-stay", Requirement: "work-tidy",
		What:   "never removes a claim",
		Breaks: []string{"work-tidy"},
	},
	{
		Name: "one-name", Requirement: "work-holder", Soak: true, Servers: 3,
		What: "goes on after a suspension under the name that others take for that of a dead server",
	},
}
