package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/syftevent/syftevent-go/syftevent"
)

// schemaName is the file in the folder rpc that describes the endpoints of an app.
const schemaName = "rpc.schema.json"

// permissionsName is the file in the folder rpc that says who may call.
const permissionsName = "syft.pub.yaml"

// maxSchemaSize is the size up to which ls reads a schema, in bytes.
const maxSchemaSize = 4 << 20

// maxNames is the number of names of a folder that ls reads: others can create any number.
const maxNames = 10_000

// datasites are the datasites on this machine. All methods stay below their folder, also where
// others could have put symbolic links.
type datasites struct{ root *os.Root }

// openDatasites opens the folder of all datasites.
func openDatasites(client *syftevent.Client) (*datasites, error) {
	root, err := os.OpenRoot(client.DatasitesDir())
	if err != nil {
		return nil, fmt.Errorf("open datasites in %s: %w; check that SyftBox runs", client.DatasitesDir(), withoutPath(err))
	}
	return &datasites{root}, nil
}

func (d *datasites) close() { d.root.Close() }

// emails returns the addresses that have a datasite on this machine.
func (d *datasites) emails() ([]string, error) {
	names, err := d.folders(".")
	return slices.DeleteFunc(names, func(name string) bool { return !isEmail(name) }), err
}

// apps returns the names of the apps in a datasite: those whose permissions or schema SyftBox has
// brought. The folder alone may be of a call to an app that does not exist.
func (d *datasites) apps(email string) ([]string, error) {
	names, err := d.folders(path.Join(email, "app_data"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(app string) bool {
		return !d.exists(path.Join(rpcPath(email, app), permissionsName)) && !d.exists(path.Join(rpcPath(email, app), schemaName))
	}), err
}

func (d *datasites) exists(name string) bool {
	_, err := d.root.Lstat(name)
	return err == nil
}

// hasDatasite reports whether a datasite is on this machine.
func (d *datasites) hasDatasite(email string) bool { return isEmail(email) && d.isFolder(email) }

// hasApp reports whether an app is on this machine.
func (d *datasites) hasApp(email, app string) bool { return d.isFolder(rpcPath(email, app)) }

func (d *datasites) isFolder(name string) bool {
	info, err := d.root.Stat(name)
	return err == nil && info.IsDir()
}

// rpcPath returns the folder of an app's endpoints.
func rpcPath(email, app string) string { return path.Join(email, "app_data", app, "rpc") }

func isEmail(s string) bool {
	u, err := syftevent.ParseURL("syft://" + s)
	return err == nil && u.Datasite == s
}

// folders returns the sorted names of the folders in a folder: of the first maxNames.
func (d *datasites) folders(name string) ([]string, error) {
	dir, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

var (
	errNoSchema  = errors.New("no " + schemaName)
	errBadSchema = errors.New("malformed " + schemaName)
)

// readSchema returns the schema of an app.
func (d *datasites) readSchema(email, app string) ([]endpoint, error) {
	data, err := d.readFile(path.Join(rpcPath(email, app), schemaName), maxSchemaSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoSchema
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaName, withoutPath(err))
	}
	return parseSchema(data)
}

// readFile reads a regular file of at most limit bytes.
func (d *datasites) readFile(name string, limit int64) ([]byte, error) {
	// Opening a pipe would block. Only a program on this machine could replace the file meanwhile.
	if info, err := d.root.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, fmt.Errorf("file exceeds the limit of %d MiB", limit>>20)
	}
	return data, err
}
