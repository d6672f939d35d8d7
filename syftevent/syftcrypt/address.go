package syftcrypt

import (
	"regexp"
	"strings"
)

// addressPattern is the expression with which the Python package parses an address in a URL.
// Such an address is also the name of one folder.
var addressPattern = regexp.MustCompile(`^[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+$`)

// isAddress reports whether an address can have keys. It is ASCII, so that comparing without
// case is safe.
func isAddress(s string) bool {
	return len(s) <= 254 && addressPattern.MatchString(s) && s[0] != '.' && !strings.HasSuffix(s, ".") && !strings.Contains(s, "..")
}

// canonicalAddress returns the form in which addresses are compared.
func canonicalAddress(s string) string { return strings.ToLower(s) }

func sameAddress(a, b string) bool { return canonicalAddress(a) == canonicalAddress(b) }

// pythonAddress returns the address as the Python package has it: its validator writes the
// domain in lower case.
func pythonAddress(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	return local + "@" + strings.ToLower(domain)
}
