package syftevent

import "fmt"

// An Error is what a handler returns to choose the status of the answer. Any
// other error is answered 500 with a text that tells nothing of it; its detail
// goes to the server's log.
type Error struct {
	// StatusCode is the status of the answer, 400 or above. With any other, also
	// 0, and one that clients do not know, the answer is 500 and the log tells.
	StatusCode int
	// Message becomes the body of the answer, as text. The client sees it.
	Message string
}

// Errorf returns an [*Error] with a formatted message.
func Errorf(status int, format string, args ...any) error {
	return &Error{StatusCode: status, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.StatusCode, e.Message) }

// Texts that clients may match; they are those of the Python package.
const (
	textInternalError = "Internal server error. Please try again later."
	textExpired       = "Request expired"
	textInvalidBody   = "Invalid request schema: "
	textUnreadable    = "Error loading request: "
)
