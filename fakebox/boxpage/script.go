package boxpage

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// bodyOf returns the body of a request file.
func bodyOf(data []byte) string {
	var fields struct {
		Body string `json:"body"`
	}
	if json.Unmarshal(data, &fields) != nil {
		return ""
	}
	body, err := decodeBase64(fields.Body)
	if err != nil {
		return fields.Body
	}
	return string(body)
}

// isOneLine reports whether a script can contain text in one line, without surprises in a
// terminal.
func isOneLine(text string) bool {
	return len(text) < 4<<10 && utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// quoteScript quotes a word of a testscript command.
func quoteScript(word string) string {
	word = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, word)
	if word != "" && !strings.ContainsAny(word, " '\"$#&<>|;\\\t") || emailPattern.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", "''") + "'"
}

// quoteShell quotes a word of a shell command.
func quoteShell(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// quotePython returns a Python string literal.
func quotePython(text string) string {
	quoted := strconv.QuoteToASCII(strings.ToValidUTF8(text, "\uFFFD"))
	return quoted // Go's escapes \x, \u, \U and \n mean the same in Python
}

// serveSnippets replies with programs that send a request.
func (p *Page) serveSnippets(w http.ResponseWriter, req *http.Request) {
	o, ok := readOutgoing(w, req)
	if !ok {
		return
	}
	config := ""
	if r, ok := p.box.Replica(o.From); ok {
		config = r.ConfigPath()
	}
	reply(w, http.StatusOK, map[string]string{
		"curl": p.curl(&o), "go": goProgram(&o, config), "python": pythonProgram(&o, config), "testscript": o.testscript(),
	})
}

func (p *Page) curl(o *outgoing) string {
	gateway := p.options.Gateway
	if gateway == "" {
		gateway = "http://GATEWAY" // a test serves it with Box.Gateway
	}
	query := url.Values{"suffix-sender": {"true"}, "timeout": {"5000"}, "x-syft-from": {o.From}, "x-syft-url": {o.url()}}
	words := []string{"curl", "-X", quoteShell(o.Method)}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		words = append(words, "-H", quoteShell(name+": "+o.Headers[name]))
	}
	if o.Body != "" {
		words = append(words, "--data-binary", quoteShell(o.Body))
	}
	return o.gatewayNotes() + strings.Join(append(words, quoteShell(gateway+"/api/v1/send/msg?"+query.Encode())), " ")
}

// gatewayNotes returns comments that say what the gateway does not send.
func (o *outgoing) gatewayNotes() string {
	notes := ""
	if d := o.expiry(); d != gatewayExpiry {
		notes += fmt.Sprintf("# SyftBox's HTTP gateway lets every request expire after %s: this command cannot set the expiry of %s.\n", short(gatewayExpiry), short(d))
	}
	switch o.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
	default:
		notes += "# The gateway does not support the method " + o.Method + ".\n"
	}
	return notes
}

// gatewayExpiry is the time until a request expires that the HTTP gateway has created.
const gatewayExpiry = 24 * time.Hour

// short returns a duration without units that are zero.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func goProgram(o *outgoing, config string) string {
	var out strings.Builder
	body := "nil"
	if o.Body != "" {
		body = strconv.Quote(o.Body)
	}
	out.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"log\"\n\t\"time\"\n\n\t\"github.com/syftevent/syftevent-go/syftevent\"\n)\n\nfunc main() {\n")
	fmt.Fprintf(&out, "\tclient, err := syftevent.LoadClient(%q)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", config)
	fmt.Fprintf(&out, "\treq, err := syftevent.NewRequest(%q, %q, %s)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n", o.Method, o.url(), body)
	fmt.Fprintf(&out, "\treq.Expires = time.Now().Add(%d * time.Second)\n", int(o.expiry().Seconds()))
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		fmt.Fprintf(&out, "\treq.Headers.Set(%q, %q)\n", name, o.Headers[name])
	}
	out.WriteString("\tresponse, err := client.Call(context.Background(), req)\n\tif err != nil {\n\t\tlog.Fatal(err)\n\t}\n" +
		"\tfmt.Println(response.StatusCode, response.Text())\n}\n")
	return out.String()
}

func pythonProgram(o *outgoing, config string) string {
	var out strings.Builder
	out.WriteString("from syft_core import Client\nfrom syft_rpc import rpc\n\n")
	fmt.Fprintf(&out, "client = Client.load(%s)\n", quotePython(config))
	out.WriteString("future = rpc.send(\n")
	fmt.Fprintf(&out, "    url=%s,\n    method=%s,\n", quotePython(o.url()), quotePython(o.Method))
	if o.Body != "" {
		fmt.Fprintf(&out, "    body=%s,\n", quotePython(o.Body))
	}
	out.WriteString("    headers={")
	for i, name := range slices.Sorted(maps.Keys(o.Headers)) {
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprintf(&out, "%s: %s", quotePython(name), quotePython(o.Headers[name]))
	}
	fmt.Fprintf(&out, "},\n    expiry=\"%ds\",\n    client=client,\n)\nresponse = future.wait()\nprint(response.status_code, response.text())\n", int(o.expiry().Seconds()))
	return out.String()
}

// expiry returns the time until the request expires.
func (o *outgoing) expiry() time.Duration {
	if o.Expires == 0 {
		return gatewayExpiry // the default of fakebox, too
	}
	return time.Duration(o.Expires * float64(time.Second))
}

// testscript returns the command of package boxscript that sends the request.
func (o *outgoing) testscript() string {
	words := []string{"box", "send", "-from", quoteScript(o.From), "-method", quoteScript(o.Method), "-expires", short(o.expiry())}
	for _, name := range slices.Sorted(maps.Keys(o.Headers)) {
		words = append(words, "-header", quoteScript(name+": "+o.Headers[name]))
	}
	if o.query != "" {
		encoded, _ := json.Marshal(o.url()) // a string
		words = append(words, "-set", quoteScript("url="+string(encoded)))
	}
	words = append(words, "call", quoteScript(strings.Trim(o.Endpoint, "/")))
	if o.Body != "" {
		words = append(words, quoteScript(o.Body))
	}
	return fmt.Sprintf("env BOX_APP=%s\n%s\nbox wait call\n", quoteScript(o.App), strings.Join(words, " "))
}
