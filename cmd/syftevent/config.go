package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"

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

// openApp is open, and returns the name of the app of this installation's owner that the words
// name.
func (f *configFlag) openApp(words []string) (client *syftevent.Client, sites *datasites, name string, err error) {
	name, err = oneWord("APP", words)
	if err != nil {
		return nil, nil, "", err
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) {
		return nil, nil, "", usageError("APP %q must be the name of an app of yours", name)
	}
	if client, sites, err = f.open(); err != nil {
		return nil, nil, "", err
	}
	if sites.hasApp(client.Email, name) {
		return client, sites, name, nil
	}
	names, _ := sites.apps(client.Email)
	sites.close()
	if near := nearest(name, names); near != "" {
		return nil, nil, "", fmt.Errorf("you have no app %q (did you mean %s?)", name, near)
	}
	return nil, nil, "", fmt.Errorf("you have no app %q; 'syftevent ls %s' lists yours", name, client.Email)
}
