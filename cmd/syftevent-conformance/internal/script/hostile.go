package script

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// hostileSender sends the files of the command hostile.
const hostileSender = "mallory@example.com"

// hostileDepth is deep enough for every parser that recurses without a limit, in a file of
// 400 KB.
const hostileDepth = 200_000

// commandHostile writes files that could end a server: a member with each of hostileValues,
// requests that are cut at each byte, whole files that are no request, and names that are
// not UTF-8.
func (r *requests) commandHostile(_ *testscript.TestScript, args []string) error {
	if len(args) != 0 {
		return errUsage
	}
	if err := r.started(); err != nil {
		return err
	}
	for _, data := range hostileFiles() {
		if _, err := r.deliverData(r.burstStem(), hostileSender, "echo", data); err != nil {
			return err
		}
	}
	return r.deliverHostileNames()
}

// hostileFiles returns the contents of the files.
func hostileFiles() [][]byte {
	stem := "00000000-0000-4000-a000-000000000000"
	members := map[string]string{
		"id": fmt.Sprintf("%q", stem), "sender": fmt.Sprintf("%q", hostileSender),
		"url":  fmt.Sprintf("%q", "syft://"+ServerEmail+"/app_data/"+App+"/rpc/echo"),
		"body": `"aGk="`, "headers": `{"a":"b"}`, "method": `"POST"`,
		"created": `"2026-11-23T11:55:00Z"`, "expires": `"2099-11-23T12:10:00Z"`,
	}
	names := []string{"id", "sender", "url", "body", "headers", "created", "expires", "method"}
	with := func(name, value string) []byte {
		var out bytes.Buffer
		for i, n := range append(names[:len(names):len(names)], "other") {
			v, known := members[n]
			if n == name {
				v, known = value, true
			}
			if known {
				fmt.Fprintf(&out, "%c%q:%s", "{,"[min(i, 1)], n, v)
			}
		}
		return append(out.Bytes(), '}')
	}
	var files [][]byte
	for _, name := range append(names, "other") {
		for _, value := range hostileValues() {
			files = append(files, with(name, value))
		}
	}
	whole := with("", "")
	for n := range whole {
		files = append(files, whole[:n])
	}
	return append(files,
		[]byte("\xef\xbb\xbf"+string(whole)),                  // a byte order mark
		append([]byte{0xff, 0xfe}, utf16Of(string(whole))...), // UTF-16
		bytes.Repeat([]byte{0}, 4096),
		append(whole, whole...),
		append(whole[:len(whole):len(whole)], "}]garbage"...),
		[]byte("\xff\xfe\xfd"),
		[]byte(strings.Repeat("[", hostileDepth)),
		[]byte(strings.Repeat(`{"a":`, hostileDepth)),
		[]byte(`"text"`), []byte("1e999"), []byte("[]"), []byte("true"),
	)
}

// hostileValues returns values of a member.
func hostileValues() []string {
	return []string{
		"null", "true", "[]", "{}", `""`, "0", "-1", "1e300", "-1e300", "1e999", "18446744073709551616",
		"0.1e-400", "NaN", "Infinity", `"\ud800"`, `"\udc00\ud800"`, `"\u0000"`, "\"\x80\"", "\"\xed\xa0\x80\"", "\"\x01\"",
		`"` + strings.Repeat("x", 70_000) + `"`, `"../../../../etc/passwd"`, `"%00%ff%zz"`, `"{}{0}%s%n"`,
		`"0000-00-00T00:00:00Z"`, `"9999-12-31T23:59:59+14:00"`, `"0001-01-01T00:00:00-12:00"`, `"2026-02-30T25:61:61Z"`,
		strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
		strings.Repeat("[", hostileDepth) + strings.Repeat("]", hostileDepth),
		`{"\ud800":"\ud800","":"","a\u0000b":"\u0000","` + strings.Repeat("h", 9_000) + `":"v"}`,
	}
}

// utf16Of returns ASCII text in UTF-16.
func utf16Of(text string) []byte {
	var out []byte
	for i := range len(text) {
		out = append(out, text[i], 0)
	}
	return out
}

// hostileNames are names of files and folders. Not every system has them.
var hostileNames = []string{
	"\xff\xfe", "a\xc3", "\xed\xa0\x80", "\x01\x7f", "\u202e", "-rf", "~", "$(id)", "a\\b", "con", "nul.txt",
	"a\nb", strings.Repeat("n", 240),
}

// deliverHostileNames writes a request and a folder with a request under each of
// hostileNames.
func (r *requests) deliverHostileNames() error {
	folder := filepath.Join(r.rpc(), "echo", hostileSender)
	written := 0
	for _, name := range hostileNames {
		data := fmt.Appendf(nil, `{"sender":%q,"url":"syft://%s/app_data/%s/rpc/echo","expires":%q}`,
			hostileSender, ServerEmail, App, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		for _, file := range []string{filepath.Join(folder, name+".request"), filepath.Join(folder, name, "a.request")} {
			if os.MkdirAll(filepath.Dir(file), 0o755) == nil && os.WriteFile(file, data, 0o644) == nil {
				written++
			}
		}
	}
	if written == 0 {
		return fmt.Errorf("hostile: none of the names could be written in %s", folder)
	}
	return nil
}
