//go:build unix

package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// BenchmarkIdle measures the share of a core that a Watcher takes while nothing happens:
//
//	go test -run '^$' -bench Idle -benchtime 1x ./syftevent/internal/watch
func BenchmarkIdle(b *testing.B) {
	for _, files := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprint(files), func(b *testing.B) {
			dir := b.TempDir()
			for _, name := range []string{appDir, alice, "carol@example.com"} {
				if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
					b.Fatal(err)
				}
			}
			limits := Limits{Files: files, OwnFiles: files, OtherFiles: files}
			for i := range files {
				name := filepath.Join(dir, []string{alice, bob, "carol@example.com"}[i%3], fmt.Sprint(i%100), fmt.Sprint(i)+".json")
				if i < 300 {
					if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
						b.Fatal(err)
					}
				}
				if err := os.WriteFile(name, []byte("1"), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			p, err := ParsePattern("**/*.json", bob, "demo")
			if err != nil {
				b.Fatal(err)
			}
			w := New(Options{
				Dir: dir, Own: bob, App: appDir, PollInterval: 100 * time.Millisecond, IdleShare: 0.01,
				Settle: 2 * time.Second, SettleRemote: 30 * time.Second, Concurrency: 16, Limits: limits, Logger: slog.New(slog.DiscardHandler),
				Watches: []Watch{{p, func(context.Context, *Event) error { return nil }}},
			})
			began := time.Now()
			if err := w.Start(context.Background(), func() bool { return false }); err != nil {
				b.Fatal(err)
			}
			for w.Figures().Events < files {
				time.Sleep(10 * time.Millisecond)
			}
			b.ReportMetric(time.Since(began).Seconds(), "s-to-all")
			time.Sleep(30 * time.Second)
			const measured = 60 * time.Second
			before := processorTime(b)
			time.Sleep(measured)
			b.ReportMetric(100*(processorTime(b)-before).Seconds()/measured.Seconds(), "%core")
			f := w.Figures()
			b.ReportMetric(f.ScanDuration.Seconds()*1000, "ms-scan")
			b.ReportMetric(f.ScanWait.Seconds(), "s-wait")
			w.Close()
		})
	}
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
