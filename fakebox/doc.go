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
// [Box.FailNext] injects one fault, [Config.FaultRate] many, as the seed decides;
// [Faults] lists them. [Replica.Stop] and [Box.StopServer] cause outages, and
// [Box.SetViewLatency] makes the server's list of files slow. [Box.Events] is the journal of what has happened,
// [Timeline] makes a picture of it, and [Box.Gateway] lets whoever has no SyftBox
// call by HTTP.
//
// Everything happens in the order of SyftBox's time, also on a machine that is too
// busy to be on time: the next thing happens when the one before is done. A slow
// machine delays files; it does not reorder or lose them.
//
// # What it imitates
//
// The numbers and names are those measured on SyftBox of December 2025, and on the
// released client 0.8.7 where the two differ. What an application can see of it, and
// the test that shows the same here:
//
//	the fast path: modified requests and responses, after 50 ms           TestPaths, TestDebounce
//	... renames, links and touches go with the full synchronisation       TestPaths
//	... rename and truncate, or a byte of the same, go at once            TestPaths
//	... arrives by rename from elsewhere, mode 0600, as of its arrival    TestPaths, TestDeliver
//	... a half-written file travels half-written                          TestHalfWrittenFileTravels
//	... a file written at once in a new folder is not noticed             TestNewFolderIsNotWatchedYet
//	... a folder that is removed and made anew is never watched again,
//	until SyftBox is started again                                        TestRemovedFolderIsNeverWatchedAgain
//	... below it, only new names that exist when it is made are watched   TestFoldersBelowOneThatIsNotWatched
//	... a renamed folder is watched, another under its old name is not    TestRenamedFolder
//	... same bytes within a second are pushed again, later not            TestWrittenAgain
//	... a touch is nothing; other bytes replace the file                  TestWrittenAgain
//	... an emptied file travels empty                                     TestEmptiedFileTravels
//	... what came by it is not downloaded again                           TestFastArrivalIsJournalled
//	... a modification in the second after an arrival is ignored, once    TestModifiedRightAfterArrival
//	... the server sends a file on before it is in its store              TestServerTellsBeforeItStores
//	... without a connection it fails, and the file goes later            TestBrokenConnectionComesBack
//	... a connection that breaks loses what is on its way                 TestBrokenConnectionLosesWhatIsOnItsWay
//	... no order                                                          TestFaultsOfAMessage
//	full synchronisation: temporary name beside, mode 0644, rename        TestPaths, TestDeliver
//	... in place, half-written for all to see, with the client 0.8.7      TestDownloadInPlace, TestDeliverInPlaceIsSeenHalfWritten
//	... what to do for each state of a file, empty files are left alone   TestReconcile
//	... it may take a file that is not yet 50 ms old                      TestFullSynchronisationTakesWhatIsDebounced
//	... a file that has failed three times is ignored                     TestThreeErrorsMakeAFileIgnored
//	queues of 8: a burst is lost, and deleted at its writer's             TestBurstLosesWhatTheQueueCannotHold, TestQueueLosesWhatItCannotHold
//	... paced, nothing is lost, in both directions at once                TestPacedFilesAllArrive, TestQueueGoesByWhenFilesWereModified
//	files of 3.1 to 4 MiB are lost, larger ones go the other way          TestDeadZone
//	a file that came while the server's list was on its way vanishes,
//	and comes back with another mode and time                             TestSlowViewMakesFilesVanish
//	... one that the application has deleted meanwhile comes back         TestSlowViewBringsDeletedFilesBack
//	... one whose record is dropped becomes a conflict, and comes back    TestDroppedRecordMakesAConflict
//	what was sent while a box was away comes when it is back              TestOfflineAndBack
//	a client that is stopped and started: what was written meanwhile
//	goes and comes by its first synchronisation, nothing else again       TestStopAndStart
//	... what it sent in its last second becomes a conflict                TestStopRightAfterSending
//	... a download that it was writing in place stays half-written        TestStopWhileDownloading
//	... it does not start while the server is stopped                     TestStopAndStartRefuse
//	a server that is stopped: messages and synchronisations fail;
//	clients connect again after 1 to 8 seconds                            TestServerStopsAndStarts
//	... it loses the messages in hand: they are deleted at their writer's TestServerLosesWhatItHasInHand
//	a client that has lost its record writes nothing again                TestStartAgainRewritesNothing, TestFirstStartTakesTheSameForSynchronised
//	a lost record of one file makes a conflict of it                      TestFaultsOfADelivery
//	deletions travel with the full synchronisation                        TestDeletesPruneFolders, TestDeleteOfTheServerTravels
//	... a pair loses the response first, or the request                   TestPairsAreRemovedInNoOrder
//	... empty folders above are pruned, a .syftkeep keeps its folder      TestDeletesPruneFolders
//	... a pruned folder is never watched again                            TestPrunedFolderIsNeverWatchedAgain
//	... a file that may not be deleted comes back                         TestForbiddenDeleteComesBack
//	what may not be written is renamed to .rejected at its writer's,
//	an older one rotated; without an extension it is rejected twice       TestRejected
//	... the same bytes, written again more than a second later, are
//	deleted instead                                                       TestRejectedBytesAreDeletedTheSecondTime
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
//   - The server is a part of the process: no network, no accounts, no WebSocket.
//   - The queue that loses bursts is computed from when files were modified, with
//     times that are a fit to what was measured; in SyftBox the scheduler decides.
//     Its other queues, of the watch and of the client, lose nothing here; what they
//     lose in SyftBox goes with the next full synchronisation.
//   - What one client does in a full synchronisation it does one after the other, and
//     nothing else happens meanwhile, but for the pauses of the in-place mode.
//   - Transfers take no time, whatever the size, and no bytes are lost on the way:
//     torn files are a fault, or the in-place mode. Files are not synced to the disk.
//   - A gateway's message goes to all who may read it; SyftBox sends it to the owner
//     only. A timeout of 0 is none; in SyftBox it is one second.
//   - Space on the disk: SyftBox does not synchronise with less than 5 GB free.
//   - The file syftignore, names that are not UTF-8, names with a backslash (they
//     never travel here; SyftBox turns it into a slash), and paths that SyftBox's
//     server reserves for itself.
//   - Permissions of another shape than [ParsePermissions] reads: they let nobody in,
//     and are reported. Patterns with an address that is itself a pattern.
//   - The gateway's x-syft-raw, HTML pages and accounts.
//   - On systems other than Linux a renamed file looks like a modified one, and takes
//     the fast path, and all folders are watched: see [TellsWritesFromRenames].
package fakebox
