package vector

import (
	"fmt"
	"strings"
)

// malformed returns files that are no complete JSON value.
func malformed() File {
	const file = "malformed"
	d := refusal(file, "x", "read-settle", 400)
	request := string(d.join(d.members).Bytes())
	var list []Vector
	add := func(name string, content Content) {
		d := refusal(file, name, "read-settle", 400)
		d.Request = content
		list = append(list, d.vector())
	}

	// A request that is cut at each byte. Two characters have several bytes, and two have
	// escapes. Where the server is does not matter: a part of a request is never decoded.
	cut := `{"sender":"client@example.com","url":"syft://bob@example.com/app_data/x/rpc/record","body":"aGk=","headers":{"ä":"\ud83d\ude00🙂"},"created":-1.5e3}`
	for n := range len(cut) {
		add(fmt.Sprintf("cut-%03d", n), Split([]byte(cut[:n])))
	}

	for _, each := range [][2]string{
		{"bracket", "{]"}, {"bracket-again", `{"sender":"client@example.com"]`}, {"two-values", "{}{}"}, {"array-and-object", "[]{}"},
		{"no-colon", `{"sender" "client@example.com"}`}, {"no-comma", `{"a":1 "b":2}`}, {"no-quotes", "{sender:1}"}, {"single-quotes", "{'sender':'x'}"},
		{"comma-at-end", `{"a":1,}`}, {"comma-in-array", `{"a":[1,]}`}, {"comma-first", `{,"a":1}`}, {"no-value", `{"a":}`}, {"no-name", `{:1}`}, {"number-as-name", `{1:2}`},
		{"comment", "{} // request"}, {"block-comment", "/* request */ {}"}, {"nan", `{"a":NaN}`}, {"infinity", `{"a":-Infinity}`}, {"undefined", "undefined"}, {"capital-true", `{"a":True}`}, {"none", "None"},
		{"leading-zero", `{"a":01}`}, {"plus", `{"a":+1}`}, {"dot-first", `{"a":.5}`}, {"dot-last", `{"a":1.}`}, {"hexadecimal", `{"a":0x10}`}, {"no-exponent", `{"a":1e}`}, {"two-signs", `{"a":--1}`},
		{"bad-escape", `{"a":"\x41"}`}, {"short-escape", `{"a":"\u12"}`}, {"no-hexadecimal", `{"a":"\u12g4"}`}, {"capital-u", `{"a":"\U0001f600"}`},
		{"control-character", "{\"a\":\"\x01\"}"}, {"line-end-in-text", "{\"a\":\"b\nc\"}"}, {"tab-in-text", "{\"a\":\"b\tc\"}"},
		{"white-space-only", " \n"}, {"no-break-space", "\u00a0{}"}, {"form-feed", "\f{}"}, {"yaml", "sender: client@example.com\nurl: x\n"}, {"xml", "<request/>"},
	} {
		add(each[0], Text(each[1]))
	}
	add("garbage-after", Text(request+"}]garbage"))
	add("twice", Text(request+request))
	add("zero-after", Text(request+"\x00"))
	add("zeros", Repeated("\x00", 4096))
	add("half-zeros", Join(Text(request[:100]), Repeated("\x00", 100)))
	add("not-utf-8", Split([]byte("{\"a\":\"\xff\"}")))
	add("latin-1", Split([]byte(strings.Replace(request, "client@", "\xe4@", 1))))
	add("overlong", Split([]byte("{\"a\":\"\xc0\xaf\"}")))
	add("surrogate-in-utf-8", Split([]byte("{\"a\":\"\xed\xa0\x80\"}")))
	add("beyond-unicode", Split([]byte("{\"a\":\"\xf4\x90\x80\x80\"}")))
	add("bytes", Split([]byte("\xff\xfe\xfd")))
	add("utf-16", Split(utf16Of("{}")))
	add("gzip", Split([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00")))
	add("deep-arrays", Repeated("[", 200_000))
	add("deep-objects", Repeated(`{"a":`, 100_000))
	add("long-text", Join(Text(`{"a":"`), Repeated("x", 300_000)))
	return File{Format, "Files that are no complete JSON value, and stay like that.", list}
}

// utf16Of returns ASCII text in UTF-16 with a byte order mark.
func utf16Of(text string) []byte {
	out := []byte{0xff, 0xfe}
	for i := range len(text) {
		out = append(out, text[i], 0)
	}
	return out
}
