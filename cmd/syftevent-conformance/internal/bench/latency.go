package bench

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// latencyCalls is the number of requests of the latency measures.
	latencyCalls = 200
	// latencyPause is the pause between a response and the next request.
	latencyPause = 5 * time.Millisecond
	// latencyPoll is the interval of the checks for a response.
	latencyPoll = 50 * time.Microsecond
)

// latency measures the median time from the arrival of a request to its response, one
// request at a time, in a folder with answered pairs. The bare loop lists the folder when the
// request is there.
func latency(pairs int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (middle float64, err error) {
		err = withServer(ctx, subject, dir, func(s *site) error {
			took, err := s.callInTurn(ctx, subject, pairs)
			if err != nil {
				return err
			}
			middle = median(took)
			return nil
		})
		return middle, err
	}
}

// processorTimePerCall measures the processor time of a call in such a folder, in
// milliseconds. That of the bare loop is the time it takes: it does not wait.
func processorTimePerCall(pairs int) func(context.Context, *Config, Subject, string) (float64, error) {
	return func(ctx context.Context, c *Config, subject Subject, dir string) (mean float64, err error) {
		err = withServer(ctx, subject, dir, func(s *site) error {
			if subject.isBare() {
				took, err := s.callInTurn(ctx, subject, pairs)
				if err != nil {
					return err
				}
				var sum time.Duration
				for _, d := range took {
					sum += d
				}
				mean = milliseconds(sum) / float64(len(took))
				return nil
			}
			if err := s.pairs("echo", senderOf(0), pairs); err != nil {
				return err
			}
			// The listing of the new pairs is not part of a call.
			time.Sleep(5 * time.Second)
			before, err := processorTime(s.process.PID())
			if err != nil {
				return err
			}
			took, err := s.callInTurn(ctx, subject, 0)
			if err != nil {
				return err
			}
			after, err := processorTime(s.process.PID())
			mean = 1000 * (after - before) / float64(len(took))
			return err
		})
		return mean, err
	}
}

// callInTurn makes calls one after the other in a folder with answered pairs, and returns
// their sorted durations, without that of the first.
func (s *site) callInTurn(ctx context.Context, subject Subject, pairs int) ([]time.Duration, error) {
	if err := s.pairs("echo", senderOf(0), pairs); err != nil {
		return nil, err
	}
	calls, err := s.stage("echo", latencyCalls+1, 1)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(calls[0].request)
	bare, err := newBareFolder(folder)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for i := range calls {
		if i > 0 {
			time.Sleep(latencyPause)
		}
		began := time.Now()
		if err := drop(calls[i : i+1]); err != nil {
			return nil, err
		}
		if subject.isBare() {
			if err := bare.answer(); err != nil {
				return nil, err
			}
		}
		if err := s.await(ctx, calls[i:i+1], latencyPoll); err != nil {
			return nil, err
		}
		if i > 0 {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	return took, checkAnswer(calls[latencyCalls])
}

// median returns the median of sorted durations, in milliseconds.
func median(took []time.Duration) float64 { return milliseconds(took[len(took)/2]) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A bareFolder answers the requests in one folder with the necessary steps only.
type bareFolder struct {
	path     string
	answered map[string]bool // by stem
}

// newBareFolder takes all requests that are in a folder for answered.
func newBareFolder(path string) (*bareFolder, error) {
	b := &bareFolder{path: path, answered: map[string]bool{}}
	return b, b.each(func(stem string) error {
		b.answered[stem] = true
		return nil
	})
}

// answer lists the folder once, and answers the requests that are new.
func (b *bareFolder) answer() error {
	return b.each(func(stem string) error {
		b.answered[stem] = true
		return bareAnswer(filepath.Join(b.path, stem))
	})
}

// each calls do with the stem of each request that is not answered.
func (b *bareFolder) each(do func(stem string) error) error {
	f, err := os.Open(b.path)
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
		if !ok || b.answered[stem] {
			continue
		}
		if err := do(stem); err != nil {
			return err
		}
	}
	return nil
}
