package target

import "fmt"

// Resources are what a server and its descendants use at one moment.
type Resources struct {
	Memory      int64 // resident, in bytes
	Peak        int64 // the most memory that each of them has used, together
	Threads     int
	Descriptors int // open files, sockets and pipes
}

func (r Resources) String() string {
	return fmt.Sprintf("%d MiB, %d threads, %d descriptors", r.Memory>>20, r.Threads, r.Descriptors)
}

// Resources returns what the server uses now. The error is [errors.ErrUnsupported] on systems
// other than Linux.
func (p *Process) Resources() (Resources, error) {
	r, err := resourcesOf(p.PID())
	if err != nil {
		return r, fmt.Errorf("read the resources of the server: %w", err)
	}
	return r, nil
}
