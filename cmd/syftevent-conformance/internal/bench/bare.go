package bench

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// bareLoop answers count requests below a folder with the necessary steps only: list,
// read, decode, write, link, unlink. It runs sequentially and without checks.
func bareLoop(ctx context.Context, endpoint string, count int) error {
	answered := map[string]bool{}
	deadline := time.Now().Add(answerTimeout)
	for len(answered) < count {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("bare loop answered %d of %d requests in %v", len(answered), count, answerTimeout)
		}
		senders, err := os.ReadDir(endpoint)
		if err != nil {
			return err
		}
		for _, sender := range senders {
			dir := filepath.Join(endpoint, sender.Name())
			f, err := os.Open(dir)
			if err != nil {
				return err
			}
			names, err := f.Readdirnames(-1)
			f.Close()
			if err != nil {
				return err
			}
			for _, name := range names {
				stem, ok := strings.CutSuffix(name, ".request")
				if !ok || answered[stem] {
					continue
				}
				if err := bareAnswer(filepath.Join(dir, stem)); err != nil {
					return err
				}
				answered[stem] = true
			}
		}
	}
	return nil
}

func bareAnswer(stem string) error {
	data, err := os.ReadFile(stem + ".request")
	if err != nil {
		return err
	}
	var request struct {
		ID      string            `json:"id"`
		Sender  string            `json:"sender"`
		URL     string            `json:"url"`
		Body    string            `json:"body"`
		Headers map[string]string `json:"headers"`
		Created time.Time         `json:"created"`
		Expires time.Time         `json:"expires"`
		Method  string            `json:"method"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return err
	}
	body, err := base64.URLEncoding.DecodeString(request.Body)
	if err != nil {
		return err
	}
	response := fmt.Appendf(nil, `{"id":%q,"sender":%q,"url":%q,"body":"%s","headers":{},"created":%q,"expires":%q,"status_code":200}`,
		request.ID, serverEmail, request.URL, base64.URLEncoding.EncodeToString(body),
		time.Now().UTC().Format(time.RFC3339), request.Expires.Format(time.RFC3339))
	if err := os.WriteFile(stem+".tmp", response, 0o644); err != nil {
		return err
	}
	if err := os.Link(stem+".tmp", stem+".response"); err != nil {
		return err
	}
	return os.Remove(stem + ".tmp")
}
