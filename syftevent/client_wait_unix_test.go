//go:build unix

package syftevent_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/syftevent/syftevent-go/syftevent"
)

// BenchmarkWait reports how much of a core the client takes while calls wait for
// responses that do not come, for ten seconds after the last was sent.
func BenchmarkWait(b *testing.B) {
	for _, calls := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(calls), func(b *testing.B) {
			client := &syftevent.Client{Email: clientEmail, DataDir: b.TempDir()}
			for b.Loop() {
				var waiting sync.WaitGroup
				ctx, cancel := context.WithCancel(context.Background())
				for range calls {
					req, err := syftevent.NewRequest("POST", rpcURL+"/echo", nil)
					if err != nil {
						b.Fatal(err)
					}
					future, err := client.Send(ctx, req)
					if err != nil {
						b.Fatal(err)
					}
					waiting.Go(func() { future.Wait(ctx) })
				}
				const watched = 10 * time.Second
				before := processorTime(b)
				time.Sleep(watched)
				b.ReportMetric(100*(processorTime(b)-before).Seconds()/watched.Seconds(), "%core")
				cancel()
				waiting.Wait()
			}
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
