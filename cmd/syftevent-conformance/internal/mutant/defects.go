package mutant

import "slices"

// A Defect is a way in which the server can be wrong.
type Defect struct {
	Name string
	// What the server does.
	What string
	// Requirement is the id of that of SPEC.md which it violates.
	Requirement string
	// Breaks are the ids of the scenarios that must fail because of it; all others
	// pass.
	Breaks []string
	// Broad is whether nearly every scenario needs what it breaks, so that others
	// than Breaks may fail.
	Broad bool
}

// Find returns the defect of a name.
func Find(name string) (Defect, bool) {
	i := slices.IndexFunc(Defects, func(d Defect) bool { return d.Name == name })
	if i < 0 {
		return Defect{}, false
	}
	return Defects[i], true
}

// For returns the defects that violate a requirement.
func For(requirement string) []Defect {
	return slices.DeleteFunc(slices.Clone(Defects), func(d Defect) bool { return d.Requirement != requirement })
}

// Defects are all ways in which the server can be wrong, in the order of SPEC.md.
var Defects = slices.Concat(
	layoutDefects, envelopeDefects, detectDefects, readDefects, identityDefects, processDefects,
	publishDefects, failDefects, routeDefects, schemaDefects, cleanupDefects, olderDefects, clockDefects,
)
