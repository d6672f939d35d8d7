package main

import (
	"errors"
	"flag"
	"fmt"

	"github.com/syftevent/syftevent-go/syftevent"
)

// A configFlag is the flag with the path of SyftBox's configuration.
type configFlag struct{ path string }

func (f *configFlag) define(flags *flag.FlagSet) {
	flags.StringVar(&f.path, "config", "", "SyftBox's configuration `FILE` (default $"+syftevent.ConfigPathVariable+", or else ~/.syftbox/config.json)")
}

// load reads the configuration.
func (f *configFlag) load() (*syftevent.Client, error) {
	client, err := syftevent.LoadClient(f.path)
	if bad := (*syftevent.ConfigError)(nil); errors.As(err, &bad) {
		return nil, withStatus(exitConfig, fmt.Errorf("%w; install SyftBox, or name its file with -config or %s", err, syftevent.ConfigPathVariable))
	}
	return client, err
}

// open reads the configuration and opens the datasites on this machine.
func (f *configFlag) open() (*syftevent.Client, *datasites, error) {
	client, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	sites, err := openDatasites(client)
	return client, sites, err
}
