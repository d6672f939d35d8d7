package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
	"github.com/syftevent/syftevent-go/syftevent"
)

const workersDetails = `Workers lists the servers that share the work of APP, in your own datasite (Server.ShareWork), and
the requests that each has claimed and not answered yet:

  WORKER                    STATE    SINCE                IN FLIGHT  ANSWERED  TAKEN OVER
  gpu7-4711-k3jx6hq2ab  *   running  2026-01-31 12:00:05  2          1042      3
    /generate/alice@example.com/5f5b153c.request
    /generate/bob@example.com/77aa0b1e.request
  gpu8-2042-p0w2m5n7cd      dead     2026-01-31 11:58:40  1          977       0

An asterisk marks the worker that leads, "alone" a server that serves the app without others on a
network file system. "dead" means that the heartbeat does not change: other workers take its
requests over after Server.WorkerTimeout. Workers observes the heartbeats for three seconds.
SINCE is by the clock of the worker's host. Figures are those of the last heartbeat.
`

// workersFlags are the flags of workers.
type workersFlags struct {
	config configFlag
	json   bool
}

func (f *workersFlags) define(flags *flag.FlagSet) {
	f.config.define(flags)
	flags.BoolVar(&f.json, "json", false, "print JSON: an array of workers")
}

// A worker is a worker in the output.
type worker struct {
	Name      string    `json:"name"`
	Host      string    `json:"host"`
	PID       int       `json:"pid"`
	State     string    `json:"state"`
	Started   time.Time `json:"started"`
	Leading   bool      `json:"leading"`
	Alone     bool      `json:"alone"`
	InFlight  int       `json:"in_flight"`
	Answered  int       `json:"answered"`
	TakenOver int       `json:"taken_over"`
	Routes    []string  `json:"routes"`
	Requests  []string  `json:"requests"`
}

// workers lists the workers of an app.
func workers(ctx context.Context, args []string, stdout io.Writer) error {
	var f workersFlags
	words, err := parseFlags(cmdline.NewFlags("workers", f.define), args)
	if err != nil {
		return err
	}
	client, sites, name, err := f.config.openApp(words)
	if err != nil {
		return err
	}
	defer sites.close()
	listed, err := syftevent.ListWorkers(ctx, client, name)
	if err != nil {
		if ctx.Err() != nil {
			return errInterrupted
		}
		return err
	}
	all := []worker{}
	for _, w := range listed {
		state := w.State
		if !w.Alive && state != "stopped" {
			state = "dead"
		}
		all = append(all, worker{
			Name: w.Name, Host: w.Host, PID: w.PID, State: state, Started: w.Started, Leading: w.Leading, Alone: w.Alone,
			InFlight: w.InFlight, Answered: w.Answered, TakenOver: w.TakenOver,
			Routes: append([]string{}, w.Routes...), Requests: append([]string{}, w.Requests...),
		})
	}
	if f.json {
		return writeJSON(stdout, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(stdout, "no workers")
		return err
	}
	return printWorkers(stdout, all)
}

// printWorkers prints a table of workers, each with its requests below it.
func printWorkers(stdout io.Writer, all []worker) error {
	var table strings.Builder
	columns := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "WORKER\t\tSTATE\tSINCE\tIN FLIGHT\tANSWERED\tTAKEN OVER")
	for _, w := range all {
		mark := ""
		switch {
		case w.Alone:
			mark = "alone"
		case w.Leading:
			mark = "*"
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%d\t%d\t%d\n", printableCut(w.Name, maxPath), mark, printableCut(w.State, maxPath),
			w.Started.Local().Format(time.DateTime), w.InFlight, w.Answered, w.TakenOver)
	}
	columns.Flush()
	// Requests are no cells: they may be longer than all names.
	lines := strings.SplitAfter(table.String(), "\n")
	var out strings.Builder
	out.WriteString(lines[0])
	for i, w := range all {
		out.WriteString(lines[i+1])
		for _, request := range w.Requests {
			fmt.Fprintf(&out, "  /%s\n", printableCut(request, maxCell))
		}
	}
	_, err := io.WriteString(stdout, out.String())
	return err
}
