package vector

// lenientTimeAxis has the forms of a time that a server should accept.
func lenientTimeAxis(name string) axis {
	a := timeAxis(name, "envelope-times",
		"naive", "2099-11-23T12:10:00",
		"naive-fraction", "2099-11-23T12:10:00.250")
	for _, each := range [][2]string{{"seconds", "4098600600"}, {"fraction", "4098600600.5"}} {
		a.options = append(a.options, option{each[0], "envelope-times", func(d *draft) { d.set(name, each[1]) }})
	}
	a.options = append(a.options, option{"absent", "envelope-defaults", func(d *draft) { d.unset(name) }})
	return a
}

// times returns requests whose times have a form that a server should accept. They are in a
// file of their own, because a time without an offset is what ends a server most often.
func times() File {
	const file = "times"
	axes := []axis{lenientTimeAxis("created"), lenientTimeAxis("expires")}
	list := product(file, "envelope-times", axes, func(name, requirement string) *draft {
		d := newDraft(file, name, requirement, "echo")
		d.answer(200)
		return d
	}, func(*draft) {})
	for _, each := range []struct{ name, text, same string }{
		{"naive", `"2099-11-23T12:10:00"`, "2099-11-23T12:10:00Z"},
		{"naive-fraction", `"2099-11-23T12:10:00.5"`, "2099-11-23T12:10:00.5Z"},
		{"seconds", "4098600600", "2099-11-17T12:10:00Z"},
		{"fraction", "4098600600.5", "2099-11-17T12:10:00.5Z"},
	} {
		d := newDraft(file, "copy-"+each.name, "envelope-expires", "echo")
		d.set("expires", each.text)
		d.Expect.Expires = each.same
		d.answer(200)
		list = append(list, d.vector())
	}
	for _, each := range [][2]string{
		{"naive", `"{now-10m}"`}, {"long-ago", `"2020-01-01T00:00:00"`}, {"seconds", "1700000000"}, {"fraction", "1700000000.5"}, {"zero", "0"}, {"negative", "-1.5"},
	} {
		d := refusal(file, "expired-"+each[0], "fail-expired", 419)
		d.set("expires", each[1])
		list = append(list, d.vector())
	}
	return File{Format, "Times in the forms that a server should accept as well.", list}
}
