package syftevent

// handle runs the handler and turns whatever it returns into a response, or nil if the
// handler was cancelled. Nothing that a handler returns can end the server: methods of
// its values are called only in call, which recovers.
func (s *runningServer) handle(w *work, req *Request) *Response {
	response, failure := s.call(w, req)
	if failure != nil && s.handlers.Err() != nil {
		s.logger.Warn("syftevent: handler cancelled, request left for the next start",
			"path", s.requestPath(*w), "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender)
		return nil
	}
	if failure != nil {
		return s.failed(req, failure)
	}
	return response
}

// call runs the handler. An *Error becomes the response that it asks for.
func (s *runningServer) call(w *work, req *Request) (*Response, *failure) {
	timeout := false
	response, cause, failed := respond(func() (*Response, error) {
		response, err := s.serve(w, req)
		switch {
		case err != nil && s.handlers.Err() != nil:
			// Cancelled, whatever error the handler made of that.
			return nil, s.handlers.Err()
		case err == errHandlerTimeout:
			timeout = true
			return timedOut(s.handlerTimeout), nil
		}
		return response, err
	})
	switch {
	case timeout:
		s.counters.add(func(c *Stats) { c.Failed++ })
		s.logger.Error("syftevent: handler timed out", "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "timeout", s.handlerTimeout)
	case cause != nil:
		s.logger.Info("syftevent: handler returned an error", "endpoint", req.endpoint, "id", req.ID, "sender", req.Sender,
			"status", response.StatusCode, "err", cause.message)
	}
	return response, failed
}

// serve runs the handler within HandlerTimeout.
func (s *runningServer) serve(w *work, req *Request) (*Response, error) {
	if s.handlerTimeout <= 0 {
		return s.router.ServeSyft(s.handlers, req)
	}
	returned, response, err := serveWithin(s.handlers, s.handlerTimeout, s.router, req)
	w.handler = returned
	return response, err
}

// failed logs why a handler failed and makes the response, which gives no reason unless
// DebugMode is set.
func (s *runningServer) failed(req *Request, f *failure) *Response {
	s.counters.add(func(c *Stats) { c.Failed++ })
	attributes := []any{"endpoint", req.endpoint, "id", req.ID, "sender", req.Sender, "err", f.message}
	if f.stack != "" {
		attributes = append(attributes, "stack", f.stack)
	}
	s.logger.Error("syftevent: handler failed", attributes...)
	if !s.debug {
		return internalError()
	}
	// The members that the Python package uses in its debug mode.
	response, err := JSON(500, struct {
		Type     string `json:"error_type"`
		Message  string `json:"error_message"`
		Function string `json:"function_name"`
		Trace    string `json:"traceback"`
	}{f.kind, f.message, req.endpoint, f.stack})
	if err != nil { // never: all members are strings
		return internalError()
	}
	return response
}
