package main

import _ "embed"

//go:embed ci.yml
var workflow string

// A topic is a text of the help that does not belong to a command.
type topic struct{ name, summary, text string }

// topics lists the topics.
var topics = []topic{
	{"ci", "prints a GitHub workflow to copy", workflow},
}
