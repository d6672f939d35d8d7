package mutant

// cleanupDefects are of section 11, cleanup.
var cleanupDefects = []Defect{
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
		What:   "removes pairs of any age",
		Breaks: []string{"cleanup-recent"},
	},
	{
		Name: "removes-unanswered", Requirement: "cleanup-unanswered",
		What:   "removes old requests that are not answered",
		Breaks: []string{"cleanup-unanswered"},
	},
	{
		Name: "removes-waiting", Requirement: "cleanup-unanswered",
		What:   "removes old requests when it starts, which wait for it",
		Breaks: []string{"cleanup-unanswered"},
	},
	{
		Name: "keeps-orphans", Requirement: "cleanup-orphans",
		What:   "keeps responses that have lost their requests",
		Breaks: []string{"cleanup-orphans"},
	},
	{
		Name: "any-orphan", Requirement: "cleanup-orphans",
		What:   "removes young responses that have lost their requests",
		Breaks: []string{"cleanup-orphans"},
	},
	{
		Name: "keeps-corrupt", Requirement: "cleanup-corrupt",
		What:   "keeps requests that nobody can read",
		Breaks: []string{"cleanup-corrupt"},
	},
	{
		Name: "keeps-senders", Requirement: "cleanup-senders",
		What:   "keeps the folders of senders who have sent nothing for long",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "young-senders", Requirement: "cleanup-senders",
		What:   "removes the folder of a sender when it is empty, however young it is",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "used-senders", Requirement: "cleanup-senders",
		What:   "removes the folder of a sender with files of others in it",
		Breaks: []string{"cleanup-senders"},
	},
	{
		Name: "removes-foreign", Requirement: "cleanup-foreign",
		What:   "removes any file that is old",
		Breaks: []string{"cleanup-foreign", "cleanup-senders"},
	},
}

// olderDefects are of section 12, the older layout.
var olderDefects = []Defect{
	{
		Name: "older-silent", Requirement: "older-answer",
		What:   "knows no older layout",
		Breaks: []string{"older-answer"},
	},
	{
		Name: "older-moves", Requirement: "older-path",
		What:   "answers the older layout in the folder of the sender in the file",
		Breaks: []string{"older-path", "older-answer"},
	},
}

// clockDefects are of section 14, clocks.
var clockDefects = []Defect{
	{
		Name: "past-files", Requirement: "clock-files",
		What:   "passes over files that are older than its start",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "future-files", Requirement: "clock-files",
		What:   "waits for the time of a file to come",
		Breaks: []string{"clock-files"},
	},
	{
		Name: "created-future", Requirement: "clock-created",
		What:   "refuses requests from the future",
		Breaks: []string{"clock-created", "cleanup-recent"},
	},
}
