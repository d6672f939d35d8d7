package realbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// sourceVariable names a checkout of OpenMined/syftbox.
const sourceVariable = "SYFTEVENT_SYFTBOX"

func TestNetwork(t *testing.T) {
	source := os.Getenv(sourceVariable)
	if source == "" {
		t.Skipf("%s is not set", sourceVariable)
	}
	binaries, err := Build(t.Context(), source, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n, err := Start(t.Context(), Config{Dir: t.TempDir(), Binaries: binaries}, "alice@example.com", "bob@example.com")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	t.Logf("started in %v", time.Since(began))
	alice := n.Client("alice@example.com")
	before := alice.Views()
	alice.Kill()
	n.KillServer()
	if err := n.StartServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := alice.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alice.Views() <= before {
		t.Errorf("%d lists of files after the restart, %d before", alice.Views(), before)
	}
}

func newTestProxy(t *testing.T, handler http.HandlerFunc) *proxy {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	var target atomic.Pointer[url.URL]
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	target.Store(u)
	p, err := newProxy(&target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close() })
	return p
}

func TestProxyForwardsUpgradedConnections(t *testing.T) {
	p := newTestProxy(t, func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(rw, "echo %s", line)
		rw.Flush()
	})
	conn, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", eventsPath)
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", response.StatusCode)
	}
	fmt.Fprintf(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("got %q, %v", line, err)
	}
	if got := p.connections.Load(); got != 1 {
		t.Errorf("%d connections counted, want 1", got)
	}
}

func TestProxyDelaysMadeFileList(t *testing.T) {
	made := make(chan time.Time, 1)
	p := newTestProxy(t, func(w http.ResponseWriter, r *http.Request) { made <- time.Now() })
	const latency = 50 * time.Millisecond
	p.viewLatency.Store(int64(latency))
	response, err := http.Get(p.url() + viewPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if took := time.Since(<-made); took < latency {
		t.Errorf("the view arrived %v after it was made, want at least %v", took, latency)
	}
	if got := p.views.Load(); got != 1 {
		t.Errorf("%d views counted, want 1", got)
	}
}

func TestProxyAnswersWhileTheServerIsDown(t *testing.T) {
	p := newTestProxy(t, func(http.ResponseWriter, *http.Request) {})
	p.target.Store(&url.URL{Scheme: "http", Host: "127.0.0.1:1"})
	response, err := http.Get(p.url() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusBadGateway {
		t.Errorf("status %d, want 502", response.StatusCode)
	}
}

// TestHelperProcess is the program that other tests start.
func TestHelperProcess(t *testing.T) {
	switch os.Getenv("REALBOX_HELPER") {
	case "taken":
		fmt.Println("listen tcp 127.0.0.1:1: bind: address already in use")
		os.Exit(1)
	case "sleep":
		fmt.Println("listening")
		io.Copy(io.Discard, os.Stdin)
		time.Sleep(time.Hour)
	}
}

func helper(t *testing.T, what string) (*process, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), "REALBOX_HELPER="+what)
	return start(what, cmd, filepath.Join(t.TempDir(), "log"))
}

func TestOnFreePortTriesAnotherPort(t *testing.T) {
	attempts := 0
	p, port, err := onFreePort(func(port int) (*process, error) {
		attempts++
		what := "taken"
		if attempts == 3 {
			what = "sleep"
		}
		p, err := helper(t, what)
		if err != nil {
			return nil, err
		}
		return p, p.await(t.Context(), time.Minute, func() bool { return strings.Contains(p.output(), "listening") })
	})
	if err != nil || attempts != 3 || port == 0 {
		t.Fatalf("%d attempts, port %d, error %v", attempts, port, err)
	}
	p.kill()
	if p.running() {
		t.Error("still running after kill")
	}
}

func TestOnFreePortGivesUp(t *testing.T) {
	attempts := 0
	_, _, err := onFreePort(func(int) (*process, error) {
		attempts++
		p, err := helper(t, "taken")
		if err != nil {
			return nil, err
		}
		return p, p.await(t.Context(), time.Minute, func() bool { return false })
	})
	if err == nil || attempts != portAttempts || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("%d attempts, error %v", attempts, err)
	}
}

func TestBuildRefusesOtherDirectory(t *testing.T) {
	dir := t.TempDir()
	_, err := Build(t.Context(), dir, t.Logf)
	if err == nil || !strings.Contains(err.Error(), "not a checkout of OpenMined/syftbox") {
		t.Errorf("error %v", err)
	}
}

func TestHashDependsOnSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	hash := func() string {
		t.Helper()
		sum, err := hashSources(dir)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	write("a.go", "package a")
	before := hash()
	write(".git/HEAD", "ref")
	if hash() != before {
		t.Error("the hash depends on version control")
	}
	write("a.go", "package b")
	if hash() == before {
		t.Error("the hash does not depend on the sources")
	}
}
