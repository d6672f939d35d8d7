package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/syftevent/syftevent-go/cmd/internal/cmdline"
)

// printVersion prints the version of the module and what the build knows about its source.
func printVersion(args []string, stdout io.Writer) error {
	words, err := parseFlags(cmdline.NewFlags("version"), args)
	if err != nil {
		return err
	}
	if err := noWords(words); err != nil {
		return err
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{GoVersion: "unknown Go version"}
	}
	_, err = fmt.Fprintln(stdout, versionLine(info))
	return err
}

// versionLine returns the version, the version of Go and the revision.
func versionLine(info *debug.BuildInfo) string {
	version := info.Main.Version
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	details := info.GoVersion
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if revision := settings["vcs.revision"]; revision != "" {
		details += fmt.Sprintf(", revision %.12s", revision)
		if time := settings["vcs.time"]; time != "" {
			details += " of " + time
		}
		if settings["vcs.modified"] == "true" {
			details += ", modified"
		}
	}
	return fmt.Sprintf("%s %s (%s)", program, version, details)
}
