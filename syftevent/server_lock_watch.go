package syftevent

import (
	"errors"
	"io/fs"
	"time"
)

// watchLock makes sure, until the server is stopped, that it holds the lock of the
// app, and takes it again when it was lost: something has removed the file, or
// renamed the app's folder. Meanwhile nothing new is begun. When another server has
// the app, this one stops. The reply log is beside the lock, and is checked, too.
func (s *runningServer) watchLock() {
	ticker := time.NewTicker(lockCheck)
	defer ticker.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case <-ticker.C:
		}
		s.replyLog.check()
		if s.lock.held() {
			continue
		}
		err := s.lock.retake()
		switch {
		case err == nil:
			s.logger.Warn("syftevent: the lock of the app was lost, and is taken again", "path", s.lock.path)
			s.paused.Store(false)
			s.layoutStale.Store(true) // it may be another folder
		case errors.Is(err, ErrAppServed):
			s.logger.Error("syftevent: stopping, the lock of the app was lost to another server", "err", err)
			s.err = err
			s.stop()
			return
		default:
			// Nothing can be served while the app's folder is gone. Other failures, of a
			// disk that is full, say, are as at the start.
			s.paused.Store(errors.Is(err, fs.ErrNotExist))
		}
	}
}
