// Package fakebox is SyftBox for tests: a network of people's machines in one
// folder, each with its own replica of the datasites, into which files are
// delivered as the real SyftBox delivers them.
//
//	func TestServer(t *testing.T) {
//		box := fakebox.New(t, fakebox.Config{})
//		bob := box.Join("bob@example.com")
//		// Start the server under test with bob.ConfigPath(), and then:
//		bob.Deliver("app_data/echo/rpc/hello/alice@example.com/1.request", data,
//			fakebox.Delivery{Mode: fakebox.WebSocket})
//	}
//
// The numbers and names are those measured on SyftBox of December 2025, and on
// the released client 0.8.7 where the two differ.
//
// # What it does not imitate yet
//
// Files do not travel between replicas by themselves, permissions are not
// enforced, and nothing is lost or delivered twice.
package fakebox
