package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/syftevent/syftevent-go/fakebox"
)

// usage is what "help" prints.
var usage = strings.Replace(usageText, "FAULTS\n", faultTable(), 1)

const usageText = `Usage:

  syftevent-conformance [run] [flags] [ID ...] [-- COMMAND ...]
        run the scenarios, all or those that an ID means: the id of a scenario
        or of a requirement that it covers, or a pattern of these such as
        'publish-*'.
        COMMAND starts the server under test; without it, it is the embedded
        reference.
  syftevent-conformance smoke [flags] [ID ...] [-- COMMAND ...]
        check whether COMMAND is ready to be tested: whether it does, one by one,
        what SPEC.md, Appendix A asks of it. The flags are those of run, but
        for -known and the reports.
  syftevent-conformance list [-json] [-requirements]
        list the scenarios and what they cover, or the requirements and how many
        scenarios each has
  syftevent-conformance explain ID
        show a requirement, where it stands, what tests it and which wrong servers
        prove the test, or a scenario and its script, or a wrong server
  syftevent-conformance serve
        be the embedded reference, as COMMAND (SPEC.md, Appendix A)
  syftevent-conformance client
        run the embedded client: make the calls that standard input lists, and print
        how each ends, a line of JSON for each
  syftevent-conformance box [flags] DIR EMAIL...
        be SyftBox for some people, each with a replica in DIR, and say what happens
        to which file, until Ctrl-C: for playing by hand
  syftevent-conformance mutants [flags] [NAME ...]
        prove that every check can fail: run the scenarios against a server that is
        wrong in one way at a time, all its defects or those of a NAME, and require
        that each is caught by the scenarios that are listed for it
  syftevent-conformance matrix [flags] FILE.json ...
        compare servers, requirement by requirement, by the reports that
        run -json has written; as Markdown, here unless -md or -html names a file
  syftevent-conformance bench [flags] [MEASURE ...] [-- COMMAND ...]
        measure how fast the embedded reference is and what it costs, beside a
        bare loop and, if there is one, COMMAND; in one run, with ratios. The
        measures, all if none is named: burst-1 burst-20 burst-idle latency
        latency-1000 start memory idle-126 idle-1000
  syftevent-conformance real [flags] -syftbox DIR
        build and run the real SyftBox from DIR, a checkout of OpenMined/syftbox, on
        the loopback interface, and compare fakebox with it in a table of
        experiments; the library is judged on both. SyftBox needs 5 GB of free disk.
  syftevent-conformance version

Flags of run:

  -delivery MODE      how requests arrive: websocket, blobstore, or
                      blobstore-in-place, as the client 0.8.7 delivers (websocket);
                      a scenario that is about one of them chooses itself
  -dir DIR            where the files of the run are made (the system's folder for
                      temporary files)
  -json FILE          write the report of the run as JSON; what is in it,
                      'matrix -schema' says
  -junit FILE         write the report as JUnit's XML
  -keep               leave the files of each scenario, and say where
  -known FILE         what is known of the server: a line "ID  # reason" for each
                      scenario that fails, which must fail then, and a line
                      "flaky: ID  # reason" for one that may pass or fail
  -md FILE            write the report as Markdown
  -parallel N         how many scenarios run at a time (the number of processors)
  -ready-timeout D    how long COMMAND may take to become ready, such as 10s (30s)
  -reuse              let scenarios that only send requests and look at the answers
                      share a server, for one that starts slowly
  -seed N             decides the ids of requests (1)
  -strict             count a SHOULD that is not met as a failure
  -target-dir DIR     the folder of -dir as COMMAND sees it, if that is by another
                      path: for a server on a network mount
  -timescale X        stretch every wait, for slow machines (1)
  -update-known       correct FILE after the run: without the scenarios that passed,
                      with those that failed; what was not run stays as it is
  -v                  show the log of scenarios that pass, too

Flags of mutants:

  -all                run every scenario against every defect: none may fail but
                      those listed (of a defect that leaves hardly any standing
                      only those are run); without it, some that tell whether the
                      server works at all
  -parallel N         how many scenarios run at a time (four for each processor)
  -timescale X        stretches the waits of scenarios that are to fail (0.2)
  -v                  show how each defect was found

Flags of matrix:

  -html FILE          write a page that shows the reason for each failure, too
  -md FILE            write Markdown, with links to SPEC.md beside FILE
  -schema             print the JSON Schema of reports, and nothing else

Flags of box:

  -download MODE      how the full synchronisation writes: blobstore, or
                      blobstore-in-place as the client 0.8.7 does (blobstore)
  -fail FAULT[=N]     let a fault strike the next N files (1); may be repeated
  -faults RATE        how likely a fault is at each point of a file's way (0)
  -json               print each event as JSON, and nothing else
  -listen ADDR        where the HTTP gateway listens (127.0.0.1, any port)
  -seed N             what is left to chance (1)
  -speed X            divides every duration of SyftBox (1)

FAULTS
Flags of bench:

  -dir DIR            measure in this folder, on its file system (the system's for
                      temporary files)
  -idle D             how long a server without work is watched (1m)
  -name NAME          what COMMAND is called in the table
  -runs N             how often each figure is measured, the idle ones once (5)

Flags of real:

  -bench              measure the library and the Python package on the real SyftBox,
                      in turns, and print a table of figures instead
  -attempts N         run an experiment whose result is unexpected up to N times, alone
                      after the first; the table says which attempt it was (1)
  -dir DIR            keep the files of the run in this folder (the system's for
                      temporary files)
  -full               run each experiment at its full size, which takes an hour
  -keep               keep the files of the run; they are kept after a failure, too
  -on LIST            networks to run on (real,fakebox)
  -parallel N         run up to N networks at once for experiments that need one to
                      themselves (4)
  -python FILE        Python interpreter that has the package, for the experiments
                      and figures that need it
  -rounds N           repeat the latency figures of -bench N times (3)
  -run REGEXP         run only the experiments whose names match
  -syftbox DIR        checkout of OpenMined/syftbox
  -targets DIR        folder of server.py and client.py (testdata/targets/python)

Of each scenario is said: pass; FAIL, a MUST is not met, or the server has died;
warn, a SHOULD is not met; not implemented, the server does not declare the
feature; not applicable, the system or the server lacks what it takes; COULD NOT
TEST, the suite has failed. The verdict is conformant if every MUST of the core,
and of the features that the server declares, was tested and met, partial if some
were not tested, and otherwise non-conformant.

In the account of a failure, names such as $RPC and canary mean: $RPC, the rpc
folder of the server; canary, a request that shows by its answer that the server is
alive; quiet, a time in which canaries are answered and nothing else is to happen;
trickle, pieces of a request that keep coming; permits, what syft.pub.yaml lets
somebody do; swift, that SyftBox sends a response at once; confined, that nothing has
appeared where it does not belong. 'explain ID' shows the script.

Exit status: 0 nothing unexpected, 1 something unexpected, 2 usage,
3 something could not be tested.
`

// faultTable lists the faults, for the usage.
func faultTable() string {
	var out strings.Builder
	out.WriteString("The faults, and the requirement that obliges a server to survive each:\n\n")
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, f := range fakebox.Faults() {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", f.Fault, f.Requirement, f.What)
	}
	w.Flush()
	out.WriteString("\n")
	return out.String()
}
