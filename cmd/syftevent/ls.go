package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

const lsDetails = `Without an argument, ls lists the apps in all datasites that SyftBox has brought to this machine;
with EMAIL, those of one person; with EMAIL/APP, the endpoints of an app, as its file
rpc.schema.json describes them:

  ENDPOINT     METHOD  FIELDS                         RETURNS        DESCRIPTION
  /add         POST    text str, due? datetime        int            Adds a note.
  /notes/{id}  GET     path id str, query full? bool  Note{text str} Returns a note.

Fields are those of the JSON body, unless "path" or "query" is before them. A question mark means
that a field is optional. The owner of the app has written all this: characters that a terminal
does not print are escaped. The file of a new app arrives some seconds after its server has started.
`

// lsFlags are the flags of ls.
type lsFlags struct {
	config configFlag
	json   bool
}

func (f *lsFlags) define(flags *flag.FlagSet) {
	f.config.define(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON: an array of apps, or one app with its endpoints")
}

// An app is an app on this machine.
type app struct {
	Email     string     `json:"email"`
	App       string     `json:"app"`
	Endpoints []endpoint `json:"endpoints"`
	Problem   string     `json:"problem,omitempty"` // why there are no endpoints
	count     int        // number of endpoints
}

// ls lists apps, or the endpoints of an app.
func ls(args []string, stdout io.Writer) error {
	var f lsFlags
	words, err := parseFlags(cmdline.NewFlags("ls", f.define), args)
	if err != nil {
		return err
	}
	email, name := "", ""
	if len(words) > 0 {
		word, err := oneWord("EMAIL or EMAIL/APP", words)
		if err != nil {
			return err
		}
		email, name, _ = strings.Cut(strings.TrimPrefix(word, "syft://"), "/")
		if name = strings.TrimSuffix(name, "/"); !isEmail(email) || strings.ContainsAny(name, `/\`) || name == "." || name == ".." {
			return usageError("bad argument %q; want EMAIL or EMAIL/APP", word)
		}
	}
	_, sites, err := f.config.open()
	if err != nil {
		return err
	}
	defer sites.close()
	if email != "" && !sites.hasDatasite(email) {
		return fmt.Errorf("no datasite of %s on this machine; 'syftevent ls' lists those that are", email)
	}
	if name != "" {
		return f.printApp(sites, email, name, stdout)
	}
	return f.printApps(sites, email, stdout)
}

// printApp prints the endpoints of one app.
func (f *lsFlags) printApp(sites *datasites, email, name string, stdout io.Writer) error {
	if !sites.hasApp(email, name) {
		return fmt.Errorf("no app %q of %s on this machine; 'syftevent ls %s' lists those that are", name, email, email)
	}
	endpoints, err := sites.readSchema(email, name)
	if err != nil {
		return fmt.Errorf("%s/%s: %w; wait some seconds if the app is new, or ask %s which endpoints it has", email, name, err, email)
	}
	if f.json {
		return writeJSON(stdout, app{Email: email, App: name, Endpoints: endpoints})
	}
	return printEndpoints(stdout, endpoints)
}

// printApps prints the apps of a person, or of everybody if email is "".
func (f *lsFlags) printApps(sites *datasites, email string, stdout io.Writer) error {
	emails := []string{email}
	if email == "" {
		var err error
		if emails, err = sites.emails(); err != nil {
			return fmt.Errorf("list datasites: %w", err)
		}
	}
	all := []app{}
	for _, email := range emails {
		names, err := sites.apps(email)
		if err != nil {
			return fmt.Errorf("list apps of %s: %w", email, withoutPath(err))
		}
		for _, name := range names {
			a := app{Email: email, App: name, Endpoints: []endpoint{}}
			endpoints, err := sites.readSchema(email, name)
			if err != nil {
				a.Problem = err.Error()
			} else if a.count = len(endpoints); f.json {
				a.Endpoints = endpoints
			}
			all = append(all, a)
		}
	}
	if f.json {
		return writeJSON(stdout, all)
	}
	columns := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "APP\tENDPOINTS")
	for _, a := range all {
		count := fmt.Sprint(a.count)
		if a.Problem != "" {
			count = printableCut(a.Problem, maxCell)
		}
		fmt.Fprintf(columns, "%s/%s\t%s\n", printable(a.Email), printable(a.App), count)
	}
	return columns.Flush()
}

// maxCell is the number of characters of a cell in a table, and maxPath that of an endpoint.
const maxCell, maxPath = 200, 100

// printEndpoints prints a table of endpoints.
func printEndpoints(stdout io.Writer, endpoints []endpoint) error {
	columns := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "ENDPOINT\tMETHOD\tFIELDS\tRETURNS\tDESCRIPTION")
	for _, e := range endpoints {
		var fields []string
		for _, f := range e.Fields {
			fields = append(fields, f.String())
		}
		cells := []string{
			printableCut(e.Path, maxPath), printableCut(orWord(e.Method, "any"), maxPath),
			printableCut(orWord(strings.Join(fields, ", "), "-"), maxCell),
			printableCut(e.Returns, maxCell), printableCut(orWord(strings.Join(strings.Fields(e.Description), " "), "-"), maxCell),
		}
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	return columns.Flush()
}

// orWord returns s, or a word if s is empty.
func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}
