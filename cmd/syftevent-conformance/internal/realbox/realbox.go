// Package realbox runs a real SyftBox on the loopback interface: a blob store, the
// server, and one client for each person, built from a checkout of
// OpenMined/syftbox. It is what fakebox imitates.
//
//	binaries, err := realbox.Build(ctx, "../syftbox", log.Printf)
//	network, err := realbox.Start(ctx, realbox.Config{Dir: dir, Binaries: binaries}, "alice@example.com", "bob@example.com")
//	defer network.Close()
package realbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config says what to start, and where.
type Config struct {
	// Dir is where the replicas, the server's files and the logs are kept. It is made
	// if it does not exist. SyftBox wants 5 GB free on its disk.
	Dir string
	// Binaries are the programs that [Build] returned.
	Binaries Binaries
	// Prepare, if it is set, is called for each client before it is started, to put
	// files into its replica that the first synchronisation uploads.
	Prepare func(email, datasites string) error
}

// A Network is a running SyftBox. Its methods may be called concurrently.
type Network struct {
	config  Config
	target  atomic.Pointer[url.URL] // of the server
	gateway *proxy
	storeAt string // URL of the blob store

	mu      sync.Mutex
	store   *process
	server  *process
	clients map[string]*Client
}

// A Client is the SyftBox client of one person.
type Client struct {
	// Email is the address of the person.
	Email string

	network *Network
	dir     string
	proxy   *proxy

	mu      sync.Mutex
	process *process
}

// readyTimeout is how long each program may take to be ready on a busy machine.
const readyTimeout = time.Minute

const bucket = "syftbox-local"

// Start starts a network with one client for each e-mail address, and returns when
// all of them are connected and have synchronised once. If it fails, everything that
// it started has ended.
func Start(ctx context.Context, config Config, emails ...string) (_ *Network, err error) {
	if config.Dir, err = filepath.Abs(config.Dir); err != nil {
		return nil, fmt.Errorf("start SyftBox: %w", err)
	}
	n := &Network{config: config, clients: map[string]*Client{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start SyftBox: %w", err), n.Close())
		}
	}()
	if err := os.MkdirAll(config.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := n.startStore(ctx); err != nil {
		return nil, err
	}
	if err := n.StartServer(ctx); err != nil {
		return nil, err
	}
	if n.gateway, err = newProxy(&n.target); err != nil {
		return nil, err
	}
	for _, email := range emails {
		if n.clients[email], err = n.newClient(email); err != nil {
			return nil, err
		}
		if config.Prepare != nil {
			if err := config.Prepare(email, n.clients[email].Datasites()); err != nil {
				return nil, fmt.Errorf("prepare the replica of %s: %w", email, err)
			}
		}
	}
	failures := make(chan error, len(emails))
	for _, c := range n.clients {
		go func() { failures <- c.Start(ctx) }()
	}
	var errs []error
	for range n.clients {
		errs = append(errs, <-failures)
	}
	return n, errors.Join(errs...)
}

// Close ends every program of the network. The files stay.
func (n *Network) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var group sync.WaitGroup
	var errs []error
	for _, c := range n.clients {
		if c == nil {
			continue
		}
		group.Go(func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.process.kill()
		})
		defer c.proxy.close()
	}
	group.Wait()
	n.server.kill()
	n.store.kill()
	if n.gateway != nil {
		errs = append(errs, n.gateway.close())
	}
	return errors.Join(errs...)
}

// Dir returns the folder of the network.
func (n *Network) Dir() string { return n.config.Dir }

// URL returns the address of the server's HTTP interface. It stays the same when the
// server is restarted.
func (n *Network) URL() string { return n.gateway.url() }

// Client returns the client of a person, or nil if there is none.
func (n *Network) Client(email string) *Client { return n.clients[email] }

func (n *Network) startStore(ctx context.Context) error {
	p, port, err := onFreePort(func(port int) (*process, error) {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		cmd := exec.Command(n.config.Binaries.BlobStore, "-backend", "memory", "-initialbucket", bucket, "-host", address)
		cmd.Env = environment()
		p, err := start("blob store", cmd, filepath.Join(n.config.Dir, "store.log"))
		if err != nil {
			return nil, err
		}
		// The list of buckets tells it from another program on the port.
		return p, p.await(ctx, readyTimeout, func() bool { return strings.Contains(get("http://"+address+"/"), bucket) })
	})
	n.store, n.storeAt = p, fmt.Sprintf("http://127.0.0.1:%d", port)
	return err
}

// StartServer starts the server, which must not run. It returns when the server
// answers.
func (n *Network) StartServer(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server.running() {
		return errors.New("start SyftBox server: it runs already")
	}
	dir := filepath.Join(n.config.Dir, "server")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("start SyftBox server: %w", err)
	}
	startOn := func(port int) (*process, error) {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		// JSON is YAML too.
		config, err := json.Marshal(map[string]any{
			"http":     map[string]any{"addr": address},
			"blob":     map[string]any{"bucket_name": bucket, "region": "us-east-1", "endpoint": n.storeAt, "access_key": "key", "secret_key": "secret"},
			"auth":     map[string]any{"enabled": false},
			"email":    map[string]any{"enabled": false},
			"data_dir": filepath.Join(dir, "data"),
			"log_dir":  filepath.Join(dir, "logs"),
		})
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(path, config, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command(n.config.Binaries.Server, "-f", path)
		cmd.Dir, cmd.Env = dir, environment()
		p, err := start("SyftBox server", cmd, filepath.Join(n.config.Dir, "server.log"))
		if err != nil {
			return nil, err
		}
		return p, p.await(ctx, readyTimeout, func() bool { return get("http://"+address+"/healthz") != "" })
	}
	// The port of the run before, unless somebody else has taken it meanwhile: the
	// proxies know the server by whatever port it has.
	if before := n.target.Load(); before != nil {
		var port int
		fmt.Sscanf(before.Port(), "%d", &port)
		p, err := startOn(port)
		if err == nil {
			n.server = p
			return nil
		}
		if p == nil || !p.lostPort() {
			if p != nil {
				p.kill()
			}
			return err
		}
	}
	p, port, err := onFreePort(startOn)
	if err != nil {
		return err
	}
	n.server = p
	n.target.Store(&url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	return nil
}

// KillServer ends the server at once, as a power failure does. The blob store keeps
// its files.
func (n *Network) KillServer() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server.kill()
}

// environment is what the programs inherit: without the settings that would lead
// them to other services.
func environment(more ...string) []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch upper := strings.ToUpper(name); {
		case strings.HasPrefix(upper, "SYFTBOX_"), strings.HasPrefix(upper, "SYFTEVENT_"), strings.HasPrefix(upper, "AWS_"), strings.HasSuffix(upper, "_PROXY"):
		default:
			env = append(env, entry)
		}
	}
	return append(env, more...)
}

// get returns what an address answers with status 200, or "".
func get(address string) string {
	client := http.Client{Timeout: 2 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(address)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}
