package vector

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// base64Of returns the JSON text of a body in URL-safe base64 with padding.
func base64Of(body []byte) string { return quoted(base64.URLEncoding.EncodeToString(body)) }

// bodyOption sets a body.
func bodyOption(name, requirement string, body []byte) option {
	return option{name, requirement, func(d *draft) {
		d.set("body", base64Of(body))
		d.Expect.Body = BodyOf(Split(body))
	}}
}

// methodAxis has the methods of the table in section 3.
func methodAxis() axis {
	a := axis{name: "method"}
	for _, method := range []string{"POST", "GET", "HEAD", "PUT", "PATCH", "DELETE"} {
		a.options = append(a.options, option{strings.ToLower(method), "proc-faithful", func(d *draft) {
			d.set("method", quoted(method))
			d.see().Method = method
		}})
	}
	return a
}

// see returns what the handler is expected to see.
func (d *draft) see() *Seen {
	if d.Expect.Seen == nil {
		d.Expect.Seen = &Seen{}
	}
	return d.Expect.Seen
}

func bodyAxis() axis {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return axis{"body", []option{
		{"null", "envelope-peers", func(d *draft) { d.set("body", "null"); d.Expect.Body = NoBody }},
		{"absent", "envelope-peers", func(d *draft) { d.unset("body"); d.Expect.Body = NoBody }},
		bodyOption("empty", "envelope-peers", []byte{}),
		bodyOption("json", "proc-faithful", []byte(`{"a":1.5,"b":[true,null,"x"]}`)),
		bodyOption("every-byte", "proc-faithful", all),
		bodyOption("decomposed", "proc-faithful", []byte("e\u0301 and \u00e9, A\u030a and \u00c5")),
		bodyOption("line-ends", "proc-faithful", []byte(" \r\none\rtwo\n\r\n\t ")),
		bodyOption("zeros", "proc-faithful", []byte("\x00\x00\x00")),
		bodyOption("beyond-bmp", "proc-faithful", []byte("\U0001f600 \ufeff \u202e \U0010ffff")),
		{"long", "proc-faithful", func(d *draft) {
			d.setContent("body", Join(Text(`"`), Repeated("Pz8-", 16_000), Text(`"`)))
			d.Expect.Body = BodyOf(Repeated("??>", 16_000))
		}},
	}}
}

// headerOption sets headers: the JSON text, and what it means.
func headerOption(name string, text string, headers map[string]string) option {
	return option{name, "proc-faithful", func(d *draft) {
		d.set("headers", text)
		d.Expect.Headers = headers
	}}
}

func headerAxis() axis {
	many, text := map[string]string{}, []string{}
	for n := range 20 {
		many[fmt.Sprintf("h%d", n)] = fmt.Sprint(n)
		text = append(text, fmt.Sprintf(`"h%d":"%d"`, n, n))
	}
	return axis{"headers", []option{
		{name: "none"},
		headerOption("one", `{"h":"1"}`, map[string]string{"h": "1"}),
		headerOption("empty-value", `{"empty":"","Last-One":"z"}`, map[string]string{"empty": "", "Last-One": "z"}),
		headerOption("surrogate-pair", `{"pair":"\ud83d\ude00"}`, map[string]string{"pair": "\U0001f600"}),
		headerOption("escapes", `{"escapes":"\"\\\/\b\f\n\r\t\u00e9"}`, map[string]string{"escapes": "\"\\/\b\f\n\r\t\u00e9"}),
		headerOption("texts", `{"text":"größe <b>&amp;</b> 'x' %41 {0}"}`, map[string]string{"text": "größe <b>&amp;</b> 'x' %41 {0}"}),
		headerOption("json", `{"json":"{\"sender\":\"carol@example.com\"}"}`, map[string]string{"json": `{"sender":"carol@example.com"}`}),
		headerOption("many", "{"+strings.Join(text, ",")+"}", many),
		headerOption("long", `{"long":"`+strings.Repeat("0123456789", 60)+`"}`, map[string]string{"long": strings.Repeat("0123456789", 60)}),
	}}
}

