package terminal

import (
	"strings"
	"testing"
)

func TestStatusLineReplacesItself(t *testing.T) {
	var out strings.Builder
	o := NewOutput(&out, Screen{Live: true, Width: func() int { return 10 }})
	o.Show("one")
	o.Show("one and two")
	o.Write([]byte("a line\n"))
	o.Show("three")
	o.Write([]byte("part"))
	o.Show("not in the middle of a line")
	o.Write([]byte(" and rest\n"))
	o.Show("")
	o.Show("four")
	o.Show("")
	want := "\r\x1b[Kone\r\x1b[Kone and …\r\x1b[Ka line\n\r\x1b[Kthree\r\x1b[Kpart and rest\n\r\x1b[Kfour\r\x1b[K"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestPipesReceiveNoStatusLine(t *testing.T) {
	var out strings.Builder
	o := NewOutput(&out, Screen{})
	o.Show("one")
	o.Write([]byte("a line\n"))
	o.Show("")
	if out.String() != "a line\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestUnknownWidthIs80Columns(t *testing.T) {
	for name, screen := range map[string]Screen{
		"no function": {Live: true},
		"0":           {Live: true, Width: func() int { return 0 }},
	} {
		var out strings.Builder
		NewOutput(&out, screen).Show(strings.Repeat("x", 100))
		if got := strings.Count(out.String(), "x"); got != 78 || !strings.HasSuffix(out.String(), "x…") {
			t.Errorf("%s: %d characters: %q", name, got, out.String())
		}
	}
}

func TestPaint(t *testing.T) {
	if got := (Screen{Color: true}).Paint(Red, "FAIL"); got != "\x1b[31mFAIL\x1b[0m" {
		t.Errorf("%q", got)
	}
	for _, got := range []string{Screen{}.Paint(Red, "FAIL"), Screen{Color: true}.Paint("", "FAIL")} {
		if got != "FAIL" {
			t.Errorf("%q", got)
		}
	}
}
