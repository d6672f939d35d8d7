package syftevent

// Describe adds a description to a handler, for [Router.Routes] and the schema that the
// server publishes.
func Describe(description string, handler Handler) Handler {
	if handler == nil {
		return nil // Handle panics, and names the call site
	}
	return &described{handler, description}
}

type described struct {
	Handler
	description string
}

func (d *described) Unwrap() Handler { return d.Handler }

// descriptionOf returns the description of a handler, or of one that it wraps.
func descriptionOf(handler Handler) string {
	for handler != nil {
		if d, ok := handler.(*described); ok {
			return d.description
		}
		wrapper, ok := handler.(interface{ Unwrap() Handler })
		if !ok {
			break
		}
		handler = wrapper.Unwrap()
	}
	return ""
}
