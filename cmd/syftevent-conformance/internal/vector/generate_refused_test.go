package vector

import "strings"

// refused returns requests that a server should answer without running them.
func refused() File {
	const file = "refused"
	var list []Vector
	for _, part := range [][]Vector{
		refusedValues(file), refusedFiles(file), refusedIdentities(file), refusedURLs(file), refusedTimes(file), refusedEndpoints(file),
	} {
		list = append(list, part...)
	}
	return File{Format, "Requests that a server should answer without running them.", list}
}

// refusal returns a draft of a request that is answered with one of some statuses, and not run.
func refusal(file, name, requirement string, statuses ...int) *draft {
	d := newDraft(file, name, requirement, "record")
	d.answer(statuses...)
	d.run(0)
	return d
}

// refusedValues returns requests in which one member has no valid value. Each value is named.
func refusedValues(file string) (list []Vector) {
	values := map[string]string{
		"null": "null", "true": "true", "number": "7", "zero": "0", "text": `"x"`, "empty": `""`,
		"array": "[]", "object": "{}", "text-in-array": `["x"]`,
		"small": `"post"`, "unknown": `"OPTIONS"`, "space": `" GET"`,
		"percent": `"%%%%"`, "inner-padding": `"eA==eA=="`, "one-character": `"e"`, "not-ascii": `"eé=="`,
		"word": `"soon"`, "month-13": `"2099-13-01T00:00:00Z"`, "february-30": `"2099-02-30T00:00:00Z"`, "hour-25": `"2099-01-01T25:00:00Z"`,
		"number-in-object": `{"n":1}`, "null-in-object": `{"n":null}`, "object-in-object": `{"n":{}}`, "array-in-object": `{"n":["x"]}`, "true-in-object": `{"a":"b","n":true}`,
	}
	for _, each := range []struct{ member, values string }{
		{"id", "null number true array object"},
		{"sender", "null number true array object"},
		{"url", "null number true array object empty text"},
		{"body", "number true array object percent one-character not-ascii inner-padding"},
		{"headers", "null number true text array text-in-array number-in-object null-in-object object-in-object array-in-object true-in-object"},
		{"created", "null true array object word empty month-13 february-30 hour-25"},
		{"expires", "null true array object word empty month-13 february-30 hour-25"},
		{"method", "null number true array object empty small unknown space"},
	} {
		for name := range strings.FieldsSeq(each.values) {
			d := refusal(file, each.member+"-"+name, "envelope-invalid", 400)
			d.set(each.member, values[name])
			list = append(list, d.vector())
		}
	}
	for _, member := range []string{"sender", "url"} {
		d := refusal(file, member+"-absent", "envelope-invalid", 400)
		d.unset(member)
		list = append(list, d.vector())
	}
	d := refusal(file, "fields-in-capitals", "envelope-invalid", 400)
	for i := range d.members {
		d.members[i].name = strings.ToUpper(d.members[i].name)
	}
	return append(list, d.vector())
}

// refusedFiles returns files that are one JSON value, but no request.
func refusedFiles(file string) (list []Vector) {
	for _, each := range [][2]string{
		{"array", "[]"}, {"object", "{}"}, {"text", `""`}, {"zero", "0"}, {"number", "-1.5e3"},
		{"true", "true"}, {"false", "false"}, {"null", "null"}, {"spaces", " \r\n\t{ } \n"},
		{"request-in-array", `[{"sender":"client@example.com","url":"syft://{server}/app_data/{app}/rpc/record"}]`},
		{"request-in-text", `"{\"sender\":\"client@example.com\"}"`},
	} {
		d := refusal(file, "file-"+each[0], "envelope-invalid", 400)
		d.Request = Text(each[1])
		list = append(list, d.vector())
	}
	return list
}

