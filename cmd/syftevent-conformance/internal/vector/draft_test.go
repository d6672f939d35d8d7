package vector

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A draft is a vector that is being made, with the members of its request as JSON texts. The
// requests are made of texts, and what is expected is written down beside them: a decoder
// would hide its own mistakes.
type draft struct {
	Vector
	key     string // made from the name, different in each vector
	members []member
	join    func(members []member) Content // makes the request
}

// A member is a member of a request.
type member struct {
	name  string // as a JSON text without quotes
	value Content
}

// newDraft returns a vector with an ordinary request to an endpoint, in which the Python
// package would write it.
func newDraft(file, name, requirement, endpoint string) *draft {
	sum := sha256.Sum256([]byte(file + "/" + name))
	d := &draft{key: fmt.Sprintf("%x", sum[:4]), join: compact}
	d.Name, d.Requirement, d.Endpoint = name, requirement, endpoint
	d.sender("client@example.com")
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	d.stem(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
	d.set("id", quoted(d.stemText()))
	d.set("sender", `"client@example.com"`)
	d.set("url", `"`+urlOf(endpoint)+`"`)
	d.set("body", "null")
	d.set("headers", "{}")
	d.set("created", `"2026-11-23T11:55:00.040573+00:00"`)
	d.set("expires", `"2099-11-23T12:10:00.040308+00:00"`)
	d.set("method", `"POST"`)
	return d
}

func urlOf(endpoint string) string { return "syft://{server}/app_data/{app}/rpc/" + endpoint }

// quoted returns the JSON text of a text that needs no escapes.
func quoted(text string) string { return `"` + text + `"` }

func (d *draft) sender(address string) { d.Sender = Text(address) }
func (d *draft) stem(stem string)      { d.Stem = Text(stem) }
func (d *draft) stemText() string      { return string(d.Stem.Bytes()) }

// set sets a member, or appends it.
func (d *draft) set(name, value string) { d.setContent(name, Text(value)) }

func (d *draft) setContent(name string, value Content) {
	for i, m := range d.members {
		if m.name == name {
			d.members[i].value = value
			return
		}
	}
	d.add(name, value)
}

// add appends a member, even if there is one of that name.
func (d *draft) add(name string, value Content) { d.members = append(d.members, member{name, value}) }

// put inserts a member before all others.
func (d *draft) put(name, value string) {
	d.members = append([]member{{name, Text(value)}}, d.members...)
}

// unset removes members.
func (d *draft) unset(names ...string) {
	d.members = slices.DeleteFunc(d.members, func(m member) bool { return slices.Contains(names, m.name) })
}

// answer expects one of some statuses.
func (d *draft) answer(statuses ...int) { d.Expect.Status = statuses }

// run expects that /record runs the request so often.
func (d *draft) run(times int) { d.Expect.Runs = &times }

// vector returns the vector. A request that is set already stays.
func (d *draft) vector() Vector {
	if d.Request == nil {
		d.Request = d.join(d.members)
	}
	return d.Vector
}

// written returns a way to write an object.
func written(begin, colon, comma, end string) func(members []member) Content {
	return func(members []member) Content {
		out := Text(begin)
		for i, m := range members {
			if i > 0 {
				out = Join(out, Text(comma))
			}
			out = Join(out, Text(quoted(m.name)+colon), m.value)
		}
		return Join(out, Text(end))
	}
}

// The ways to write an object: without spaces, as Python's json.dumps does, on several lines
// with Windows line ends and tabs, and with the members in the reverse order.
var (
	compact = written("{", ":", ",", "}")
	spaced  = written("{", ": ", ", ", "}")
	lines   = written("\r\n{\r\n\t", "\t:\t", ",\r\n\t", "\r\n}\r\n")
)

func reversed(members []member) Content {
	members = slices.Clone(members)
	slices.Reverse(members)
	return compact(members)
}

// unescapedSlash matches a slash that has no escape, and what is before it.
var unescapedSlash = regexp.MustCompile(`(^|[^\\])/`)

// escaped writes the names of members and the slashes of values with escapes.
func escaped(members []member) Content {
	members = slices.Clone(members)
	for i, m := range members {
		members[i].name = fmt.Sprintf(`\u%04x%s`, m.name[0], m.name[1:])
		members[i].value = m.value.mapTexts(func(text string) string { return unescapedSlash.ReplaceAllString(text, `$1\/`) })
	}
	return compact(members)
}

// An axis is one way in which requests differ. Its first option is the ordinary one.
type axis struct {
	name    string
	options []option
}

// An option is a value of an axis.
type option struct {
	name        string
	requirement string // that a server violates that does not support it
	apply       func(d *draft)
}

// product returns a vector for each option, in which the others are ordinary, and then
// vectors with each pair of options. Finish is called at the end, because what is expected
// may depend on several options. Pairs have the requirement "every".
func product(file, every string, axes []axis, make func(name, requirement string) *draft, finish func(d *draft)) (list []Vector) {
	build := func(name, requirement, about string, row []int) {
		d := make(name, requirement)
		d.About = about
		for a, i := range row {
			if apply := axes[a].options[i].apply; apply != nil {
				apply(d)
			}
		}
		finish(d)
		list = append(list, d.vector())
	}
	sizes := []int{}
	for _, a := range axes {
		sizes = append(sizes, len(a.options))
	}
	build("ordinary", every, "", emptyRow(axes))
	for a := range axes {
		for i, o := range axes[a].options[1:] {
			row := emptyRow(axes)
			row[a] = i + 1
			build(axes[a].name+"-"+o.name, o.requirement, "", row)
		}
	}
	for n, row := range pairs(sizes) {
		var about []string
		for a, i := range row {
			if i > 0 {
				about = append(about, axes[a].name+" "+axes[a].options[i].name)
			}
		}
		build(fmt.Sprintf("pair-%03d", n+1), every, strings.Join(about, ", "), row)
	}
	return list
}

func emptyRow(axes []axis) []int { return make([]int, len(axes)) }
