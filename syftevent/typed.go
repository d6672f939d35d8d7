package syftevent

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
)

// Typed makes a handler of a function from one type to another: the body of the
// request is JSON for In, the body of the response JSON of Out, with status 200.
//
// The body is checked against the schema of In first ([Schema.Validate]): one
// that lacks a field, has one that In does not, or one of another type, is
// answered 400 with a text that names the field. A field is optional if it is a
// pointer or has the option omitempty or omitzero in its tag "json". If In is
// struct{}, the body may be absent.
//
// Around such a handler, [Describe] and the middleware of this package keep its
// schema; another middleware that is put around it at its registration hides it,
// and one given to [Router.Use] does not.
//
// The function finds the sender and the headers by [RequestFrom]. An error is
// answered as for any [Handler].
func Typed[In, Out any](f func(ctx context.Context, in In) (Out, error)) Handler {
	return &typed[In, Out]{f: f, describes: schemaOf(reflect.TypeFor[In](), reflect.TypeFor[Out]())}
}

type typed[In, Out any] struct {
	f         func(ctx context.Context, in In) (Out, error)
	describes Schema
}

func (h *typed[In, Out]) schema() Schema { return h.describes }

// ServeSyft decodes, calls and encodes.
func (h *typed[In, Out]) ServeSyft(ctx context.Context, req *Request) (*Response, error) {
	body := req.Body
	if len(body) == 0 && h.describes.body == nil && len(h.describes.Args) == 0 {
		body = []byte("{}")
	}
	if err := h.describes.Validate(body); err != nil {
		return nil, err
	}
	var in In
	if err := json.Unmarshal(body, &in); err != nil {
		// The schema holds, so it is a value out of its range.
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, invalidBody("field %q does not fit: %s", wrong.Field, wrong.Value)
		}
		return nil, invalidBody("%v", err)
	}
	out, err := h.f(context.WithValue(ctx, requestKey{}, req), in)
	if err != nil {
		return nil, err
	}
	return JSON(200, out)
}

// schemaOf describes a function from one type to another.
func schemaOf(in, out reflect.Type) Schema {
	schema := Schema{typed: true, Returns: typeOf(out)}
	expected := typeOf(in)
	if expected.Name == "model" {
		schema.Args = expected.Fields()
		return schema
	}
	schema.body = &expected
	schema.Args = []Arg{{Name: bodyName, Type: expected, Required: !expected.optional}}
	return schema
}

type requestKey struct{}

// RequestFrom returns the request that a function given to [Typed] was called
// for, nil if ctx is not that function's.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}
