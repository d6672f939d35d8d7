package syftevent

// Describe adds a description to a handler, for [Router.Routes] and the published schema.
func Describe(description string, handler Handler) Handler {
	if handler == nil {
		return nil // Handle panics, and names the caller
	}
	return &described{handler, description}
}

type described struct {
	Handler
	description string
}

// unwrap gives access to the schema of the described handler.
func (d *described) unwrap() Handler { return d.Handler }

// descriptionOf returns the description of a handler, or of one that it wraps.
func descriptionOf(handler Handler) string {
	for handler != nil {
		if d, ok := handler.(*described); ok {
			return d.description
		}
		wrapper, ok := handler.(interface{ unwrap() Handler })
		if !ok {
			break
		}
		handler = wrapper.unwrap()
	}
	return ""
}
