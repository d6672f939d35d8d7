package mutantclient

import (
	"slices"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// Defects are all defects of the client, in the order of SPEC.md, section 13. What says what
// the client does.
var Defects mutant.Table = slices.Concat(sending, waiting, reading, removing, caching)
