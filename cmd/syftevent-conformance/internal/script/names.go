package script

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Names are the addresses and the app of a run. Each run has others, because a server must not
// depend on those of the examples.
type Names struct {
	Server, Client string // addresses
	App            string
}

// Examples are the names in the text of the scenarios.
var Examples = Names{Server: "server@example.com", Client: "client@example.com", App: "conformance"}

// Parts of addresses and apps. Names that are patterns, or hard to quote, have scenarios of
// their own: proc-senders, layout-sender. SyftBox accepts only lower case and ASCII in the address
// of its own user.
var (
	localParts = []string{"ann", "data.team", "x+y", "a_1", "c-d"}
	domains    = []string{"example.com", "mail.example.co.uk", "sub-domain.example.net", "example.photography"}
	apps       = []string{"notes", "My-App", "app.v2", "APP_3"}

	otherLocalParts = append([]string{"Bob", "Ängström", "A+b", "b%41"}, localParts...)
	otherDomains    = append([]string{"Example.ORG", "a.b1"}, domains...)
)

// NamesOf derives names from the seed of a run. The program under test has the name of its role.
func NamesOf(seed uint64, role target.Role) Names {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	n := Names{
		Server: fmt.Sprintf("%s.s%d@%s", pick(localParts), r.IntN(1000), pick(domains)),
		Client: fmt.Sprintf("%s.c%d@%s", pick(otherLocalParts), r.IntN(1000), pick(otherDomains)),
		App:    fmt.Sprintf("%s-%d", pick(apps), r.IntN(1000)),
	}
	if role == target.Client { // SyftBox knows no other addresses of users
		n.Client = fmt.Sprintf("%s.c%d@%s", pick(localParts), r.IntN(1000), pick(domains))
	}
	return n
}

// Self returns the address of the program under test.
func (c Config) Self() string {
	if c.Role == target.Client {
		return c.Names.Client
	}
	return c.Names.Server
}

// OrExamples returns the names of the examples for the zero value.
func (n Names) OrExamples() Names {
	if n == (Names{}) {
		return Examples
	}
	return n
}

// In returns the text of a scenario with these names instead of the examples.
func (n Names) In(text []byte) []byte {
	n = n.OrExamples()
	for _, replaced := range [][2]string{
		{Examples.Server, n.Server}, {Examples.Client, n.Client}, {"/app_data/" + Examples.App + "/", "/app_data/" + n.App + "/"},
	} {
		text = bytes.ReplaceAll(text, []byte(replaced[0]), []byte(replaced[1]))
	}
	return text
}

// canaryPrefix begins the addresses of canaries.
const canaryPrefix = "canary."

// canary returns the sender of canaries: requests that prove that the server is alive.
func (n Names) canary() string { return canaryPrefix + n.Client }

// IsCanary reports whether a folder is that of the sender of canaries.
func IsCanary(folder string) bool { return strings.HasPrefix(folder, canaryPrefix) }

// burstSender returns the sender of a request of a burst, from its number and that of the senders.
func (n Names) burstSender(number, senders int) string {
	return fmt.Sprintf("b%d.%s", number%senders, n.Client)
}
