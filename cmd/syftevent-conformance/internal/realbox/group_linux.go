package realbox

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawn starts a process that does not outlive this one. Linux sends Pdeathsig when the
// thread that started the process exits, so one thread that never exits starts all
// processes.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	request := spawnRequest{cmd, make(chan error, 1)}
	spawner() <- request
	return <-request.started
}

type spawnRequest struct {
	cmd     *exec.Cmd
	started chan error
}

// spawner starts the goroutine that starts processes. It runs until the program exits.
var spawner = sync.OnceValue(func() chan<- spawnRequest {
	requests := make(chan spawnRequest)
	go func() {
		runtime.LockOSThread()
		for r := range requests {
			r.started <- r.cmd.Start()
		}
	}()
	return requests
})
