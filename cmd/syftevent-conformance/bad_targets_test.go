package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/syftevent/syftevent-go/cmd/syftevent-conformance/internal/reference"
	"github.com/syftevent/syftevent-go/syftevent"
)

// These servers print, exit or ignore signals in ways that no server should. The servers
// whose names begin with "second-" count their starts in the file that is their argument:
// they misbehave at the second start only, so that the suite finds them ready at first.
var badTargets = map[string]func() int{
	"second-garbage":      second(func() int { fmt.Print("\xff\xfe\x00{]\n\xc3\x28"); return 0 }),
	"second-huge-line":    second(func() int { return printHuge("") }),
	"second-silent":       second(hang),
	"second-exit":         second(func() int { fmt.Fprintln(os.Stderr, "the last words"); return 7 }),
	"second-exit-ready":   second(func() int { fmt.Println(readyLine); return 3 }),
	"second-wrong-ready":  second(func() int { fmt.Println(strings.Replace(readyLine, `"1"`, "1", 1)); return hang() }),
	"second-lacks":        second(func() int { fmt.Println(strings.Replace(readyLine, "poll_ms", "poll", 1)); return hang() }),
	"second-closed":       second(func() int { os.Stdout.Close(); return hang() }),
	"second-never-closes": second(func() int { go io.Copy(os.Stdout, endlessLines{}); return hang() }),
	"second-deaf": second(func() int {
		signal.Ignore(syscall.SIGTERM)
		return serveWith(io.MultiReader(os.Stdin, endless{}), nil)
	}),
	"garbage-first": func() int { fmt.Print("\xff\xfe\x00{]\n\n"); return serveWith(os.Stdin, nil) },
	"huge-first":    func() int { printHuge("\n"); return serveWith(os.Stdin, nil) },
	"million-lines": func() int {
		printMillion(os.Stdout)
		printMillion(os.Stderr)
		endpoints := map[string]syftevent.HandlerFunc{"/echo": chattyEcho}
		return serveWith(os.Stdin, endpoints)
	},
	"closes-after": func() int {
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/echo": closingEcho})
	},
	"clinging": func() int {
		// The argument is the file for the process ids.
		child := exec.Command(os.Args[0], targetPrefix+"cling")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if err := appendLine(os.Args[2], fmt.Sprint(child.Process.Pid)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return serveWith(os.Stdin, nil)
	},
	// It counts its starts in the file of the argument.
	"counting": func() int {
		if err := appendLine(os.Args[2], "start"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return serveWith(os.Stdin, map[string]syftevent.HandlerFunc{"/fail": die})
	},
	// These violate the contract of Appendix A.
	"all-is-well":    func() int { return serveWith(os.Stdin, allAnswer(200)) },
	"strict-options": func() int { return serveOptions(strictly) },
	"no-options":     func() int { return serveOptions(func(string) string { return `{"settle":"10s"}` }) },
	"one-start": func() int {
		marker := os.Getenv("SYFTEVENT_RECORD") + ".started.log"
		if _, err := os.Stat(marker); err == nil {
			fmt.Fprintln(os.Stderr, "I have started once")
			return 1
		}
		appendLine(marker, "started")
		return serveWith(os.Stdin, nil)
	},
	"odd-features": func() int {
		reference.Features = []string{"summ"}
		return serveWith(os.Stdin, nil)
	},
	// The paths that it receives must be below its argument.
	"only-below": func() int {
		data, err := os.ReadFile(os.Getenv("SYFTBOX_CLIENT_CONFIG_PATH"))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		var config struct {
			DataDir string `json:"data_dir"`
		}
		if err := json.Unmarshal(data, &config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		paths := []string{os.Getenv("SYFTBOX_CLIENT_CONFIG_PATH"), os.Getenv("SYFTEVENT_RECORD"), config.DataDir}
		for _, dir := range os.Args[2:] {
			outside := func(path string) bool { return !strings.HasPrefix(path, dir+string(os.PathSeparator)) }
			if !slices.ContainsFunc(paths, outside) {
				if err := noteDir(dir); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return 1
				}
				return serveWith(os.Stdin, nil)
			}
		}
		fmt.Fprintf(os.Stderr, "%q are not below one of %q\n", paths, os.Args[2:])
		return 1
	},
	"cling": func() int {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
		return hang()
	},
}

// noteDirsVariable names a file to which the target only-below adds the folder that it serves in.
const noteDirsVariable = "SYFTEVENT_TEST_NOTE_DIRS"

func noteDir(dir string) error {
	name := os.Getenv(noteDirsVariable)
	if name == "" {
		return nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, dir)
	return errors.Join(err, f.Close())
}

const readyLine = `{"ready":true,"implementation":"bad","version":"1","features":[],"poll_ms":20}`

// second returns a server that is bad at its second start and the reference otherwise.
func second(bad func() int) func() int {
	return func() int {
		data, err := os.ReadFile(os.Args[2])
		if err == nil && strings.Count(string(data), "\n") == 1 {
			appendLine(os.Args[2], "bad")
			return bad()
		}
		if err := appendLine(os.Args[2], "good"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return serveWith(os.Stdin, nil)
	}
}

// allAnswer returns all endpoints, with handlers that return the same response.
func allAnswer(status int) map[string]syftevent.HandlerFunc {
	endpoints := reference.Endpoints("")
	for pattern := range endpoints {
		endpoints[pattern] = answer(status)
	}
	return endpoints
}

// serveOptions runs the reference with options that differ from the suite's.
func serveOptions(replace func(options string) string) int {
	options := replace(os.Getenv("SYFTEVENT_OPTIONS"))
	if options == "" {
		return 1
	}
	os.Setenv("SYFTEVENT_OPTIONS", options)
	return serveWith(os.Stdin, nil)
}

// strictly returns the options, or "" if one is unknown.
func strictly(options string) string {
	if strings.Contains(options, "no_such") {
		fmt.Fprintln(os.Stderr, "unknown option")
		return ""
	}
	return options
}

func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, line)
	return err
}

func hang() int {
	time.Sleep(10 * time.Minute)
	return 0
}

// printHuge prints 50 MB, and then the given end.
func printHuge(end string) int {
	piece := strings.Repeat("x", 1_000_000)
	for range 50 {
		fmt.Print(piece)
	}
	fmt.Print(end)
	return 0
}

func printMillion(out io.Writer) {
	w := bufio.NewWriterSize(out, 1<<16)
	defer w.Flush()
	for range 1_000_000 {
		fmt.Fprintln(w, "a line of log")
	}
}

// chattyEcho logs before each response as much as the server logged before it was ready.
func chattyEcho(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	printMillion(os.Stdout)
	printMillion(os.Stderr)
	return reference.Endpoints("")["/echo"](ctx, req)
}

// closingEcho closes standard output.
func closingEcho(ctx context.Context, req *syftevent.Request) (*syftevent.Response, error) {
	os.Stdout.Close()
	return reference.Endpoints("")["/echo"](ctx, req)
}

// endlessLines is a reader that returns lines forever.
type endlessLines struct{}

func (endlessLines) Read(p []byte) (int, error) {
	const line = "this line is printed again and again, as fast as can be\n"
	return copy(p, strings.Repeat(line, max(1, len(p)/len(line)))), nil
}