// refusedIdentities returns requests whose sender or id is not that of their path.
func refusedIdentities(file string) (list []Vector) {
	for _, each := range []struct{ name, folder, sender string }{
		{"other", "client@example.com", "carol@example.com"},
		{"case", "client@example.com", "Client@example.com"},
		{"case-of-folder", "Client@Example.com", "client@example.com"},
		{"kelvin", "kate@example.com", `\u212aate@example.com`},
		{"composed", "cafe\u0301@example.com", "caf\u00e9@example.com"},
		{"prefix", "client@example.com", "client@example.co"},
		{"longer", "client@example.com", "client@example.com.evil.org"},
		{"plus", "client@example.com", "client+x@example.com"},
		{"path", "client@example.com", "../record/client@example.com"},
		{"name", "client@example.com", "Client <client@example.com>"},
	} {
		d := refusal(file, "sender-"+each.name, "identity-refuse", 403)
		d.sender(each.folder)
		d.set("sender", quoted(each.sender))
		list = append(list, d.vector())
	}
	for _, each := range [][2]string{
		{"other", "00000000-0000-4000-8000-00000000beef"}, {"word", "hello"}, {"path", "../../../escaped"},
		{"parent", ".."}, {"suffix", "{stem}.request"}, {"longer", "{stem}0"}, {"space", " {stem}"}, {"braces", "{stem}x"},
	} {
		d := refusal(file, "id-"+each[0], "identity-id", 400)
		d.set("id", quoted(strings.ReplaceAll(each[1], "{stem}", d.stemText())))
		list = append(list, d.vector())
	}
	return list
}

// refusedURLs returns requests whose url is not that of their folder.
func refusedURLs(file string) (list []Vector) {
	for _, each := range [][2]string{
		{"endpoint", "syft://{server}/app_data/{app}/rpc/echo"},
		{"capitals", "syft://{server}/app_data/{app}/rpc/RECORD"},
		{"suffix", "syft://{server}/app_data/{app}/rpc/v2/record"},
		{"deeper", "syft://{server}/app_data/{app}/rpc/record/more"},
		{"above", "syft://{server}/app_data/{app}/rpc"},
		{"app", "syft://{server}/app_data/other/rpc/record"},
		{"longer-app", "syft://{server}/app_data/{app}x/rpc/record"},
		{"datasite", "syft://carol@example.com/app_data/{app}/rpc/record"},
		{"longer-datasite", "syft://{server}.org/app_data/{app}/rpc/record"},
		{"no-rpc", "syft://{server}/app_data/{app}/record"},
		{"public", "syft://{server}/public/{app}/rpc/record"},
		{"traversal", "syft://{server}/app_data/{app}/rpc/../../../escaped"},
		{"http", "http://{server}/app_data/{app}/rpc/record"},
		{"path", "/app_data/{app}/rpc/record"},
		{"no-datasite", "syft:///app_data/{app}/rpc/record"},
	} {
		d := refusal(file, "url-of-"+each[0], "identity-url", 400)
		d.set("url", quoted(each[1]))
		list = append(list, d.vector())
	}
	return list
}

// refusedTimes returns requests that have expired.
func refusedTimes(file string) (list []Vector) {
	for _, each := range [][2]string{
		{"utc", `"2020-01-01T00:00:00Z"`}, {"offset", `"2020-01-01T00:00:00.123456+00:00"`},
		{"east", `"{now-1h+14:00}"`}, {"half-hour", `"{now-10m+05:30}"`},
	} {
		d := refusal(file, "expired-"+each[0], "fail-expired", 419)
		d.set("expires", each[1])
		list = append(list, d.vector())
	}
	d := refusal(file, "expired-before-created", "fail-expired", 419)
	d.set("created", `"2199-01-01T00:00:00Z"`)
	d.set("expires", `"2020-01-01T00:00:00Z"`)
	return append(list, d.vector())
}

// refusedEndpoints returns requests to endpoints that do not exist, and to one that fails.
func refusedEndpoints(file string) (list []Vector) {
	for _, each := range [][2]string{{"word", "nowhere"}, {"deep", "no/such/endpoint"}, {"below", "echo/more"}, {"above-items", "items"}} {
		d := newDraft(file, "unknown-"+each[0], "route-unknown", each[1])
		d.answer(404)
		list = append(list, d.vector())
	}
	for _, method := range []string{"GET", "HEAD", "DELETE"} {
		d := newDraft(file, "fail-"+strings.ToLower(method), "fail-text", "fail")
		d.set("method", quoted(method))
		d.answer(500)
		list = append(list, d.vector())
	}
	return list
}
