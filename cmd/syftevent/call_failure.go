package main

import (
	"errors"
	"net/url"
	"strings"
)

// withoutURL returns the error in a *url.Error, which repeats the method and the URL.
func withoutURL(err error) error {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// plainError returns an error without the names of packages that begin its text.
func plainError(err error) error {
	text := strings.TrimPrefix(err.Error(), "syfthttp: ")
	return errors.New(strings.TrimPrefix(text, "syftevent: "))
}
