package mutantclient

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/mutant"
)

// settings are what the environment and SyftBox's config say.
type settings struct {
	email     string
	app       string // for a defect: the url names the app
	datasites string // the directory of all datasites

	poll, settle time.Duration
	maxSize      int64 // of a response
}

// readSettings reads SYFTEVENT_OPTIONS and the config.
func readSettings(getenv func(string) string) (settings, error) {
	options := struct {
		Poll    string `json:"poll_interval"`
		Settle  string `json:"settle"`
		MaxSize int64  `json:"max_response_size"`
	}{"50ms", "2s", 64 << 20}
	if text := getenv("SYFTEVENT_OPTIONS"); text != "" {
		if err := json.Unmarshal([]byte(text), &options); err != nil {
			return settings{}, fmt.Errorf("parse SYFTEVENT_OPTIONS: %w", err)
		}
	}
	s := settings{app: getenv("SYFTEVENT_APP"), maxSize: options.MaxSize}
	var err error
	if s.poll, err = time.ParseDuration(options.Poll); err != nil || s.poll <= 0 {
		return s, fmt.Errorf("SYFTEVENT_OPTIONS: poll_interval %q is not a positive duration", options.Poll)
	}
	if s.settle, err = time.ParseDuration(options.Settle); err != nil || s.settle < 0 {
		return s, fmt.Errorf("SYFTEVENT_OPTIONS: settle %q is not a duration", options.Settle)
	}
	if s.maxSize <= 0 {
		return s, fmt.Errorf("SYFTEVENT_OPTIONS: max_response_size %d is not positive", s.maxSize)
	}
	return s, s.readConfig(getenv("SYFTBOX_CLIENT_CONFIG_PATH"))
}

// readConfig reads the own address and the data directory from SyftBox's config file.
func (s *settings) readConfig(name string) error {
	email, dataDir, err := mutant.ReadConfig(name)
	if err != nil {
		return err
	}
	if !isName(email) {
		return fmt.Errorf(`SyftBox config %s: "email" is invalid`, name)
	}
	s.email, s.datasites = email, filepath.Join(dataDir, "datasites")
	return nil
}
