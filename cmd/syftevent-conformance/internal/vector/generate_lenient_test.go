package vector

import (
	"fmt"
	"strings"
)

// idAxis varies the form of the id, which is the stem.
func idAxis() axis {
	set := func(form func(stem string) string) func(d *draft) {
		return func(d *draft) { d.set("id", quoted(form(d.stemText()))) }
	}
	return axis{"id", []option{
		{"same", "identity-id", set(strings.Clone)},
		{"absent", "envelope-defaults", func(d *draft) { d.unset("id") }},
		{"other-case", "identity-id", set(func(stem string) string {
			lower := strings.ToLower(stem)
			switch {
			case !isUUID(stem):
				return stem // only UUIDs have other forms
			case lower != stem:
				return lower
			}
			return strings.ToUpper(stem)
		})},
		{"no-hyphens", "identity-id", set(func(stem string) string {
			if !isUUID(stem) {
				return stem
			}
			return strings.ReplaceAll(stem, "-", "")
		})},
	}}
}

// isUUID reports whether a stem of a draft is a UUID.
func isUUID(stem string) bool { return len(stem) == 36 && strings.Count(stem, "-") == 4 }

func stemAxis() axis {
	a := axis{name: "stem", options: []option{{name: "uuid"}}}
	add := func(name string, form func(d *draft) string) {
		a.options = append(a.options, option{name, "detect-stem", func(d *draft) { d.stem(form(d)) }})
	}
	add("capitals", func(d *draft) string { return strings.ToUpper(d.stemText()) })
	add("word", func(d *draft) string { return "word-" + d.key })
	add("spaces", func(d *draft) string { return "with spaces " + d.key })
	add("letters", func(d *draft) string { return "größe-" + d.key + "-ß→🙂" })
	add("dots", func(d *draft) string { return "A-1_b.c." + d.key })
	add("signs", func(d *draft) string { return "~$(id)&'%41;#[x]{}+=,!@" + d.key })
	add("like-marker", func(d *draft) string { return "conflict-rejected-" + d.key })
	add("like-suffix", func(d *draft) string { return d.key + ".request.response" })
	add("long", func(d *draft) string { return strings.Repeat("long", 40) + d.key })
	return a
}

// bodyFormAxis varies the base64 of a body.
func bodyFormAxis() axis {
	a := axis{name: "body"}
	add := func(name, text string, body string) {
		a.options = append(a.options, option{name, "envelope-lenient", func(d *draft) {
			d.set("body", quoted(text))
			d.Expect.Body = BodyOf(Split([]byte(body)))
		}})
	}
	add("padded", "-_8=", "\xfb\xff")
	add("unpadded-2", "-_8", "\xfb\xff")
	add("unpadded-1", "_w", "\xff")
	add("standard", "+/8=", "\xfb\xff")
	add("standard-unpadded", "+/8", "\xfb\xff")
	add("standard-escaped", `+\/8=`, "\xfb\xff")
	return a
}

func lenientHeaderAxis() axis {
	return axis{"headers", []option{
		headerOption("one", `{"h":"1"}`, map[string]string{"h": "1"}),
		{"absent", "envelope-defaults", func(d *draft) { d.unset("headers") }},
		{"duplicate", "envelope-duplicates", func(d *draft) {
			d.put("headers", `{"h":"first","i":"first"}`)
			d.Expect.Headers = map[string]string{"h": "last"}
			d.members = append(d.members, member{"headers", Text(`{"h":"last"}`)})
		}},
	}}
}

func lenientMethodAxis() axis {
	method := func(name, requirement, seen string, apply func(d *draft)) option {
		return option{name, requirement, func(d *draft) {
			apply(d)
			d.see().Method = seen
		}}
	}
	return axis{"method", []option{
		method("post", "", "POST", func(d *draft) {}),
		method("absent", "envelope-defaults", "GET", func(d *draft) { d.unset("method") }),
		method("duplicate", "envelope-duplicates", "PUT", func(d *draft) {
			d.set("method", `"PUT"`)
			d.put("method", `"DELETE"`)
		}),
		method("triplicate", "envelope-duplicates", "PATCH", func(d *draft) {
			d.put("method", `"DELETE"`)
			d.add("method", Text(`"PATCH"`))
		}),
	}}
}

// unknownAxis adds members that a server does not know.
func unknownAxis() axis {
	a := axis{name: "other", options: []option{{name: "none"}}}
	add := func(name string, text string) {
		a.options = append(a.options, option{name, "envelope-lenient", func(d *draft) { d.add("other", Text(text)) }})
	}
	add("text", `"x"`)
	add("nested", `{"id":"x","sender":["carol@example.com",{"url":null}],"body":{"body":7}}`)
	add("number", "-1.5E+300")
	add("large-number", "184467440737095516160000000000000000000")
	add("brackets", `"}]{[\"\\"`)
	a.options = append(a.options, option{"status", "envelope-lenient", func(d *draft) { d.add("status_code", Text("500")) }})
	a.options = append(a.options, option{"many", "envelope-lenient", func(d *draft) {
		for n := range 12 {
			d.add(fmt.Sprintf("other%d", n), Text(`[]`))
		}
	}})
	a.options = append(a.options, option{"other-case", "envelope-lenient", func(d *draft) {
		d.put("METHOD", `"DELETE"`)
		d.add("Body", Text(`"aGk="`))
		d.add("Sender", Text(`"carol@example.com"`))
	}})
	return a
}

