package syftevent

// SetLocalLocks makes the locks of a server invisible to others, as those of an NFS mount with
// nolock are.
func SetLocalLocks(s *Server) { s.localLocks = true }
