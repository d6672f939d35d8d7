package engine

import (
	"errors"
	"io/fs"
	"time"
)

// watchLock checks once a second, until the server is stopped, that it holds the app's
// lock. It reacquires a lock that was lost because something removed its file or renamed
// the app's directory; meanwhile nothing new is begun. When another server has the app,
// this one stops. It checks the reply log, which is beside the lock, too.
func (s *Server) watchLock() {
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
		err := s.lock.reacquire()
		switch {
		case err == nil:
			s.logger.Warn("syftevent: app lock lost and reacquired", "path", s.lock.path)
			s.paused.Store(false)
			s.layoutStale.Store(true) // it may be another directory
		case errors.Is(err, ErrAppServed):
			s.logger.Error("syftevent: app lock lost to another server, stopping", "path", s.lock.path, "err", err)
			s.stopWith(err)
			return
		default:
			// Nothing can be served while the app's directory is gone. Any other failure,
			// such as a full disk, is no reason to stop serving, as at the start.
			s.paused.Store(errors.Is(err, fs.ErrNotExist))
		}
	}
}