// lenient returns requests of the forms that a server should accept.
func lenient() File {
	const file = "lenient"
	axes := []axis{
		endpointAxis("envelope-lenient"), stemAxis(), idAxis(), lenientMethodAxis(), bodyFormAxis(), lenientHeaderAxis(),
		unknownAxis(),
	}
	list := product(file, "envelope-lenient", axes, func(name, requirement string) *draft {
		d := newDraft(file, name, requirement, "inspect")
		d.answer(200)
		return d
	}, receive)
	list = append(list, duplicates(file)...)
	list = append(list, copied(file)...)
	list = append(list, claims(file)...)
	return File{Format, "Requests in the forms that a server should accept as well.", append(list, ignored(file)...)}
}

// duplicates returns requests in which a member occurs twice, once with null.
func duplicates(file string) (list []Vector) {
	for _, each := range []struct {
		name, first, last string
		body              Body
	}{
		{"null-last", `"eA=="`, "null", NoBody},
		{"null-first", "null", `"eA=="`, BodyOf(Text("x"))},
		{"empty-last", `"eA=="`, `""`, BodyOf(Text(""))},
		{"invalid-first", "7", `"eA=="`, BodyOf(Text("x"))},
	} {
		d := newDraft(file, "duplicate-body-"+each.name, "envelope-duplicates", "inspect")
		d.put("body", each.first)
		d.members[4].value = Text(each.last)
		d.Expect.Body = each.body
		d.answer(200)
		receive(d)
		list = append(list, d.vector())
	}
	return list
}

// copied returns requests whose url and "expires" the response has to copy.
func copied(file string) (list []Vector) {
	for _, each := range []struct{ name, rest string }{
		{"plain", "echo"}, {"slash", "echo/"}, {"slashes", "/echo"}, {"escape", "ech%6F"},
		{"query", "echo?q=<1>&x='%20'#top"}, {"all", "/ech%6f/?q=ü#top?x"},
	} {
		d := newDraft(file, "url-"+each.name, "envelope-url", "echo")
		d.set("url", quoted(urlOf(each.rest)))
		d.Expect.URL = urlOf(each.rest)
		d.answer(200)
		list = append(list, d.vector())
	}
	for _, each := range []struct{ name, text, same string }{
		{"utc", `"2099-11-23T12:10:00Z"`, "2099-11-23T12:10:00Z"},
		{"east", `"2099-11-23T12:10:00.25+05:30"`, "2099-11-23T06:40:00.25Z"},
		{"west", `"2099-12-31T23:59:59-12:00"`, "2100-01-01T11:59:59Z"},
		{"microseconds", `"2099-11-23T12:10:00.000001+00:00"`, "2099-11-23T12:10:00.000001Z"},
	} {
		d := newDraft(file, "expires-as-"+each.name, "envelope-expires", "echo")
		d.set("expires", each.text)
		d.Expect.Expires = each.same
		d.answer(200)
		list = append(list, d.vector())
	}
	return list
}

// claims returns requests with headers that claim an identity.
func claims(file string) (list []Vector) {
	for _, each := range []struct {
		name, headers string
		absent        []string
	}{
		{"original-sender", `{"X-Syft-Original-Sender":"forged@example.com","X-Other":"kept"}`, []string{"X-Syft-Original-Sender"}},
		{"decrypted", `{"x-syft-decrypted":"true","X-Other":"kept"}`, []string{"X-Syft-Decrypted"}},
		{"two-spellings", `{"X-Syft-Decrypted":"1","x-syft-decrypted":"2","X-SYFT-DECRYPTED":"3","X-Other":"kept"}`, []string{"X-Syft-Decrypted"}},
		{"escaped-name", `{"X-\u0053yft-Original-Sender":"forged@example.com","X-Other":"kept"}`, []string{"X-Syft-Original-Sender"}},
	} {
		d := newDraft(file, "claim-"+each.name, "identity-headers", "inspect")
		d.set("headers", each.headers)
		kept := "kept"
		d.see().Headers = map[string]*string{"X-Other": &kept}
		for _, name := range each.absent {
			d.see().Headers[name] = nil
		}
		d.answer(200)
		list = append(list, d.vector())
	}
	return list
}

// ignored returns files with the markers of older clients, and below a sender's folder.
func ignored(file string) (list []Vector) {
	for _, each := range []struct{ name, requirement, sender, stem string }{
		{"old-rejected", "detect-old-markers", "client@example.com", "a-%s.syftrejected"},
		{"old-conflict", "detect-old-markers", "client@example.com", "a-%s.syftconflict"},
		{"deeper", "detect-deeper", "client@example.com/deeper", "a-%s"},
	} {
		d := newDraft(file, "ignored-"+each.name, each.requirement, "record")
		d.Sender = Text(each.sender)
		d.stem(fmt.Sprintf(each.stem, d.key))
		d.unset("id")
		d.run(0)
		list = append(list, d.vector())
	}
	return list
}
