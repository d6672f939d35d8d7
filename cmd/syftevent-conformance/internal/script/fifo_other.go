//go:build !unix

package script

func makeFIFO(string) error { return &notApplicable{"there are no FIFOs here"} }
