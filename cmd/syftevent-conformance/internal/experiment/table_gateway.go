package experiment

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

var gatewayExperiments = []Experiment{
	{
		Name: "gateway",
		Want: "an HTTP request arrives by the fast path; the gateway returns its response with status 200 and deletes both files",
		run:  gatewayAnswers,
	},
	{
		Name: "gateway-refuses",
		Want: "403 without suffix-sender, 202 and a poll URL if there is no response in time, 404 for an unknown request",
		run:  gatewayRefuses,
	},
}

// An httpAnswer is a response of the gateway.
type httpAnswer struct {
	Status    int
	RequestID string `json:"request_id"`
	Data      struct {
		PollURL string `json:"poll_url"`
		Message struct {
			StatusCode int             `json:"status_code"`
			Body       json.RawMessage `json:"body"`
		} `json:"message"`
	} `json:"data"`
	text string
}

// post sends a request to the gateway as alice.
func (t *trial) post(ctx context.Context, endpoint string, body []byte, timeout time.Duration, suffix bool) (httpAnswer, error) {
	query := url.Values{"x-syft-from": {Alice}, "x-syft-url": {t.url(endpoint)}, "timeout": {fmt.Sprint(timeout.Milliseconds())}}
	if suffix {
		query.Set("suffix-sender", "true")
	}
	return t.http(ctx, http.MethodPost, "/api/v1/send/msg?"+query.Encode(), body)
}

func (t *trial) http(ctx context.Context, method, path string, body []byte) (httpAnswer, error) {
	var answer httpAnswer
	req, err := http.NewRequestWithContext(ctx, method, t.network.URL()+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return answer, err
	}
	answer.Status, answer.text = response.StatusCode, string(text)
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, failf("gateway response %d is not JSON: %.200q", response.StatusCode, text)
	}
	return answer, nil
}

// envelope returns the content of a response file.
func envelope(id, url string, status int, body []byte) []byte {
	const layout = "2006-01-02T15:04:05.000000+00:00"
	now := time.Now().UTC()
	return fmt.Appendf(nil, `{"id":%q,"sender":%q,"url":%q,"body":%q,"headers":{"content-type":"application/json"},"created":%q,"expires":%q,"status_code":%d}`,
		id, Bob, url, base64.URLEncoding.EncodeToString(body), now.Format(layout), now.Add(24*time.Hour).Format(layout), status)
}

func gatewayAnswers(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := t.watched(ctx, Bob, dir); err != nil {
		return err
	}
	type outcome struct {
		answer httpAnswer
		err    error
	}
	answered := make(chan outcome, 1)
	began := time.Now()
	go func() {
		answer, err := t.post(ctx, "hello", []byte(`{"a":1}`), 50*time.Second, true)
		answered <- outcome{answer, err}
	}()
	var request string
	err := await(ctx, patience, func() bool {
		files := t.observer.Files(Bob, dir, ".request")
		if len(files) > 0 {
			request = files[0]
		}
		return len(files) > 0
	})
	if errors.Is(err, errTimeout) {
		return failf("no request arrived")
	}
	if err != nil {
		return err
	}
	took, err := t.arrivesBy(ctx, Fast, Bob, request, nil, began)
	if err != nil {
		return err
	}
	id := strings.TrimSuffix(path.Base(request), ".request")
	response := dir + "/" + id + ".response"
	if err := t.write(Bob, response, envelope(id, t.url("hello"), 201, []byte(`{"b":2}`))); err != nil {
		return err
	}
	end := <-answered
	if end.err != nil {
		return end.err
	}
	t.saw("request %s, status %d after %s", seconds(took), end.answer.Status, seconds(time.Since(began)))
	if m := end.answer.Data.Message; end.answer.Status != 200 || m.StatusCode != 201 || string(m.Body) != `{"b":2}` {
		return failf("gateway response %d: %s", end.answer.Status, end.answer.text)
	}
	for _, key := range []string{request, response} {
		if err := t.gone(ctx, Bob, key); err != nil {
			return err
		}
	}
	t.saw("both files gone at bob's after %s", seconds(time.Since(began)))
	return nil
}

func gatewayRefuses(ctx context.Context, t *trial) error {
	answer, err := t.post(ctx, "hello", []byte(`{}`), time.Second, false)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusForbidden {
		return failf("status %d without suffix-sender: %s", answer.Status, answer.text)
	}
	answer, err = t.post(ctx, "hello", []byte(`{}`), time.Second, true)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusAccepted || answer.Data.PollURL == "" || answer.RequestID == "" {
		return failf("status %d without a response: %s", answer.Status, answer.text)
	}
	query := url.Values{"x-syft-from": {Alice}, "x-syft-url": {t.url("hello")}, "x-syft-request-id": {answer.RequestID}, "timeout": {"500"}}
	poll := func() (httpAnswer, error) {
		return t.http(ctx, http.MethodGet, "/api/v1/send/poll?"+query.Encode(), nil)
	}
	if answer, err = poll(); err != nil {
		return err
	}
	if answer.Status != http.StatusAccepted {
		return failf("status %d for a pending request: %s", answer.Status, answer.text)
	}
	query.Set("x-syft-request-id", "00000000-0000-4000-8000-000000000000")
	if answer, err = poll(); err != nil {
		return err
	}
	if answer.Status != http.StatusNotFound {
		return failf("status %d for an unknown request: %s", answer.Status, answer.text)
	}
	t.saw("403, 202, 202, 404")
	return nil
}
