// Package boxpage shows a fakebox network in the browser: every call with its path,
// durations, headers and bodies, why a call has no response, and the files of each
// replica. The page also sends requests and injects faults.
//
// A test serves the page with one call, and logs its URL:
//
//	box := fakebox.New(t, fakebox.Config{})
//	boxpage.Serve(t, box, boxpage.Options{})
//
// To look at the page, the test has to wait, for example for its own context:
//
//	<-t.Context().Done()
//
// On the page, the hub is SyftBox's server, and a server is one that serves an app.
//
// # Security
//
// Whoever opens the page controls the network and reads its files. The page is therefore
// served to programs on this machine only, and only below a secret path, which is part of
// the printed URL. Requests with the Host of another name, or from the page of another
// site, are refused, GET changes nothing, and what a sender wrote is only ever shown as
// text.
package boxpage
