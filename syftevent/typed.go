package syftevent

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
)

// Typed returns a handler that decodes the body of a request from JSON into an In,
// calls f, and encodes the Out as the body of the response, with status 200. If Out
// is a [Reply], f chooses the status and the headers.
//
// The body is checked against the schema of In first ([Schema.Validate]): a missing
// or unknown field, or one of another type, is a 400 whose text names the field. A
// field is optional if it is a pointer or its json tag has the option omitempty or
// omitzero. Null is a 400 unless the field is a pointer, a slice, a map or an interface, or is
// a [json.Unmarshaler] other than time.Time. The body may be absent only if In is a struct
// without fields that come from it, such as struct{}.
//
// Fields with the tag path or query come from the URL instead of the body:
//
//	type listItems struct {
//		User  string   `path:"user"`            // PathValue("user")
//		Limit int      `query:"limit"`          // ?limit=20, or 0
//		After string   `query:"after,required"` // 400 if it is missing
//		Tags  []string `query:"tag"`            // ?tag=a&tag=b
//	}
//
// Such a field belongs to the struct In or to a struct that In embeds. It is a string, a
// bool, a number, an [encoding.TextUnmarshaler], a pointer to one of these or, for a query,
// a slice of them. A value that it cannot hold is a 400. Values of a query are %-decoded;
// those of a path are not. A path value that the pattern does not have is "", which is a 400 for a
// number: Typed does not know the pattern. Typed panics
// if a field with such a tag has another type or belongs to a struct that is embedded as a
// pointer, or if In is a pointer to a struct with such fields.
//
// f gets the request with [RequestFrom]. Its errors have the same effect as those of any
// [Handler].
func Typed[In, Out any](f func(ctx context.Context, in In) (Out, error)) Handler {
	in := reflect.TypeFor[In]()
	bindings := bindingsOf(in)
	return &typed[In, Out]{f: f, bindings: bindings, describes: schemaOf(in, reflect.TypeFor[Out](), bindings)}
}

// A Reply is the result of a function given to [Typed] that chooses the status and
// the headers of its response. The schema is that of Value.
type Reply[T any] struct {
	// StatusCode is the status. Defaults to 200. A 204, 205 or 304 has no body.
	StatusCode int
	// Headers are the headers. The Content-Type defaults to application/json.
	Headers Headers
	// Value is the body, encoded as JSON.
	Value T
}

// replier is implemented by every Reply.
type replier interface {
	valueType() reflect.Type
	response() (*Response, error)
}

func (Reply[T]) valueType() reflect.Type { return reflect.TypeFor[T]() }

func (r Reply[T]) response() (*Response, error) {
	response := &Response{StatusCode: r.StatusCode}
	switch r.StatusCode {
	case 0:
		response.StatusCode = 200
	case 204, 205, 304:
		response.Headers = r.Headers
		return response, nil
	}
	encoded, err := JSON(response.StatusCode, r.Value)
	if err != nil {
		return nil, err
	}
	for name, value := range r.Headers {
		encoded.Headers.Set(name, value)
	}
	return encoded, nil
}

type typed[In, Out any] struct {
	f         func(ctx context.Context, in In) (Out, error)
	bindings  []binding
	describes Schema
}

func (h *typed[In, Out]) schema() Schema { return h.describes }

// ServeSyft decodes the request, calls the function and encodes its result.
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
		// The body matches the schema, so a value is out of range.
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return nil, invalidBody("field %q does not fit: %s", wrong.Field, wrong.Value)
		}
		return nil, invalidBody("%v", err)
	}
	if err := bind(h.bindings, req, reflect.ValueOf(&in).Elem()); err != nil {
		return nil, err
	}
	out, err := h.f(WithRequest(ctx, req), in)
	if err != nil {
		return nil, err
	}
	if reply, ok := any(out).(replier); ok {
		return reply.response()
	}
	return JSON(200, out)
}

// schemaOf returns the schema of a function from one type to another.
func schemaOf(in, out reflect.Type, bindings []binding) Schema {
	base := out
	if base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if reply, ok := reflect.Zero(base).Interface().(replier); ok && base.Kind() == reflect.Struct {
		out = reply.valueType()
	}
	schema := Schema{typed: true, Returns: typeOf(out)}
	expected := typeOf(in)
	for _, b := range bindings {
		field := SchemaField{Name: b.name, Type: typeOf(in.FieldByIndex(b.index).Type), Required: b.required}
		if b.path {
			schema.Path = append(schema.Path, field)
		} else {
			schema.Query = append(schema.Query, field)
		}
	}
	if expected.Name == "model" {
		for _, field := range expected.Fields() {
			if !boundField(bindings, field.Name) {
				schema.Args = append(schema.Args, field)
			}
		}
		return schema
	}
	schema.body = &expected
	schema.Args = []SchemaField{{Name: bodyName, Type: expected, Required: !expected.optional}}
	return schema
}

type requestKey struct{}

// RequestFrom returns the request for which a function given to [Typed] or [BearerAuth] was
// called, or nil if ctx has none.
func RequestFrom(ctx context.Context) *Request {
	req, _ := ctx.Value(requestKey{}).(*Request)
	return req
}

// WithRequest returns a context from which [RequestFrom] returns req. [Typed] and
// [BearerAuth] call it; a test calls it to test a function without a handler around it.
func WithRequest(ctx context.Context, req *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, req)
}
