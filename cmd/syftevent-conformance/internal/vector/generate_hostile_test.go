package vector

import (
	"fmt"
	"strings"
)

// hostileDepth is deep enough for every parser that recurses without a limit, in a file of
// 400 KB.
const hostileDepth = 200_000

// A hostileValue is a value that could end a server, by name.
type hostileValue struct {
	name  string
	value Content
}

// hostile returns files for which SPEC.md leaves the response open, and which could end a
// server.
func hostile() File {
	const file = "hostile"
	var list []Vector
	add := func(name string) *draft {
		d := newDraft(file, name, "proc-survive", "echo")
		d.sender("mallory@example.com")
		d.set("sender", `"mallory@example.com"`)
		return d
	}
	for _, group := range []struct {
		members string
		values  []hostileValue
	}{
		{"id sender url body method created expires headers other", append(texts(), deep()...)},
		{"body created expires other", numbers()},
		{"created expires", hostileTimes()},
		{"headers", wide()},
	} {
		for member := range strings.FieldsSeq(group.members) {
			for _, v := range group.values {
				d := add(member + "-" + v.name)
				d.setContent(member, v.value)
				list = append(list, d.vector())
			}
		}
	}
	list = append(list, hostileMembers(add)...)
	list = append(list, hostileFiles(add)...)
	return File{Format, "Files and names for which SPEC.md leaves the response open, and which could end a server.", append(list, hostileNames(add)...)}
}

func texts() []hostileValue {
	return []hostileValue{
		{"high-surrogate", Text(`"\ud800"`)}, {"swapped-surrogates", Text(`"\udc00\ud800"`)}, {"nul", Text(`"\u0000"`)},
		{"long", Join(Text(`"`), Repeated("x", 70_000), Text(`"`))}, {"formats", Text(`"{}{0}%s%n${x}"`)}, {"escapes", Text(`"%00%ff%zz/../../etc/passwd"`)},
	}
}

func deep() []hostileValue {
	return []hostileValue{
		{"deep", Join(Repeated("[", 5_000), Repeated("]", 5_000))},
		{"deeper", Join(Repeated(`{"a":[`, hostileDepth/4), Repeated("]}", hostileDepth/4))},
	}
}

func numbers() (list []hostileValue) {
	for _, each := range [][2]string{
		{"1e300", "1e300"}, {"minus-1e300", "-1e300"}, {"1e999", "1e999"}, {"2-to-the-64", "18446744073709551616"}, {"2-to-the-63", "-9223372036854775809"},
		{"1e-400", "0.1e-400"}, {"1e15", "1e15"}, {"1e12", "1e12"}, {"minus-0", "-0"},
	} {
		list = append(list, hostileValue{each[0], Text(each[1])})
	}
	return append(list, hostileValue{"digits", Repeated("9", 10_000)})
}

func hostileTimes() (list []hostileValue) {
	for _, each := range [][2]string{
		{"year-0", "0000-01-01T00:00:00Z"}, {"year-1", "0001-01-01T00:00:00+14:00"}, {"year-9999", "9999-12-31T23:59:59-14:00"}, {"year-10000", "10000-01-01T00:00:00Z"},
		{"minus-year", "-0001-01-01T00:00:00Z"}, {"second-60", "2099-12-31T23:59:60Z"}, {"hour-24", "2099-12-31T24:00:00Z"}, {"date", "2099-12-31"}, {"week", "2099-W01-1"},
		{"offset-99", "2099-12-31T23:59:59+99:99"}, {"long-fraction", "2099-12-31T23:59:59." + strings.Repeat("9", 1_000) + "Z"}, {"letters", "２０９９-12-31T23:59:59Z"}, {"spaces", " 2099-12-31T23:59:59Z "},
	} {
		list = append(list, hostileValue{each[0], Text(quoted(each[1]))})
	}
	return list
}

func wide() []hostileValue {
	return []hostileValue{
		{"wide", Join(Text(`{"last":""`), Repeated(`,"h":""`, 100_000), Text("}"))},
		{"empty-name", Text(`{"":""}`)}, {"surrogate-name", Text(`{"\ud800":"\ud800"}`)}, {"nul-name", Text(`{"a\u0000b":"\u0000"}`)},
		{"long-name", Join(Text(`{"`), Repeated("h", 9_000), Text(`":"v"}`))}, {"line-end", Text(`{"a\r\nb: c":"d\r\ne: f"}`)}, {"proto", Text(`{"__proto__":"x","constructor":"y","__class__":"z"}`)},
	}
}

// hostileMembers returns requests with members whose names could end a server.
func hostileMembers(add func(name string) *draft) (list []Vector) {
	for _, name := range []string{`\ud800`, "", "__proto__", "__class__", `\u0000`, `id\u0000`} {
		d := add(fmt.Sprintf("member-%d", len(list)+1))
		d.add(name, Text(`"x"`))
		list = append(list, d.vector())
	}
	d := add("members-many")
	d.join = func(members []member) Content {
		whole := string(compact(members).Bytes())
		return Join(Text(whole[:len(whole)-1]), Repeated(`,"a":0`, 100_000), Text("}"))
	}
	return append(list, d.vector())
}

func hostileFiles(add func(name string) *draft) (list []Vector) {
	bom := add("byte-order-mark")
	bom.join = func(members []member) Content { return Join(Text("\ufeff"), compact(members)) }
	spaces := add("spaces-after")
	spaces.join = func(members []member) Content { return Join(compact(members), Repeated(" ", 500_000)) }
	utf16 := add("utf-16")
	utf16.join = func(members []member) Content {
		return Split(utf16Of(`{"sender":"mallory@example.com","url":"syft://bob@example.com/app_data/x/rpc/echo"}`))
	}
	utf8 := add("not-utf-8")
	utf8.setContent("other", Split([]byte("\"\x80\xed\xa0\x80\"")))
	closed := add("deep-arrays")
	closed.join = func([]member) Content { return Join(Repeated("[", hostileDepth), Repeated("]", hostileDepth)) }
	for _, d := range []*draft{bom, spaces, utf16, utf8, closed} {
		list = append(list, d.vector())
	}
	return list
}

// hostileNames returns requests in files, and in folders of a sender, whose names could end a
// server. Not every system has them.
func hostileNames(add func(name string) *draft) (list []Vector) {
	for _, each := range [][2]string{
		{"bytes", "\xff\xfe"}, {"half-character", "a\xc3"}, {"surrogate", "\xed\xa0\x80"}, {"control", "\x01\x7f"}, {"right-to-left", "\u202e"}, {"option", "-rf"}, {"home", "~"},
		{"shell", "$(id)"}, {"backslash", `a\b`}, {"device", "con"}, {"line-end", "a\nb"}, {"long", strings.Repeat("n", 240)}, {"format", "%s%n"}, {"dots", "a..b"}, {"space-last", "a "},
	} {
		file := add("file-" + each[0])
		file.Stem = Split([]byte(each[1]))
		folder := add("folder-" + each[0])
		folder.Endpoint, folder.Sender, folder.Stem = "echo/mallory@example.com", Split([]byte(each[1])), Text("a")
		for _, d := range []*draft{file, folder} {
			d.Optional = true
			d.unset("id")
			list = append(list, d.vector())
		}
	}
	return list
}
