package bench

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	table := Table{Out: &out, Subjects: []Subject{{Name: "ours"}, {Name: "theirs"}, Bare}}
	table.Head()
	more, less := Measure{Name: "speed", Unit: "1/s", What: "fast", More: true}, Measure{Name: "time", Unit: "s", What: "short"}
	table.Row(Row{more, []Figure{
		{Subject: "ours", Value: 1000, Low: 900, High: 1100},
		{Subject: "theirs", Value: 250, Low: 250, High: 250},
		{Subject: Bare.Name, Value: 1250, Low: 1250, High: 1250},
	}})
	table.Row(Row{less, []Figure{
		{Subject: "ours", Value: 0.5, Low: 0.5, High: 0.5},
		{Subject: "theirs", Value: 12, Low: 12, High: 12},
	}})
	table.Row(Row{less, []Figure{
		{Subject: "ours", Value: 0.5, Low: 0.5, High: 0.5},
		{Subject: "theirs", Err: errors.New("it\nbroke | badly")},
	}})
	want := `| measure | unit | ours | theirs | ours is | bare loop | ours is |
|---|---|---|---|---|---|---|
| speed: fast | 1/s | 1000 (900 to 1100) | 250 | 4.00x | 1250 | 0.80x |
| time: short | s | 0.50 | 12.0 | 24.0x |  |  |
| time: short | s | 0.50 | failed: it broke / badly |  |  |  |
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
