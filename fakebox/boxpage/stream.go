package boxpage

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// streamPause is the time between two parts of a stream.
	streamPause = 100 * time.Millisecond
	// streamPart is the maximum number of events in a part.
	streamPart = 2_000
	// streamBeat is the time after which an idle stream writes a comment, to find out
	// whether the browser is still there.
	streamBeat = 15 * time.Second
	// maxStreams is the number of streams at a time. A slow browser occupies the memory of
	// one part.
	maxStreams = 50
)

// serveStream sends changes as server-sent events. A part has the id "TOKEN-SEQ", with
// part of the token, so that a browser that reconnects to another page starts again. A
// slow browser gets fewer and larger parts: nothing is queued for it. The parameter "after" is
// the id of the last part that a page has, which it loses with the connection that it closes.
func (p *Page) serveStream(w http.ResponseWriter, req *http.Request) {
	if p.streams.Add(1) > maxStreams {
		p.streams.Add(-1)
		replyError(w, http.StatusServiceUnavailable, "the page is open %d times already", maxStreams)
		return
	}
	defer p.streams.Add(-1)
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	prefix := p.token[:6] + "-"
	var seq uint64
	if last := cmp.Or(req.Header.Get("Last-Event-ID"), req.URL.Query().Get("after")); last != "" {
		number, known := strings.CutPrefix(last, prefix)
		var err error
		if seq, err = strconv.ParseUint(number, 10, 64); err != nil || !known {
			seq = 0
			fmt.Fprint(w, "event: reset\ndata: {}\n\n")
		}
	}
	first := true
	for {
		part, changed := p.model.since(seq, streamPart)
		if part.seq != seq || first {
			data, err := json.Marshal(part)
			if err != nil {
				return // unreachable: the types can be encoded
			}
			control.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := fmt.Fprintf(w, "id: %s%d\ndata: %s\n\n", prefix, part.seq, data); err != nil || control.Flush() != nil {
				return
			}
			seq, first = part.seq, false
		}
		if part.More {
			continue
		}
		if !p.awaitChange(req, w, control, changed) {
			return
		}
	}
}

// awaitChange waits for a change, and at least for the pause between two parts. It returns
// false if the stream has ended.
func (p *Page) awaitChange(req *http.Request, w http.ResponseWriter, control *http.ResponseController, changed <-chan struct{}) bool {
	pause := time.NewTimer(streamPause)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-req.Context().Done():
		return false
	case <-p.done:
		return false
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		select {
		case <-changed:
			return true
		case <-beat.C:
			control.SetWriteDeadline(time.Now().Add(time.Minute))
			if _, err := fmt.Fprint(w, ": idle\n\n"); err != nil || control.Flush() != nil {
				return false
			}
		case <-req.Context().Done():
			return false
		case <-p.done:
			return false
		}
	}
}
