package mutant

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// settings are what the environment and SyftBox's config say.
type settings struct {
	email, app string
	dataDir    string
	rpc        string // the directory that holds the endpoints
	recordPath string // where /record appends

	poll, settle                   time.Duration
	republishDelay, orphanDelay    time.Duration // orphanDelay 0 keeps orphans
	cleanupExpiry, cleanupInterval time.Duration // cleanupExpiry 0 disables cleanup
	maxSize                        int64
	extraEndpoints                 int
	encryption                     bool

	shared        bool          // several servers share the work
	workerTimeout time.Duration // after which a silent one is dead
	concurrency   int           // handlers at once; 0 for any number
}

// options are the JSON of SYFTEVENT_OPTIONS.
type options struct {
	PollInterval    string `json:"poll_interval"`
	Settle          string `json:"settle"`
	RepublishDelay  string `json:"republish_delay"`
	OrphanDelay     string `json:"orphan_delay"`
	CleanupExpiry   string `json:"cleanup_expiry"`
	CleanupInterval string `json:"cleanup_interval"`
	MaxRequestSize  number `json:"max_request_size"`
	ExtraEndpoints  number `json:"extra_endpoints"`
	Encryption      bool   `json:"encryption"`
	Workers         bool   `json:"workers"`
	WorkerTimeout   string `json:"worker_timeout"`
	Concurrency     number `json:"concurrency"`
}

// A number is a JSON number or a string that holds one.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	if len(data) > 1 && data[0] == '"' {
		data = data[1 : len(data)-1]
	}
	return json.Unmarshal(data, (*int64)(n))
}

func readSettings(getenv func(string) string) (settings, error) {
	o := options{
		PollInterval: "100ms", Settle: "2s", RepublishDelay: "12s", OrphanDelay: "2m",
		CleanupExpiry: "0s", CleanupInterval: "1m", MaxRequestSize: 64 << 20, WorkerTimeout: "10s",
	}
	if text := getenv("SYFTEVENT_OPTIONS"); text != "" {
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return settings{}, fmt.Errorf("parse SYFTEVENT_OPTIONS: %w", err)
		}
	}
	s := settings{
		app: getenv("SYFTEVENT_APP"), recordPath: getenv("SYFTEVENT_RECORD"),
		maxSize: int64(o.MaxRequestSize), extraEndpoints: int(o.ExtraEndpoints), encryption: o.Encryption,
		shared: o.Workers, concurrency: int(o.Concurrency),
	}
	if s.app == "" {
		return s, errors.New("SYFTEVENT_APP is not set")
	}
	for _, d := range []struct {
		text string
		into *time.Duration
	}{
		{o.PollInterval, &s.poll},
		{o.Settle, &s.settle},
		{o.RepublishDelay, &s.republishDelay},
		{o.OrphanDelay, &s.orphanDelay},
		{o.CleanupExpiry, &s.cleanupExpiry},
		{o.CleanupInterval, &s.cleanupInterval},
		{o.WorkerTimeout, &s.workerTimeout},
	} {
		var err error
		if *d.into, err = time.ParseDuration(d.text); err != nil {
			return s, fmt.Errorf("parse SYFTEVENT_OPTIONS: %w", err)
		}
	}
	if s.poll <= 0 {
		return s, fmt.Errorf("SYFTEVENT_OPTIONS: poll_interval %v is not positive", s.poll)
	}
	return s, s.readConfig(getenv("SYFTBOX_CLIENT_CONFIG_PATH"))
}

// readConfig reads the owner and the data directory from SyftBox's config file.
func (s *settings) readConfig(name string) (err error) {
	if s.email, s.dataDir, err = ReadConfig(name); err == nil {
		s.locate()
	}
	return err
}

// ReadConfig reads the address of the user and the data directory from SyftBox's config file.
func ReadConfig(name string) (email, dataDir string, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", "", fmt.Errorf("read SyftBox config: %w", err)
	}
	var config struct {
		Email   string `json:"email"`
		DataDir string `json:"data_dir"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		return "", "", fmt.Errorf("parse SyftBox config %s: %w", name, err)
	}
	if config.Email == "" || config.DataDir == "" {
		return "", "", fmt.Errorf(`SyftBox config %s: "email" or "data_dir" is missing`, name)
	}
	return config.Email, config.DataDir, nil
}

// locate sets the directory that holds the endpoints.
func (s *settings) locate() {
	s.rpc = filepath.Join(s.dataDir, "datasites", s.email, "app_data", s.app, "rpc")
}
