package syftcrypt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// An attacker writes every file of a running server's folders that SyftBox can write.
func TestAttacksOnFiles(t *testing.T) {
	w := newWorld(t)
	a, b := w.keys(alice), w.keys(bob)
	w.keys(mallory)
	var ran atomic.Int32
	guard := &Guard{Keys: a, Logger: slog.New(slog.DiscardHandler)}
	router := syftevent.NewRouter()
	router.Use(guard.Require)
	for _, pattern := range []string{"/read", "/delete/{name}"} {
		router.HandleFunc(pattern, func(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
			ran.Add(1)
			return syftevent.Text(200, req.PathValue("name")+" done"), nil
		})
	}
	server := &syftevent.Server{AppName: "demo", Client: w.client(alice), Router: router, Logger: slog.New(slog.DiscardHandler)}
	if err := server.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown(context.Background())
	rpc := filepath.Join(w.client(alice).AppData("demo"), "rpc")

	// A true call, of which the attacker keeps the file.
	req, err := syftevent.NewRequest("GET", "syft://"+alice+"/app_data/demo/rpc/read?all=1", "secret body")
	if err != nil {
		t.Fatal(err)
	}
	req.Headers["X-H"] = "1"
	future, err := (&Client{Client: w.client(bob), Keys: b}).Send(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(rpc, "read", bob, req.ID+".request")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := future.Wait(context.Background()); err != nil || response.Text() != " done" {
		t.Fatalf("%v, %v", response, err)
	}
	var genuine map[string]any
	if err := json.Unmarshal(data, &genuine); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), "secret body") || strings.Contains(string(data), base64.URLEncoding.EncodeToString([]byte("secret body"))[:12]) {
		t.Error("the body is readable")
	}

	// attack writes a request and returns the status and the text of the response.
	attack := func(folder, id string, change func(map[string]any)) (int, string) {
		t.Helper()
		forged := maps.Clone(genuine)
		forged["id"] = id
		change(forged)
		content, err := json.Marshal(forged)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(rpc, filepath.FromSlash(folder))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		temp := filepath.Join(dir, id+".tmp")
		if err := os.WriteFile(temp, content, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(temp, filepath.Join(dir, id+".request")); err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			data, err := os.ReadFile(filepath.Join(dir, id+".response"))
			if err == nil && len(data) > 0 {
				var response struct {
					Status int `json:"status_code"`
					Body   []byte
				}
				var raw map[string]any
				json.Unmarshal(data, &raw)
				body, _ := base64.URLEncoding.DecodeString(raw["body"].(string))
				response.Status = int(raw["status_code"].(float64))
				return response.Status, string(body)
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("no response to %s", content)
		return 0, ""
	}
	id := func(i int) string {
		return "00000000-0000-4000-8000-" + strings.Repeat("0", 10) + string(rune('a'+i/10)) + string(rune('0'+i%10))
	}
	url := func(endpoint string) string { return "syft://" + alice + "/app_data/demo/rpc" + endpoint }
	headers := func(add map[string]string, drop ...string) map[string]any {
		all := maps.Clone(genuine["headers"].(map[string]any))
		for _, name := range drop {
			delete(all, name)
		}
		for name, value := range add {
			all[name] = value
		}
		return all
	}
	for i, test := range []struct {
		name, folder string
		change       func(map[string]any)
	}{
		{"another id", "read/" + bob, func(map[string]any) {}},
		{"another endpoint", "delete/x/" + bob, func(m map[string]any) { m["url"] = url("/delete/x") }},
		{"another query", "read/" + bob, func(m map[string]any) { m["url"] = url("/read?all=0") }},
		{"another method", "read/" + bob, func(m map[string]any) { m["method"] = "DELETE" }},
		{"another header", "read/" + bob, func(m map[string]any) { m["headers"] = headers(map[string]string{"X-H": "2"}) }},
		{"no seal", "read/" + bob, func(m map[string]any) { m["headers"] = headers(nil, SealHeader) }},
		{"two seals", "read/" + bob, func(m map[string]any) { m["headers"] = headers(map[string]string{"x-syft-seal": "1 AAAA"}) }},
		{"longer expiry", "read/" + bob, func(m map[string]any) { m["expires"] = "2099-01-01T00:00:00+00:00" }},
		{"another sender", "read/" + mallory, func(m map[string]any) { m["sender"] = mallory }},
		{"plaintext", "read/" + bob, func(m map[string]any) { m["body"] = "e30=" }},
		{"plaintext with forged headers", "read/" + bob, func(m map[string]any) {
			m["body"] = "e30="
			m["headers"] = headers(map[string]string{"X-Syft-Decrypted": "true", "X-Syft-Original-Sender": bob})
		}},
		{"null body", "read/" + bob, func(m map[string]any) { m["body"] = nil }},
		{"truncated body", "read/" + bob, func(m map[string]any) { m["body"] = m["body"].(string)[:40] }},
	} {
		if status, text := attack(test.folder, id(i), test.change); status != 403 {
			t.Errorf("%s: %d %s", test.name, status, text)
		}
	}
	if n := ran.Load(); n != 1 {
		t.Errorf("%d calls were run, want 1", n)
	}

	// The same request in other bytes, after the pair is gone, gets the same response.
	for i := range 6 {
		os.Remove(file)
		os.Remove(strings.TrimSuffix(file, ".request") + ".response")
		time.Sleep(100 * time.Millisecond)
		attack("read/"+bob, req.ID, func(m map[string]any) { m["unknown"] = i })
	}
	if n := ran.Load(); n != 1 {
		t.Errorf("%d calls were run, want 1", n)
	}
}
