//go:build !linux

package target

import "errors"

func resourcesOf(int) (Resources, error) { return Resources{}, errors.ErrUnsupported }
