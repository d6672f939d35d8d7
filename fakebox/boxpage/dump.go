package boxpage

import (
	"encoding/hex"
	"fmt"
)

// maxDump is the number of bytes that dump shows.
const maxDump = 4 << 10

// dump returns binary data in hexadecimal.
func dump(data []byte) string {
	if len(data) <= maxDump {
		return hex.Dump(data)
	}
	return hex.Dump(data[:maxDump]) + fmt.Sprintf("and %d more bytes\n", len(data)-maxDump)
}
