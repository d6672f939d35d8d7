package fakebox_test

import "runtime"

// onLinux tells whether the watch can tell a written file from a renamed one.
const onLinux = runtime.GOOS == "linux"