// timeAxis varies the text of a time within the forms that every server accepts.
func timeAxis(name, requirement string, forms ...string) axis {
	a := axis{name: name, options: []option{{name: "microseconds"}}}
	for i := 0; i < len(forms); i += 2 {
		a.options = append(a.options, option{forms[i], requirement, func(d *draft) { d.set(name, quoted(forms[i+1])) }})
	}
	return a
}

func createdAxis() axis {
	a := timeAxis("created", "envelope-peers",
		"utc", "2026-11-23T11:55:00Z",
		"nanoseconds", "2026-11-23T11:55:00.123456789Z",
		"offset", "2026-11-23T06:25:00.5-05:30")
	for _, each := range [][2]string{{"past", "1999-12-31T23:59:59Z"}, {"future", "2199-01-01T00:00:00+00:00"}} {
		a.options = append(a.options, option{each[0], "clock-created", func(d *draft) { d.set("created", quoted(each[1])) }})
	}
	return a
}

func expiresAxis() axis {
	return timeAxis("expires", "envelope-peers",
		"utc", "2099-11-23T12:10:00Z",
		"nanoseconds", "2099-11-23T12:10:00.987654321Z",
		"one-digit", "2099-11-23T12:10:00.5+00:00",
		"east", "2099-11-23T12:10:00.25+14:00",
		"west", "2199-12-31T23:59:59-12:00")
}

func senderAxis() axis {
	a := axis{name: "sender", options: []option{{name: "plain"}}}
	add := func(name, requirement, address string) {
		a.options = append(a.options, option{name, requirement, func(d *draft) {
			d.sender(address)
			d.set("sender", quoted(address))
			d.see().Sender = address
		}})
	}
	add("capitals", "proc-faithful", "Alice@Example.COM")
	add("plus", "layout-sender", "a+b.c_d@mail.ex-ample.co.uk")
	add("pattern", "proc-faithful", "[x]*?@example.com")
	add("letters", "layout-sender", "Ängström@exämple.com")
	add("percent", "layout-sender", "%41@example.com")
	add("quote", "layout-sender", "o'neil@example.photography")
	add("digits", "layout-sender", "1@2.c3")
	add("long", "layout-sender", strings.Repeat("long-", 20)+"@"+strings.Repeat("name.", 20)+"example.com")
	return a
}

func deliveryAxis() axis {
	a := axis{name: "delivery", options: []option{{name: "any"}}}
	for _, mode := range [][2]string{{"websocket", "detect-websocket"}, {"blobstore", "detect-blobstore"}} {
		a.options = append(a.options, option{mode[0], mode[1], func(d *draft) { d.Delivery = mode[0] }})
	}
	return a
}

// formAxis varies how the request is written.
func formAxis() axis {
	return axis{"form", []option{
		{name: "compact"},
		{"spaces", "proc-faithful", func(d *draft) { d.join = spaced }},
		{"lines", "proc-faithful", func(d *draft) { d.join = lines }},
		{"reversed", "proc-faithful", func(d *draft) { d.join = reversed }},
		{"escapes", "proc-faithful", func(d *draft) { d.join = escaped }},
	}}
}

func urlAxis() axis {
	a := axis{name: "url", options: []option{{name: "plain"}}}
	for _, each := range [][2]string{{"query", "?q=1&q=%20&empty="}, {"question", "?what?=a/b:c@d"}} {
		a.options = append(a.options, option{each[0], "proc-faithful", func(d *draft) {
			d.set("url", quoted(urlOf(d.Endpoint)+each[1]))
			d.see().URL = urlOf(d.Endpoint) + each[1]
		}})
	}
	return a
}

// endpointAxis chooses between the endpoints that report what they have received. A server that
// does not support the second violates the requirement.
func endpointAxis(requirement string) axis {
	return axis{"endpoint", []option{
		{name: "inspect"},
		{"echo", requirement, func(d *draft) {
			d.Endpoint = "echo"
			d.set("url", quoted(urlOf("echo")))
		}},
	}}
}

