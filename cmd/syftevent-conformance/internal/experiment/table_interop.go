package experiment

import "context"

var interopExperiments = []Experiment{
	{
		Name: "python-client", Isolation: Shared, Python: true, Library: true,
		Want: "the library's server answers every call of the Python package's client",
		run: func(ctx context.Context, t *trial) error {
			return interop(ctx, t, t.config.Server, t.config.PythonClient)
		},
	},
	{
		Name: "python-server", Isolation: Shared, Python: true, Library: true,
		Want: "the Python package's server answers every call of the library's client",
		run: func(ctx context.Context, t *trial) error {
			return interop(ctx, t, t.config.PythonServer, t.config.Client)
		},
	},
}

func interop(ctx context.Context, t *trial, server, client []string) error {
	p, err := t.startPair(ctx, server, client)
	if err != nil {
		return err
	}
	defer p.close()
	for _, endpoint := range []string{"echo", "record"} {
		o, err := p.oneAtATime(ctx, endpoint, t.size(6, 30))
		if err != nil {
			return err
		}
		t.saw("%s: %v", endpoint, &o)
		if err := o.check(); err != nil {
			return err
		}
	}
	again, err := p.ranAgain(nil)
	if err == nil && again > 0 {
		err = failf("%d requests ran again", again)
	}
	return err
}
