//go:build !linux

package bench

import (
	"errors"
	"time"
)

var errNotHere = errors.New("not measured on this system")

func processorTime(int) (float64, error) { return 0, errNotHere }
func resident(int) (float64, error)      { return 0, errNotHere }
func briefly(d time.Duration)            { time.Sleep(d) }
