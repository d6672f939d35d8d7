package realbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// newClient creates a person's directories and proxy.
func (n *Network) newClient(email string) (*Client, error) {
	c := &Client{Email: email, network: n, dir: filepath.Join(n.config.Dir, email)}
	if err := os.MkdirAll(filepath.Dir(c.ConfigPath()), 0o755); err != nil {
		return nil, fmt.Errorf("create client of %s: %w", email, err)
	}
	var err error
	c.proxy, err = newProxy(&n.target)
	return c, err
}

// ConfigPath returns the path of the client's config file, for
// SYFTBOX_CLIENT_CONFIG_PATH.
func (c *Client) ConfigPath() string { return filepath.Join(c.home(), ".syftbox", "config.json") }

// Datasites returns the directory that holds all datasites.
func (c *Client) Datasites() string { return filepath.Join(c.dir, "box", "datasites") }

func (c *Client) home() string { return filepath.Join(c.dir, "home") }

// Start starts the client and returns when it has synchronized once and is connected.
// It returns an error if the client is running.
func (c *Client) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process.running() {
		return fmt.Errorf("start client of %s: already running", c.Email)
	}
	connected := c.proxy.connections.Load()
	p, _, err := onFreePort(func(port int) (*process, error) {
		address := fmt.Sprintf("127.0.0.1:%d", port)
		const token = "token"
		config, err := json.Marshal(map[string]string{
			"data_dir": filepath.Join(c.dir, "box"), "email": c.Email, "server_url": c.proxy.url(),
			"client_url": "http://" + address, "client_token": token,
		})
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(c.ConfigPath(), config, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command(c.network.config.Binaries.Client, "daemon", "-a", address, "-t", token)
		cmd.Env = environment("HOME="+c.home(), "USERPROFILE="+c.home(), "SYFTBOX_AUTH_ENABLED=0", "SYFTBOX_DESKTOP_BINARIES_PATH=")
		cmd.Dir = c.dir
		p, err := start("SyftBox client of "+c.Email, cmd, filepath.Join(c.dir, "client.log"))
		if err != nil {
			return nil, err
		}
		// The client synchronizes, starts to watch and connects, in this order.
		return p, p.await(ctx, readyTimeout, func() bool { return c.proxy.connections.Load() > connected })
	})
	if err != nil {
		return err
	}
	c.process = p
	return nil
}

// Kill kills the client.
func (c *Client) Kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process.kill()
}

// Stop asks the client to exit and waits until it has.
func (c *Client) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process.stop()
}

// Views returns how often the client has requested the server's file list, which it does
// at the start of each full synchronization.
func (c *Client) Views() int { return int(c.proxy.views.Load()) }

// SetViewLatency delays the server's file list on its way to the client. Files that
// arrive by the fast path meanwhile vanish from the replica and return later.
func (c *Client) SetViewLatency(d time.Duration) error {
	if d < 0 {
		return errors.New("set view latency: negative duration")
	}
	c.proxy.viewLatency.Store(int64(d))
	return nil
}

// Log returns the path of the client's log file.
func (c *Client) Log() string { return filepath.Join(c.dir, "client.log") }
