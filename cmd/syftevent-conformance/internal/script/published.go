package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

const schemaUsage = "usage: schema object | has ENDPOINT... | entries"

// commandSchema judges rpc.schema.json.
func (r *Run) commandSchema(ts *testscript.TestScript, args []string) error {
	if len(args) == 0 {
		return errors.New(schemaUsage)
	}
	const file = "rpc.schema.json"
	data, err := os.ReadFile(filepath.Join(r.rpc(), file))
	if err != nil {
		return &mismatch{"the rpc folder holds " + file, err.Error(), false}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil || members == nil {
		return &mismatch{file + " is one JSON object", excerpt(string(data)), false}
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
	case "entries":
		return schemaEntries(members)
	}
	return errors.New(schemaUsage)
}

// schemaEntries checks what each endpoint's member is made of.
func schemaEntries(members map[string]json.RawMessage) error {
	for _, endpoint := range slices.Sorted(maps.Keys(members)) {
		var entry struct {
			Description *string
			Args        map[string]json.RawMessage
			Returns     json.RawMessage
		}
		err := json.Unmarshal(members[endpoint], &entry)
		if err != nil || entry.Args == nil || entry.Returns == nil {
			return &mismatch{fmt.Sprintf("member %q is an object of description, args and returns", endpoint), excerpt(string(members[endpoint])), false}
		}
	}
	return nil
}

// commandDeclares checks that a time of the ready line is not so long that every
// scenario would have to wait for it.
func (r *Run) commandDeclares(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "settle_ms" {
		return errors.New("usage: declares settle_ms N")
	}
	most, err := strconv.ParseFloat(args[1], 64)
	if err != nil {
		return fmt.Errorf("declares: %w", err)
	}
	if err := r.started(); err != nil {
		return err
	}
	if declared := r.process.Ready().SettleMS; declared > most {
		return &mismatch{fmt.Sprintf("a settle_ms of %v or less in the ready line", most), fmt.Sprintf("it is %v", declared), false}
	}
	return nil
}

// commandRequires ends a scenario that a server cannot be asked.
func (r *Run) commandRequires(ts *testscript.TestScript, args []string) error {
	if len(args) != 2 || args[0] != "max_request_size" {
		return errors.New("usage: requires max_request_size N")
	}
	most, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return fmt.Errorf("requires: %w", err)
	}
	if err := r.started(); err != nil {
		return err
	}
	if size := r.process.Ready().MaxRequestSize; size == 0 || size > most {
		return &notApplicable{fmt.Sprintf("the server declares no max_request_size of %d or less", most)}
	}
	return nil
}
