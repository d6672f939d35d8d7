package syftevent_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Senders whose handlers never return delay an honest sender by hostilePatience at most,
// also after a restart, which runs their requests again. One of the honest senders was
// answered before, the other one is new.
func TestHostileSlowSenders(t *testing.T) {
	for _, test := range []struct{ senders, requests int }{{2, 40}, {10, 40}, {sized(1000, 100), 1}} {
		t.Run(fmt.Sprint(test.senders), func(t *testing.T) {
			router := slowRouter(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			router.OnRequest("/echo", echo)
			inHostileBubble(t, router, func(s *hostileSite) {
				s.start()
				defer func() { s.stop() }()
				s.askAs("echo", honestEmail, "first")
				s.expect(200, "echo", honestEmail, "first")
				for n := range test.senders {
					for m := range test.requests {
						s.askAs("slow", fmt.Sprintf("slow%d@example.com", n), fmt.Sprint(m))
					}
				}
				time.Sleep(5 * time.Second)
				for _, round := range []string{"now", "after a restart"} {
					for _, honest := range []string{honestEmail, "stranger@example.com"} {
						began := time.Now()
						s.askAs("echo", honest, round)
						s.expect(200, "echo", honest, round)
						s.t.Logf("%s, %s: answered after %v", round, honest, time.Since(began))
					}
					if round == "now" {
						s.restart()
						time.Sleep(5 * time.Second)
					}
				}
			})
		})
	}
}
