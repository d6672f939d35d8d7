package protocol

// TextContentType is the Content-Type of the responses that a server makes itself.
const TextContentType = "text/plain; charset=utf-8"

// TextInternalError is the body of a response whose handler failed. Clients of the Python
// package may match it.
const TextInternalError = "Internal server error. Please try again later."
