// Package soak tests a server for a long time with random scenarios, one after the other. Most
// find what no scenario of the suite is about: combinations, sizes, leaks, faults that appear
// after many requests.
//
// Each round is a scenario that a seed and the number of the round determine. All rounds use one
// server, which some of them restart, kill or suspend. What each request must become is in the
// scenario itself, so a round that fails can be repeated, reduced and read like any scenario.
package soak

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/runner"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/scenario"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/script"
	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/target"
)

// Config is the configuration of a soak.
type Config struct {
	runner.Config
	// Duration is when no further round begins, if there were Rounds of them.
	Duration time.Duration
	Rounds   int
	// Servers is how many servers share the work. 0 means one, which is alone.
	Servers int
	// Ready is the ready line of the server.
	Ready target.Ready
	// Without reports whether a kind, or an invariant, is left out. It must not be nil.
	Without func(kind string) bool
	// Shrink is how long a failed round is reduced at most. 0 means not at all.
	Shrink time.Duration
	// Progress is called after each round and, while a failed round is reduced, after each attempt.
	Progress func(Progress)
}

// Progress is how far a soak has come.
type Progress struct {
	Rounds, Requests int
	Repeated         int // of the rounds, because the server used ever more in them
	Restarts         int // of the server
	Inconclusive     int // rounds for which the machine was too slow
	Resources        target.Resources
	// Shrinking is the number of commands that the reduced scenario has, 0 before a failure.
	Shrinking int
}

// A Result is the result of a soak.
type Result struct {
	Progress
	// Failure is the round that failed, nil if none did.
	Failure *runner.Result
	// Round is the number of the round that failed.
	Round int
	// Script repeats the failure as a scenario, as short as it was possible to make it.
	Script []byte
	// Confirmed reports whether Script has failed again, with a server of its own.
	Confirmed bool
}

// maxBody is the largest body, in bytes.
const maxBody = 8 << 20

// envelopeSize is more than an envelope adds to its encoded body.
const envelopeSize = 64 << 10

// mostInconclusive is the number of rounds after which a soak ends, even if the machine was too
// slow for each of them.
const mostInconclusive = 10

// Run runs rounds until Duration and Rounds are over, a round fails, or ctx is canceled. If the machine was too
// slow for every round, it runs more, mostInconclusive in all. It returns an error if the suite itself
// failed.
func Run(ctx context.Context, config Config) (Result, error) {
	limit := maxBody
	if size := config.Ready.MaxRequestSize; size > 0 {
		limit = min(limit, int(max(0, size-envelopeSize)/4*3))
	}
	if size := config.Ready.MaxResponseSize; size > 0 {
		limit = min(limit, int(max(0, size-envelopeSize)/4*3))
	}
	role := cmp.Or(config.Role, target.Server)
	s := &soak{Config: config, generator: newGenerator(role, config.Servers, config.Seed, limit, config.Without)}
	defer s.close()
	return s.run(ctx)
}

// A soak is a running soak.
type soak struct {
	Config
	generator *generator
	shared    *script.Shared
	opened    int      // how many shared servers there have been
	rounds    []*round // of the shared server
	life      life
	result    Result
}

func (s *soak) run(ctx context.Context) (Result, error) {
	more := func(began time.Time, number int) bool {
		rounds := s.result.Rounds
		return time.Since(began) < s.Duration || number <= s.Rounds || rounds == s.result.Inconclusive && rounds < mostInconclusive
	}
	for began, number := time.Now(), 1; more(began, number) && ctx.Err() == nil; number++ {
		if err := s.open(); err != nil {
			return s.result, err
		}
		r := s.generator.round(number)
		failed, err := s.play(ctx, r)
		if err != nil || ctx.Err() != nil {
			return s.result, err
		}
		if failed != nil {
			s.result.Round, s.result.Failure = number, failed
			s.close()
			s.shrink(ctx)
			return s.result, nil
		}
		s.report()
	}
	return s.result, nil
}

// open opens the shared server unless it is open.
func (s *soak) open() (err error) {
	if s.shared != nil {
		return nil
	}
	s.opened++
	s.rounds, s.life = nil, life{}
	s.shared, err = script.OpenShared(s.Config.Config.Config, filepath.Join(s.Dir, fmt.Sprintf("soak-%d", s.opened)))
	return err
}

// close kills the shared server, and removes its files unless they are kept.
func (s *soak) close() error {
	if s.shared == nil {
		return nil
	}
	err := s.shared.Close()
	if !s.Keep {
		err = errors.Join(err, os.RemoveAll(s.shared.Dir()))
	}
	s.shared = nil
	return err
}

// play runs a round, and returns how it failed, nil if it passed.
func (s *soak) play(ctx context.Context, r *round) (*runner.Result, error) {
	failed, used, err := s.once(ctx, r)
	if failed != nil || used == nil || err != nil {
		return failed, err
	}
	if growth := s.life.add(*used); growth != nil {
		return s.repeat(ctx, growth)
	}
	return nil, nil
}

// repeat repeats the rounds in which a resource has grown, and returns a failure if it has grown again.
func (s *soak) repeat(ctx context.Context, growth *growth) (*runner.Result, error) {
	var again []measured
	for _, before := range growth.half {
		r := s.generator.repeat(before.round, s.result.Repeated)
		failed, used, err := s.once(ctx, r)
		if failed != nil || used == nil || err != nil {
			return failed, err
		}
		s.result.Repeated++
		again = append(again, *used)
		s.report()
	}
	if failure := growth.goesOn(again); failure != nil {
		return &runner.Result{Scenario: scenario.Scenario{ID: "soak"}, Outcome: runner.Fail, Failure: failure}, nil
	}
	s.life.extend(again)
	return nil, nil
}

// once runs a round, and returns how it failed, or what the server uses after it. Neither is there
// if the machine was too slow, or resources are not measured.
func (s *soak) once(ctx context.Context, r *round) (*runner.Result, *measured, error) {
	s.rounds = append(s.rounds, r)
	played := s.one(ctx, s.Timescale, join(s.head(r.number), []*round{r}, everything), s.shared)
	if ctx.Err() != nil {
		return nil, nil, nil
	}
	s.result.Rounds++
	s.result.Requests += r.requests()
	s.result.Restarts += r.restarts()
	switch {
	case played.TooSlow:
		s.result.Inconclusive++
		return nil, nil, s.close() // the script has ended anywhere
	case played.Outcome == runner.Fail:
		return &played, nil, nil
	case played.Outcome != runner.Pass:
		return nil, nil, fmt.Errorf("round %d could not be tested: %s", r.number, played.Problem)
	}
	if r.restarts() > 0 {
		s.life = life{}
	}
	used, err := s.shared.Resources()
	if errors.Is(err, errors.ErrUnsupported) || s.Without(Flat) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s.result.Resources = used
	folders, err := s.shared.Folders()
	if err != nil {
		return nil, nil, err
	}
	return nil, &measured{Resources: used, folders: folders, round: r.number}, nil
}

// one runs a scenario. shared is nil for a server of its own.
func (s *soak) one(ctx context.Context, timescale float64, text []byte, shared *script.Shared) runner.Result {
	config := s.Config.Config
	config.Timescale, config.LooseTimeline = timescale, shared != nil
	return runner.One(ctx, config, scenario.Scenario{ID: "soak", Script: text}, shared, s.Without)
}

func (s *soak) head(number int) string {
	return fmt.Sprintf("Round %d of the soak with seed %d.", number, s.Seed)
}

func (s *soak) report() {
	if s.Progress != nil {
		s.Progress(s.result.Progress)
	}
}
