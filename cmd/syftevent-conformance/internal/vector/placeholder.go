package vector

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Values are what the placeholders of a vector stand for.
type Values struct {
	// Server is the address of the server, and App the name of its app.
	Server, App string
	// Now is the time at which the vectors are delivered.
	Now time.Time
}

// placeholder matches a placeholder. A JSON object cannot begin like one.
var placeholder = regexp.MustCompile(`\{(?:server|app|now[^{}"]*)\}`)

// momentPattern matches a time in relation to now, with its offset from UTC:
// {now-1h+14:00} was an hour ago, and {now+10mZ} is in ten minutes. Without an offset the
// time has none, and is that of UTC.
var momentPattern = regexp.MustCompile(`^\{now([+-][0-9]+[smh])(Z|[+-][0-9]{2}:[0-9]{2})?\}$`)

// Fill returns a vector with values in place of placeholders.
func Fill(v Vector, values Values) Vector {
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(found string) string {
			filled, err := values.fill(found)
			if err != nil {
				return found // it has been checked
			}
			return filled
		})
	}
	v.Request = v.Request.mapTexts(fill)
	v.Expect.URL = fill(v.Expect.URL)
	if v.Expect.Seen != nil {
		seen := *v.Expect.Seen
		seen.URL = fill(seen.URL)
		v.Expect.Seen = &seen
	}
	return v
}

// fill returns what stands in place of a placeholder.
func (v Values) fill(name string) (string, error) {
	switch name {
	case "{server}":
		return v.Server, nil
	case "{app}":
		return v.App, nil
	}
	m := momentPattern.FindStringSubmatch(name)
	if m == nil {
		return "", fmt.Errorf("unknown placeholder %s: want a time such as {now-1h+14:00}", name)
	}
	away, err := time.ParseDuration(m[1])
	if err != nil {
		return "", fmt.Errorf("placeholder %s: %w", name, err)
	}
	const local = "2006-01-02T15:04:05"
	moment := v.Now.Add(away).UTC()
	if m[2] == "" || m[2] == "Z" {
		return moment.Format(local) + m[2], nil
	}
	zone, err := time.Parse("-07:00", m[2])
	if err != nil {
		return "", fmt.Errorf("placeholder %s: %w", name, err)
	}
	return moment.In(zone.Location()).Format(local) + m[2], nil
}

// checkPlaceholders returns an error if a placeholder is unknown, or is where none is filled.
func (v Vector) checkPlaceholders() error {
	texts := []string{v.Expect.URL}
	if v.Expect.Seen != nil {
		texts = append(texts, v.Expect.Seen.URL)
	}
	for _, p := range v.Request {
		texts = append(texts, p.Text)
	}
	for _, found := range placeholder.FindAllString(strings.Join(texts, "\n"), -1) {
		if _, err := (Values{}).fill(found); err != nil {
			return err
		}
	}
	return nil
}
