package experiment

import "context"

var interopExperiments = []Experiment{
	{
		Name: "python-client", Place: Shared, Python: true, Library: true,
		Want: "calls of the Python package's client are all answered by the library's server",
		run: func(ctx context.Context, t *trial) error {
			return interop(ctx, t, t.config.Server, t.config.PythonClient)
		},
	},
	{
		Name: "python-server", Place: Shared, Python: true, Library: true,
		Want: "calls of the library's client are all answered by the Python package's server",
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
	again, err := p.again(nil)
	if err == nil && again > 0 {
		err = failf("%d handlers ran again", again)
	}
	return err
}
