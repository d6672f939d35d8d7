// Package fakebox simulates SyftBox for tests: its server, and the machines of several
// people, each with a client and a replica of the datasites. Everything runs in the test's
// process, and all files are in one temporary folder.
//
// A test delivers a request to a server as SyftBox does:
//
//	func TestServer(t *testing.T) {
//		box := fakebox.New(t, fakebox.Config{})
//		bob := box.Join("bob@example.com")
//		startServer(t, bob.ConfigPath()) // the server under test
//		bob.Deliver("app_data/echo/rpc/hello/alice@example.com/1.request", data,
//			fakebox.Delivery{Mode: fakebox.WebSocket})
//	}
//
// After [Box.Start] the clients sync: they carry the files that applications write to
// everybody who may read them, at SyftBox's speed or, with [Config.Speed], faster.
//
//	alice := box.Join("alice@example.com")
//	box.Start()
//	key, err := alice.Send(fakebox.Request{Datasite: "bob@example.com", App: "echo", Endpoint: "/hello"})
//
// [Replica.Stop], [Replica.SetOnline] and [Box.StopServer] simulate outages, and
// [Box.Gateway] is the HTTP interface of SyftBox's server. [Box.Events] is the journal of
// everything that happened, and [Timeline] renders it.
//
// Events happen in the order of SyftBox's time even on an overloaded machine: the next one
// waits until the one before is done. A slow machine delays files, but does not reorder
// or lose them.
//
// Package boxpage shows a network in the browser.
//
// # Faults
//
// [Box.FailNext] injects one fault into the next file, and [Config.FaultRate] injects
// random ones, as [Config.Seed] determines. [Box.SetFaultRate] changes the rate, also of
// one fault. [Faults] returns this table, with the requirement in SPEC.md that each fault
// tests.
//
//	burst-loss  the server drops the message; the sender's own file is deleted
//	dead-zone   the message is too large: as burst-loss, and the connection breaks
//	late        the client misses the modification; a full sync delivers the file
//	reorder     the message is delayed for up to a second
//	vanish      the file is deleted after it arrived, and comes back
//	repush      the same bytes are delivered again, as a new file
//	torn        the file is written in place, in three pieces
//	truncated   only half of the file arrives, in place
//	duplicate   the file arrives by the fast path and by a full sync
//	answered    somebody else's response exists before the request arrives
//	conflict    the file is renamed to its conflict marker, and comes back
//	future      the modification time is an hour in the future
//	coarse      the modification time is a multiple of two seconds
//	skew        the sender's clock is 25 hours slow: the request has expired
//	offline     the client is offline for one cycle
//
// # Behaviour
//
// The simulation reproduces what was measured on SyftBox of December 2025, and on the
// released client 0.8.7 where the two differ. SyftBox carries a file in two ways. The fast
// path sends a modified request or response at once. The full sync, every five seconds,
// compares all files with the server. Each behaviour has a test.
//
// The fast path:
//
//	sends requests and responses 50 ms after a modification    TestWriteMethodDecidesPath, TestDebouncesModifications
//	leaves renamed, linked and touched files to the full sync  TestWriteMethodDecidesPath
//	sends a renamed file when it is truncated, or one byte of
//	it is rewritten, to the same content                       TestWriteMethodDecidesPath
//	writes elsewhere and renames, mode 0600                    TestWriteMethodDecidesPath, TestDeliverWritesFile
//	sends incomplete files                                     TestSendsIncompleteFile
//	sends emptied files                                        TestSendsEmptiedFile
//	misses a file written at once in a new folder              TestMissesWriteInNewFolder
//	never watches a folder again that was removed and
//	recreated, until the client is restarted                   TestRecreatedFolderIsNotWatched
//	watches a folder in a recreated one only if its name is
//	new and it exists when the outer one is noticed            TestFoldersInRecreatedFolder
//	watches a renamed folder, but no new one under its old
//	name                                                       TestRenamedFolderIsWatched
//	sends the same bytes again only within a second            TestRewriteOfSameBytes
//	ignores one modification in the second after an arrival    TestIgnoresFirstModificationAfterArrival
//	marks what it delivered as synced                          TestFastArrivalIsNotDownloadedAgain
//	relays a file before the server stores it                  TestServerRelaysBeforeStoring
//	fails while disconnected, and leaves the file to the full
//	sync                                                       TestReconnects
//	loses messages that are under way when a connection breaks TestDisconnectLosesMessagesUnderWay
//	does not keep the order of messages                        TestMessageFaults
//	loses a burst that overflows a queue of 8 messages; the
//	sender's own files are deleted                             TestBurstOverflowsQueue, TestQueueDropsOverflow
//	loses nothing at a moderate pace                           TestPacedFilesArrive, TestQueueUsesModificationTimes
//	loses files of 3 to 4 MiB                                  TestLosesMessagesInDeadZone
//
// The full sync:
//
//	writes beside the file and renames, mode 0644              TestWriteMethodDecidesPath, TestDeliverWritesFile
//	writes in place with the client 0.8.7                      TestDownloadsInPlace, TestDeliverInPlaceShowsIncompleteFile
//	decides by the state of a file, and skips empty files      TestReconcile
//	may take a file that the fast path is about to send        TestFullSyncTakesDebouncedFile
//	ignores a file that has failed three times                 TestIgnoresFileAfterThreeErrors
//	carries deletions                                          TestDeletionPrunesEmptyFolders, TestOwnerDeletionReachesSender
//	removes the files of a pair in any order                   TestRemovesPairsInRandomOrder
//	prunes empty folders, except those with a .syftkeep        TestDeletionPrunesEmptyFolders
//	prunes folders that are then never watched again           TestPrunedFolderIsNotWatchedAgain
//	restores a file that may not be deleted                    TestRestoresForbiddenDeletion
//	removes a file that arrived while the server's list was
//	under way, and restores it with another mode and time      TestSlowViewRemovesNewFile
//	restores such a file if the application deleted it         TestSlowViewRestoresDeletedFile
//	finds a conflict if the record of a file was dropped       TestDroppedRecordCausesConflict, TestArrivalFaults
//	renames a file that changed on both sides to .conflict,
//	and downloads the other version a cycle later              TestConcurrentChangesConflict
//	renames a file that may not be written to .rejected, and
//	moves an older marker away                                 TestRejectsForbiddenWrite
//	deletes a rejected file that is written again, with the
//	same bytes, more than a second later                       TestDeletesRejectedBytesWrittenAgain
//
// Outages and restarts:
//
//	files written while a machine is offline arrive later      TestDeliversAfterOffline
//	a restarted client first syncs what it missed              TestRestartSyncsMissedFiles
//	files sent in the last second before a stop are conflicts  TestStopAfterSendCausesConflict
//	a stop leaves a download in place incomplete               TestStopLeavesIncompleteDownload
//	a client does not start while the server is stopped        TestStartStopErrors
//	clients reconnect 1 to 8 seconds after the server starts   TestServerRestart
//	a server that stops loses the messages in its queues       TestServerStopLosesQueuedMessages
//	a client without a record of synced files rewrites nothing TestReopenedNetworkRewritesNothing, TestFirstSyncAcceptsEqualFiles
//	a starting client removes markers of earlier versions      TestRemovesLegacyMarkersAtStart
//
// Names, permissions and the gateway:
//
//	ignored names, empty files and links never travel          TestSyncsOnlyAllowedNames
//	spaces, Unicode, line breaks, dots and deep folders do     TestSyncsOnlyAllowedNames
//	names with ".." arrive and are then deleted everywhere     TestRefusedNameArrivesAndIsDeleted
//	the nearest syft.pub.yaml and its most specific rule apply TestAllows, TestEnforcesPermissions
//	a sender can write responses, and a user whose address is
//	a prefix of the owner's is an owner                        TestEnforcesPermissions
//	the gateway creates the same file as SyftBox's             TestGatewayRequestMatchesSyftBox
//	it normalizes the URL, as its source says                  TestGatewayNormalizesURL
//	it returns the same results and status codes               TestGatewayReturnsResponse, TestGatewayPoll, TestGatewayRejectsInvalidCalls
//	it does not authenticate senders                           TestGatewayRejectsInvalidCalls
//	it deletes the request and the response once fetched       TestGatewayReturnsResponse
//
// # Limits
//
// The simulation differs from SyftBox in these points:
//
//   - The server is part of the process. There are no accounts, and no network between
//     the server and the clients.
//   - The queue that overflows is computed from modification times, with durations fitted
//     to measurements; in SyftBox it depends on scheduling. The other queues, of the
//     watch and of the client, never overflow here; in SyftBox the next full sync carries
//     what they lose.
//   - The operations of a full sync run one after the other, and nothing else happens
//     meanwhile, except in the pauses of in-place downloads.
//   - Transfers take no time and lose no bytes. Incomplete files come from faults, or from
//     in-place downloads. Files are not synced to disk.
//   - The gateway sends a request to everybody who may read it; SyftBox, to the owner only.
//     With timeout=0 it does not wait; SyftBox waits for a second. It has no x-syft-raw and
//     no HTML pages.
//   - Free disk space is ignored. SyftBox does not sync with less than 5 GB.
//   - The file syftignore, names that are not UTF-8, and paths that SyftBox's server
//     reserves are not supported. Names with a backslash never travel; SyftBox turns the
//     backslash into a slash.
//   - A syft.pub.yaml that [ParsePermissions] cannot parse grants no access, and is
//     reported. An address that is a pattern is not supported.
//   - On systems other than Linux, a renamed file looks like a modified one and takes the
//     fast path, and all folders are watched. See [DistinguishesRenames].
package fakebox
