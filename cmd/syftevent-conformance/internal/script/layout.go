package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/syftevent/syftevent-go/fakebox"
)

// commandPermits checks what the permissions allow, not how they are written.
func (f *files) commandPermits(neg bool, args []string) error {
	if len(args) != 3 || args[1] != "read" && args[1] != "write" {
		return errUsage
	}
	user, path := args[0], args[2]
	expected := fmt.Sprintf("syft.pub.yaml lets %s %s %s", user, args[1], path)
	if neg {
		expected = fmt.Sprintf("syft.pub.yaml does not let %s %s %s", user, args[1], path)
	}
	data, err := readFile(filepath.Join(f.rpc(), "syft.pub.yaml"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && neg:
		return nil // SyftBox then allows nobody else
	case err != nil:
		return &mismatch{expected, fmt.Sprintf("it cannot be read: %v", err), false}
	}
	rules, err := fakebox.ParsePermissions(data)
	if err != nil {
		return fmt.Errorf("parse syft.pub.yaml, of which the suite reads the form in SPEC.md, section 9, and not all of YAML: %w", err)
	}
	if allowed := fakebox.Allows(rules, user, path, args[1] == "write"); allowed == neg {
		return &mismatch{expected, fmt.Sprintf("allowed: %v, by the rules %s", allowed, excerpt(string(data))), false}
	}
	return nil
}

func (f *files) commandSchema(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	const file = "rpc.schema.json"
	data, err := readFile(filepath.Join(f.rpc(), file))
	if err != nil {
		return &mismatch{"the rpc folder holds " + file, err.Error(), false}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil || members == nil {
		return &mismatch{file + " is a JSON object", excerpt(string(data)), false}
	}
	switch args[0] {
	case "object":
		return nil
	case "has":
		for _, endpoint := range args[1:] {
			if members[endpoint] == nil {
				there := strings.Join(slices.Sorted(maps.Keys(members)), " ")
				return &mismatch{fmt.Sprintf("%s has a member %q", file, endpoint), "its members are " + there, false}
			}
		}
		return nil
	case "features":
		return checkSchemaFeatures(members, f.process.Ready().Features)
	case "entries":
		return checkSchemaEntries(members)
	}
	return errUsage
}

// featureEndpoints are the endpoints of each feature (SPEC.md, Appendix A).
var featureEndpoints = map[string][]string{
	"sum": {"/sum"}, "status": {"/status"}, "empty": {"/empty"}, "items": {"/items/{id}", "/items/first"},
	"users": {"/users/{email}/profile"}, "api": {"/api/**"}, "nested": {"/nested", "/nested/inner"}, "methods": {"/get-only"},
}

// checkSchemaFeatures checks that each endpoint of the declared features has an entry.
func checkSchemaFeatures(members map[string]json.RawMessage, features []string) error {
	for _, feature := range features {
		for _, endpoint := range featureEndpoints[feature] {
			if members[endpoint] == nil {
				return &mismatch{fmt.Sprintf("rpc.schema.json has a member %q, an endpoint of the feature %s", endpoint, feature),
					"its members are " + strings.Join(slices.Sorted(maps.Keys(members)), " "), false}
			}
		}
	}
	return nil
}

// checkSchemaEntries checks the members of each endpoint's entry.
func checkSchemaEntries(members map[string]json.RawMessage) error {
	for _, endpoint := range slices.Sorted(maps.Keys(members)) {
		var entry struct {
			Description *string
			Args        map[string]json.RawMessage
			Returns     json.RawMessage
		}
		err := json.Unmarshal(members[endpoint], &entry)
		if err != nil || entry.Args == nil || entry.Returns == nil {
			return &mismatch{fmt.Sprintf("member %q is an object with description, args and returns", endpoint), excerpt(string(members[endpoint])), false}
		}
	}
	return nil
}
