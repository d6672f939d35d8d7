package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// removalOrder matters to a restarted server: a request whose response was removed first
// looks pending.
func removalOrder(ctx context.Context, t *trial) error {
	dir := t.rpc("hello/" + Alice)
	if err := errors.Join(t.watched(ctx, Alice, dir), t.watched(ctx, Bob, dir)); err != nil {
		return err
	}
	// On a busy machine, all removals may fall between two polls of the observer.
	const rounds = 3
	var responseFirst, requestFirst int
	for round := 0; round < rounds && (responseFirst == 0 || requestFirst == 0); round++ {
		response, request, err := t.removePairs(ctx, fmt.Sprintf("%s/%d-", dir, round))
		if err != nil {
			return err
		}
		responseFirst, requestFirst = responseFirst+response, requestFirst+request
	}
	if responseFirst == 0 || requestFirst == 0 {
		return failf("response first %d times, request first %d times", responseFirst, requestFirst)
	}
	return nil
}

// removePairs exchanges 40 pairs with a name prefix, removes them at alice's, and returns
// how often bob lost the response first, and how often the request.
func (t *trial) removePairs(ctx context.Context, prefix string) (responseFirst, requestFirst int, err error) {
	const count = 40
	request := func(n int) string { return fmt.Sprintf("%s%02d.request", prefix, n) }
	response := func(n int) string { return fmt.Sprintf("%s%02d.response", prefix, n) }
	for n := range count {
		if err := t.write(Alice, request(n), body(200, request(n))); err != nil {
			return 0, 0, err
		}
		if err := t.write(Bob, response(n), body(200, response(n))); err != nil {
			return 0, 0, err
		}
		if err := sleep(ctx, 25*time.Millisecond); err != nil {
			return 0, 0, err
		}
	}
	for n := range count {
		if _, err := t.arrives(ctx, Bob, request(n), nil); err != nil {
			return 0, 0, err
		}
		if _, err := t.arrives(ctx, Alice, response(n), nil); err != nil {
			return 0, 0, err
		}
	}
	if err := t.cycles(ctx, 1); err != nil {
		return 0, 0, err
	}
	for n := range count {
		if err := errors.Join(t.remove(Alice, request(n)), t.remove(Alice, response(n))); err != nil {
			return 0, 0, err
		}
	}
	alone := time.Duration(0)
	for n := range count {
		for _, key := range []string{request(n), response(n)} {
			if err := t.gone(ctx, Bob, key); err != nil {
				return 0, 0, err
			}
		}
		requests, responses := t.observer.Of(Bob, request(n)), t.observer.Of(Bob, response(n))
		// Positive if the request outlived the response.
		d := requests[len(requests)-1].Until.Sub(responses[len(responses)-1].Until)
		switch {
		case d > 0:
			responseFirst++
			alone = max(alone, d)
		case d < 0:
			requestFirst++
		}
	}
	t.saw("response first %d times, by up to %s; request first %d times", responseFirst, millis(alone), requestFirst)
	return responseFirst, requestFirst, nil
}
