package mutant

// soakDefects are those that no scenario finds, and a soak does.
var soakDefects = []Defect{
	{
		Name: "loses-rarely", Requirement: "detect-burst", Soak: true,
		What: "never answers every 2,500th request",
	},
	{
		Name: "small-queue", Requirement: "detect-burst", Soak: true,
		What: "drops the requests beyond the first 2,000 that a scan finds",
	},
	{
		Name: "deaf-later", Requirement: "detect-burst", Soak: true,
		What: "looks for no further requests after 4,000",
	},
	{
		Name: "long-stems", Requirement: "detect-stem", Soak: true,
		What: "ignores requests whose stem has more than 128 bytes",
	},
	{
		Name: "gap-is-start", Requirement: "detect-waiting", Soak: true,
		What: "after a second without a scan takes what arrived meanwhile as handled",
	},
	{
		Name: "watchdog", Requirement: "proc-survive", Soak: true,
		What: "ends when a scan is more than a second late",
	},
	{
		Name: "leaks-memory", Requirement: "proc-memory", Soak: true,
		What: "keeps 512 KiB for each request",
	},
	{
		Name: "leaks-threads", Requirement: "proc-steady", Soak: true,
		What: "keeps a thread for every eighth request",
	},
	{
		Name: "leaks-some-files", Requirement: "proc-steady", Soak: true,
		What: "leaves the file of every eighth request open",
	},
	{
		Name: "cuts-blocks", Requirement: "proc-faithful", Soak: true,
		What: "drops the last byte of a body whose size is a multiple of 4,096 bytes",
	},
	{
		Name: "large-bodies", Requirement: "proc-faithful", Soak: true,
		What: "refuses bodies of more than 4 MiB",
	},
	{
		Name: "cuts-headers", Requirement: "proc-faithful", Soak: true,
		What: "cuts the values of headers at 1,024 bytes",
	},
	{
		Name: "few-headers", Requirement: "proc-faithful", Soak: true,
		What: "passes on three headers at most",
	},
	{
		Name: "composes-names", Requirement: "publish-beside", Soak: true,
		What: "writes the name of a response with composed characters",
	},
}
