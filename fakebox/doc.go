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
// [Box.Start] lets the files travel: what one person's application writes, the boxes
// carry to whoever may read it, at SyftBox's speed or, with [Config.Speed], faster.
//
//	alice := box.Join("alice@example.com")
//	box.Start()
//	key, err := alice.Send(fakebox.Request{Datasite: "bob@example.com", App: "echo", Endpoint: "/hello"})
//
// [Box.FailNext] lets one thing go wrong, [Config.FaultRate] many, as the seed
// decides; [Faults] lists what can. [Box.Events] is the journal of what has happened,
// [Timeline] makes a picture of it, and [Box.Gateway] lets whoever has no SyftBox
// call by HTTP.
//
// # What it imitates
//
// The numbers and names are those measured on SyftBox of December 2025, and on the
// released client 0.8.7 where the two differ. What an application can see of it, and
// the test that shows the same here:
//
//	the fast path: modified requests and responses, after 50 ms           TestPaths
//	... renames, links and touches go with the full synchronisation       TestPaths
//	... rename and truncate, or a byte of the same, go at once            TestPaths
//	... arrives by rename from elsewhere, mode 0600, as of its arrival    TestPaths, TestDeliver
//	... a half-written file travels half-written                          TestHalfWrittenFileTravels
//	... a file written at once in a new folder is not noticed             TestNewFolderIsNotWatchedYet
//	... same bytes within a second are pushed again, later not            TestWrittenAgain
//	... a touch is nothing; other bytes replace the file                  TestWrittenAgain
//	... what came by it is not downloaded again                           TestFastArrivalIsJournalled
//	... no order                                                          TestFaultsOfAMessage
//	full synchronisation: temporary name beside, mode 0644, rename        TestPaths, TestDeliver
//	... in place, half-written for all to see, with the client 0.8.7      TestDownloadInPlace, TestDeliverInPlaceIsSeenHalfWritten
//	queues of 8: a burst is lost, and deleted at its writer's             TestBurstLosesWhatTheQueueCannotHold, TestQueueLosesWhatItCannotHold
//	... paced, nothing is                                                 TestQueueLosesWhatItCannotHold
//	files of 3.1 to 4 MiB are lost, larger ones go the other way          TestDeadZone
//	a file that came while the server's list was on its way vanishes,
//	and comes back with another mode and time                             TestSlowViewMakesFilesVanish
//	what was sent while a box was away comes when it is back              TestOfflineAndBack
//	a restart writes nothing again                                        TestStartAgainRewritesNothing
//	a lost record of one file makes a conflict of it                      TestFaultsOfADelivery
//	deletions travel with the full synchronisation                        TestDeletesPruneFolders, TestDeleteOfTheServerTravels
//	... empty folders above are pruned, a .syftkeep keeps its folder      TestDeletesPruneFolders
//	what may not be written is renamed to .rejected at its writer's,
//	an older one rotated; without an extension it is rejected twice       TestRejected
//	changed on both sides: .conflict, and the other's a cycle later       TestConflict
//	markers of earlier versions are removed at the start                  TestLegacyMarkersGoAtStart
//	names that never travel: ignored ones, empty files, links             TestNames
//	names that do: spaces, Unicode, line breaks, dots, deep folders       TestNames
//	names with ".." appear and are deleted on both sides                  TestRefusedNameAppearsAndGoes
//	permissions: nearest file, most specific rule, USER, {{.UserEmail}}   TestPermissions, TestPermissionsDecide
//	... a sender can write responses; an owner's prefix is an owner       TestPermissionsDecide
//	the gateway's file, byte for byte                                     TestGatewayWritesTheFileOfSyftBox
//	... its answers and status codes, 403 without the sender's folder     TestGatewayAnswers, TestGatewayPoll, TestGatewayRefuses
//	... it believes whoever says who they are                             TestGatewayRefuses
//	... both files are deleted once the answer was fetched                TestGatewayAnswers
//
// # What it does not imitate
//
//   - The server is a part of the process: no network, no accounts, no WebSocket. A
//     connection that breaks takes a second to come back, a server never goes down.
//   - The queue that loses bursts is computed, with times that are a fit to what was
//     measured; a real one varies.
//   - Transfers take no time, whatever the size, and no bytes are lost on the way:
//     torn files are a fault, or the in-place mode.
//   - The file syftignore, names that are not UTF-8, names with a backslash (they
//     never travel here; SyftBox turns it into a slash), and paths that SyftBox's
//     server reserves for itself.
//   - Permissions of another shape than [ParsePermissions] reads: they let nobody in,
//     and are reported. Patterns with an address that is itself a pattern.
//   - The gateway's x-syft-raw, HTML pages and accounts.
//   - On systems other than Linux a renamed file looks like a modified one, and takes
//     the fast path: see [TellsWritesFromRenames].
package fakebox
