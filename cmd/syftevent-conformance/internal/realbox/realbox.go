// Package realbox runs a real SyftBox network on the loopback interface: a blob store,
// the server, and a client for each person, built from a checkout of OpenMined/syftbox.
// Package fakebox imitates it.
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

// Config configures a network.
type Config struct {
	// Dir is the directory of the replicas, the server's files and the logs. Start
	// creates it. SyftBox requires 5 GB of free disk space.
	Dir string
	// Binaries are the programs that [Build] returned.
	Binaries Binaries
	// Prepare, if not nil, is called before each client starts. It may put files into
	// the replica, which the first synchronization uploads.
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

// readyTimeout is how long each program may take to become ready on a busy machine.
const readyTimeout = time.Minute

const bucket = "syftbox-local"

// Start starts a network with a client for each email address, and returns when all of
// them are connected and have synchronized once. If it fails, it stops everything that
// it started.
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
				return nil, fmt.Errorf("prepare replica of %s: %w", email, err)
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

// Close kills every program of the network. It keeps the files.
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

// Dir returns the directory of the network.
func (n *Network) Dir() string { return n.config.Dir }

// URL returns the base URL of the server. It stays the same when the server restarts.
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
		// The bucket list shows that no other program answers on the port.
		return p, p.await(ctx, readyTimeout, func() bool { return strings.Contains(get("http://"+address+"/"), bucket) })
	})
	n.store, n.storeAt = p, fmt.Sprintf("http://127.0.0.1:%d", port)
	return err
}

// StartServer starts the server and returns when it answers. It returns an error if the
// server is running.
func (n *Network) StartServer(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.server.running() {
		return errors.New("start SyftBox server: already running")
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
	// Prefer the port of the last run. The proxies follow the server to another one.
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

// KillServer kills the server. The blob store keeps its files.
func (n *Network) KillServer() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server.kill()
}

// environment returns the environment of the programs: this process's, without variables
// that would lead them to other services.
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

// get returns the body of a 200 response, or "".
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
