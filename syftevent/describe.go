package syftevent

// Describe gives a handler a description, for [Router.Routes] and the schema
// that the server publishes.
func Describe(description string, handler Handler) Handler {
	if handler == nil {
		return nil // Handle reports it, with the place
	}
	return &described{handler, description}
}

type described struct {
	Handler
	description string
}

// Unwrap lets the schema of a described handler be found.
func (d *described) Unwrap() Handler { return d.Handler }

// descriptionOf is what Describe has given a handler, or one that it wraps.
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
