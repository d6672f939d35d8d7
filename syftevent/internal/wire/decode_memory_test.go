package wire

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// allocated returns the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// repeated returns an object with the minimal members, followed by text n times. %d in
// text is replaced by the number of the repetition.
func repeated(n int, text string) []byte {
	var b strings.Builder
	b.WriteString(`{` + minimal)
	for i := range n {
		b.WriteByte(',')
		if strings.Contains(text, "%d") {
			fmt.Fprintf(&b, text, i)
		} else {
			b.WriteString(text)
		}
	}
	return []byte(b.String() + `}`)
}

// Decoding allocates little more than the body, whatever a sender writes: unknown fields
// are skipped without copies.
func TestDecodeBoundsAllocations(t *testing.T) {
	const many, long = 10_000, 1 << 18
	base64Text := strings.Repeat("QUJD", long/4)
	tests := []struct {
		name string
		data []byte
		most uint64 // maximum bytes allocated
		err  string // substring of the error; "" means no error
	}{
		{"wide", repeated(many, `"%d":0`), 8 << 10, ""},
		{"one name repeated", repeated(many, `"0":0`), 8 << 10, ""},
		{"known field repeated", repeated(many, `"id":"x"`), 8 << 10, ""},
		{"headers repeated", repeated(many, `"headers":{"a":"b"}`), 8 << 10, ""},
		{"wide in an unknown field", []byte(`{` + minimal + `,"x":` + string(repeated(many, `"%d":{}`)) + `}`), 8 << 10, ""},
		{"deep in an unknown field", []byte(`{` + minimal + `,"x":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}`), 8 << 10, ""},
		{"deep objects", []byte(`{` + minimal + `,"x":` + strings.Repeat(`{"a":`, maxDepth-1) + "1" + strings.Repeat("}", maxDepth-1) + `}`), 8 << 10, ""},
		{"too deep", []byte(`{` + minimal + `,"x":` + strings.Repeat("[", 2*maxDepth) + strings.Repeat("]", 2*maxDepth) + `}`), 8 << 10, "nested more than"},
		{"deep and truncated", []byte(strings.Repeat(`{"a":`, 2*maxDepth)), 8 << 10, "nested more than"},
		{"deep in headers", []byte(`{` + minimal + `,"headers":` + strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1001)), 8 << 10, `"headers": must be an object of strings`},
		{"long name", repeated(1, `"`+strings.Repeat("n", long)+`":1`), 8 << 10, ""},
		{"long escaped name", repeated(1, `"`+strings.Repeat(`\u0041`, long/6)+`":1`), 8 << 10, ""},
		{"long unknown text", repeated(1, `"x":"`+strings.Repeat("n", long)+`"`), 8 << 10, ""},
		{"long unknown number", repeated(1, `"x":1`+strings.Repeat("0", long)+``), 8 << 10, ""},
		{"spaces", repeated(1, strings.Repeat(" ", long)+`"x":0`), 8 << 10, ""},

		{"maximum number of headers", withHeaders(MaxHeaders), 64 << 10, ""},
		{"one header too many", withHeaders(MaxHeaders + 1), 64 << 10, `"headers": must not have more than 256 members`},
		{"many headers", withHeaders(many), 64 << 10, `"headers": must not have more than 256 members`},
		{"one header repeated", []byte(`{` + minimal + `,"headers":` + string(repeated(many, `"a":"b"`)) + `}`), 64 << 10, "more than 256"},
		{"large header", repeated(1, `"headers":{"a":"`+strings.Repeat("v", MaxHeaderBytes-1)+`"}`), 2 << 20, ""},
		{"too large header", repeated(1, `"headers":{"a":"`+strings.Repeat("v", MaxHeaderBytes)+`"}`), 8 << 10, `"headers": must not have more than 1048576 bytes`},
		{"too large headers", repeated(1, `"headers":{"a":"`+strings.Repeat("v", MaxHeaderBytes/2)+`","b":"`+strings.Repeat("v", MaxHeaderBytes/2)+`"}`), 2 << 20, `"headers": must not have more than 1048576 bytes`},
		{"too large header name", repeated(1, `"headers":{"`+strings.Repeat("v", MaxHeaderBytes+1)+`":"a"}`), 8 << 10, `"headers": must not have more than 1048576 bytes`},
		{"header of escapes", repeated(1, `"headers":{"a":"`+strings.Repeat(`\u0041`, MaxHeaderBytes+1)+`"}`), 8 << 10, `"headers": must not have more than 1048576 bytes`},

		{"long id", repeated(1, `"id":"`+strings.Repeat("i", maxText)+`"`), 128 << 10, ""},
		{"too long id", repeated(1, `"id":"`+strings.Repeat("i", maxText+1)+`"`), 8 << 10, `"id": must not have more than 65536 bytes`},
		{"too long sender", repeated(1, `"sender":"`+strings.Repeat("i", long)+`"`), 8 << 10, `"sender": must not have more than 65536 bytes`},
		{"too long url", repeated(1, `"url":"`+strings.Repeat("i", long)+`"`), 8 << 10, `"url": must not have more than 65536 bytes`},
		{"url of escapes", repeated(1, `"url":"`+strings.Repeat(`\u000a`, maxText+1)+`"`), 8 << 10, `"url": must not have more than 65536 bytes`},
		{"long method", repeated(1, `"method":"`+strings.Repeat("G", maxText)+`"`), 128 << 10, `"method": must be GET`},
		{"too long method", repeated(1, `"method":"`+strings.Repeat("G", long)+`"`), 8 << 10, `"method": must not have more than 65536 bytes`},

		{"long number as a time", repeated(1, `"created":1`+strings.Repeat("0", long)), 8 << 10, `"created": must be a time`},
		{"long fraction of a time", repeated(1, `"expires":"2026-11-23T11:55:00.`+strings.Repeat("0", long)+`Z"`), 8 << 10, `"expires": must be a time`},
		{"array as a time", repeated(1, `"expires":[`+strings.Repeat(" ", long)+`]`), 8 << 10, `"expires": must be a time`},
		{"infinite time", repeated(1, `"created":1e400`), 8 << 10, `"created": must be a time`},
		{"huge exponent", repeated(1, `"created":1e`+strings.Repeat("9", 100)), 8 << 10, `"created": must be a time`},
		{"huge negative exponent", repeated(1, `"created":1e-`+strings.Repeat("9", 100)), 8 << 10, ""}, // 1970

		{"body", repeated(1, `"body":"`+base64Text+`"`), 208 << 10, ""},
		{"body with an escape", repeated(1, `"body":"\u0051`+base64Text[1:]+`"`), 208 << 10, ""},
		{"body of escapes", repeated(1, `"body":"`+strings.Repeat(`\u0041`, long/6/4*4)+`"`), 208 << 10, ""},
		{"body repeated", repeated(16, `"body":"`+base64Text[:1<<16]+`"`), 64 << 10, ""},
		{"body truncated", []byte(`{` + minimal + `,"body":"` + base64Text), 8 << 10, "not valid JSON"},
		{"body with an invalid last character", repeated(1, `"body":"`+base64Text+`!"`), 208 << 10, `"body": must be base64`},
		{"NULs", make([]byte, long), 8 << 10, "not a JSON object"},
		{"trailing NULs", append(repeated(1, `"x":0`), make([]byte, long)...), 8 << 10, "not valid JSON"},
		{"two values", append(repeated(many, `"%d":0`), "{}"...), 8 << 10, "not valid JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var err error
			if got := allocated(func() { _, err = DecodeRequest(test.data) }); got > test.most {
				t.Errorf("%d bytes allocated for %d bytes, want at most %d", got, len(test.data), test.most)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %.200v, want %q", err, test.err)
			}
			if wrong := (*FieldError)(nil); !errors.As(err, &wrong) && strings.HasPrefix(test.err, `"`) {
				t.Errorf("error %v is not a *FieldError", err)
			}
		})
	}
}

func TestCompleteDoesNotAllocate(t *testing.T) {
	for _, data := range [][]byte{
		repeated(1000, `"%d":{"a":["\ud83d\ude00",1e5]}`),
		[]byte(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth)),
		[]byte(strings.Repeat("[", 2*maxDepth)),
		[]byte(strings.Repeat(`{"a":`, maxDepth)),
	} {
		// On average: the runtime allocates at times.
		if n := testing.AllocsPerRun(20, func() { Complete(data) }); n > 0 {
			t.Errorf("Complete(%.20q): %v allocations, want 0", data, n)
		}
	}
}

func withHeaders(n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"h%d":"v"`, i)
	}
	return []byte(`{` + minimal + `,"headers":{` + b.String()[1:] + `}}`)
}
