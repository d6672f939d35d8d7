package bench

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// bareLoop answers count requests below a folder with the necessary steps only: list,
// read, decode, write, link, unlink. It runs sequentially and without checks. Requests that
// were there when it began count as answered.
func bareLoop(ctx context.Context, folders []*bareFolder, count int) error {
	before := 0
	for _, folder := range folders {
		before += len(folder.answered)
	}
	deadline := time.Now().Add(answerTimeout)
	for {
		answered := -before
		for _, folder := range folders {
			if err := folder.answer(); err != nil {
				return err
			}
			answered += len(folder.answered)
		}
		switch {
		case answered >= count:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case time.Now().After(deadline):
			return fmt.Errorf("bare loop answered %d of %d requests in %v", answered, count, answerTimeout)
		}
	}
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