// faithful returns requests of every form that each server has to accept.
func faithful() File {
	const file = "faithful"
	// The endpoint comes first: other options need it.
	axes := []axis{
		endpointAxis("publish-faithful"), methodAxis(), bodyAxis(), headerAxis(), createdAxis(), expiresAxis(),
		senderAxis(), deliveryAxis(), formAxis(), urlAxis(),
	}
	list := product(file, "proc-faithful", axes, func(name, requirement string) *draft {
		d := newDraft(file, name, requirement, "inspect")
		d.answer(200)
		return d
	}, receive)
	list = append(list, encoded(file)...)
	list = append(list, inPlace(file)...)
	list = append(list, marked(file)...)
	return File{Format, "Requests in the forms that every server accepts, and what the handler receives.", append(list, expired(file)...)}
}

// receive completes what is expected of a request that is run: /inspect reports what it has
// received, and /echo returns it.
func receive(d *draft) {
	if d.Endpoint == "echo" {
		echoed := map[string]string{}
		for name, value := range d.Expect.Headers {
			echoed["x-echo-"+name] = value
		}
		d.Expect.Headers, d.Expect.Seen = echoed, nil
		return
	}
	seen := d.see()
	seen.Body, d.Expect.Body = d.Expect.Body, Body{}
	for name, value := range d.Expect.Headers {
		if seen.Headers == nil {
			seen.Headers = map[string]*string{}
		}
		seen.Headers[name] = &value
	}
	d.Expect.Headers = nil
	if seen.ID == "" {
		seen.ID = d.stemText()
	}
	if seen.Sender == "" {
		seen.Sender = string(d.Sender.Bytes())
	}
}

// encoded returns requests whose response has one possible body or id.
func encoded(file string) (list []Vector) {
	for _, each := range []struct{ name, text string }{
		{"both-characters", "-_-_"}, {"many-characters", strings.Repeat("-_-_", 8) + "-w=="},
		{"one-padded", "-_8="}, {"two-padded", "_w=="}, {"nothing", ""},
	} {
		d := newDraft(file, "encoded-"+each.name, "envelope-body", "echo")
		d.set("body", quoted(each.text))
		d.Expect.Encoded = &each.text
		d.answer(200)
		list = append(list, d.vector())
	}
	for _, endpoint := range []string{"echo", "inspect"} {
		d := newDraft(file, "id-of-"+endpoint, "publish-id", endpoint)
		d.answer(200)
		d.Expect.ID = d.stemText()
		list = append(list, d.vector())
	}
	return list
}

// expired returns requests that must not be run, or only seem to have expired.
func expired(file string) (list []Vector) {
	for _, each := range []struct {
		name, expires string
		runs          int
	}{
		{"past", "2020-01-01T00:00:00Z", 0},
		{"past-offset", "2020-01-01T00:00:00.5+00:00", 0},
		{"past-long-ago", "1970-01-01T00:00:00Z", 0},
		{"past-east", "{now-1h+14:00}", 0},
		{"past-half-hour", "{now-10m+05:30}", 0},
		{"future-west", "{now+1h-12:00}", 1},
		{"future-half-hour", "{now+10m-05:30}", 1},
		{"future-utc", "{now+10mZ}", 1},
	} {
		d := newDraft(file, "expires-"+each.name, "proc-expired", "record")
		d.set("expires", quoted(each.expires))
		d.run(each.runs)
		if each.runs > 0 {
			d.answer(200)
		}
		list = append(list, d.vector())
	}
	return list
}

// inPlace returns requests that are visible before they are complete.
func inPlace(file string) (list []Vector) {
	for i, o := range bodyAxis().options {
		if i%3 != 0 {
			continue
		}
		d := newDraft(file, "in-place-"+o.name, "detect-in-place", "echo")
		d.Delivery = "blobstore-in-place"
		o.apply(d)
		d.answer(200)
		list = append(list, d.vector())
	}
	return list
}

// marked returns files that SyftBox has marked, which must not be run.
func marked(file string) (list []Vector) {
	for _, marker := range []string{"rejected", "conflict", "rejected.20260102030405", "conflict.20260102030405"} {
		for _, id := range []string{"", "-without-id"} {
			d := newDraft(file, "marked-"+strings.ReplaceAll(marker, ".", "-")+id, "detect-markers", "record")
			d.stem(d.stemText() + "." + marker)
			if id != "" {
				d.unset("id")
			}
			d.run(0)
			list = append(list, d.vector())
		}
	}
	return list
}
