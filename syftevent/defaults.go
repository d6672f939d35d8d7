package syftevent

import (
	"log/slog"
	"time"
)

// Default values of the fields of [Server].
const (
	DefaultPollInterval     = 100 * time.Millisecond
	DefaultIdleShare        = 0.01 // of a core
	DefaultSettleTime       = 2 * time.Second
	DefaultRemoteSettleTime = 30 * time.Second // on network file systems
	DefaultMaxRequestSize   = 16 << 20         // bytes
	DefaultConcurrency      = 64
	DefaultReserve          = 1024
	DefaultDrainTimeout     = 10 * time.Second
	DefaultNudgeInterval    = 5 * time.Millisecond
	DefaultRepublishDelay   = 12 * time.Second
	DefaultOrphanDelay      = 2 * time.Minute
)

// Default values of the fields of [PeriodicCleanup], and of those of [Server] for its cleanup.
const (
	DefaultCleanupInterval = 24 * time.Hour
	DefaultCleanupExpiry   = 30 * 24 * time.Hour
)

func orDefaultLogger(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.Default()
	}
	return logger
}

// orDefault returns byDefault for 0, and off for a negative value.
func orDefault[T time.Duration | int64 | int](value, byDefault, off T) T {
	switch {
	case value == 0:
		return byDefault
	case value < 0:
		return off
	}
	return value
}
