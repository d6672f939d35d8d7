//go:build !unix

package script

func makeFIFO(string) error { return &notApplicable{"the system has no FIFOs"} }
