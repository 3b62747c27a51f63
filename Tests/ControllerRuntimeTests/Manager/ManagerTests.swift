import JSON
import KubernetesCore
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("Manager", .timeLimit(.minutes(1)))
struct ManagerTests {
    private struct Broken: Error {}

    private let world = VirtualWorld()
    private let journal = Journal()
    private let manager: Manager
    private let lease: ScriptedLease
    private let synced = Latch()

    init() {
        manager = Manager(context: RuntimeContext(timeSource: world.time), executor: world.executor)
        lease = ScriptedLease(world.time)
    }

    /// A runnable that notes its start and its end, and ends when it is cancelled (and the blocker is released).
    private func part(_ name: String, blocker: Blocker? = nil) -> Runnable {
        Runnable(name: name) { [journal, world] in
            journal.add("+\(name)")
            defer { journal.add("-\(name)") }
            do {
                try await world.time.sleep(for: .seconds(1_000_000))
            } catch {
                await blocker?.wait()
                throw error
            }
        }
    }

    private func elector() throws -> LeaderElector {
        let journal = journal
        return try LeaderElector(
            configuration: Replica.configuration(),
            store: lease,
            context: RuntimeContext(timeSource: world.time),
            onLost: { _ in journal.add("lost") }
        )
    }

    /// One part of each sort, with an election.
    private func fill() throws {
        manager.addLeaderElected(part("leader"))
        manager.add(part("other"))
        manager.addCache(part("Pod"), hasSynced: synced)
        manager.addServer(part("server"))
        manager.setLeaderElection(try elector())
    }

    private func start() -> VirtualRun<Void> {
        world.start { [manager] in try await manager.run() }
    }

    @Test func `servers and caches start first, others when the caches have synced, leaders when they won`() throws {
        try fill()
        lease.hold(by: "someone")
        _ = start()
        #expect(Set(journal.entries) == ["+server", "+Pod"])
        #expect(!manager.hasSynced)
        synced.open()
        world.settle()
        #expect(manager.hasSynced)
        #expect(journal.entries.dropFirst(2) == ["+other"])
        world.run(for: .seconds(20))
        #expect(journal.entries.last == "+leader")
    }

    @Test(arguments: [false, true])
    func `stopping, or cancelling, goes leaders and others, caches, servers, and gives the lease back`(
        isCancelled: Bool
    ) throws {
        try fill()
        synced.open()
        let run = start()
        #expect(journal.entries.count == 4)
        if isCancelled { run.cancel() } else { manager.stop() }
        world.settle()
        #expect(run.isFinished && run.error == nil)
        #expect(Set(journal.entries[4..<6]) == ["-leader", "-other"])
        #expect(journal.entries[6...] == ["-Pod", "-server"])
        #expect(lease.spec("holderIdentity") == "")
    }

    @Test func `the lease is kept while leader work winds down`() throws {
        let blocker = Blocker()
        manager.addLeaderElected(part("leader", blocker: blocker))
        manager.setLeaderElection(try elector())
        let run = start()
        manager.stop()
        world.run(for: .seconds(20))
        #expect(lease.spec("holderIdentity") == "me")
        #expect(lease.spec("renewTime") == "2026-01-01T00:00:20.000000Z")
        blocker.release()
        world.settle()
        #expect(run.isFinished && run.error == nil)
        #expect(lease.spec("holderIdentity") == "")
    }

    @Test func `a shutdown before the election is won never starts leader work (bug 16)`() throws {
        try fill()
        synced.open()
        lease.hold(by: "someone")
        let run = start()
        world.run(for: .seconds(3))
        manager.stop()
        world.run(for: .seconds(60))
        #expect(run.isFinished && run.error == nil)
        #expect(journal.count("+leader") == 0)
        #expect(lease.spec("holderIdentity") == "someone")
    }

    @Test func `a stop before the run, or while caches sync, starts nothing more`() throws {
        try fill()
        let run = start()
        manager.stop()
        world.settle()
        #expect(run.isFinished && run.error == nil)
        #expect(!journal.entries.contains("+other") && !journal.entries.contains("+leader"))

        let other = Manager(context: RuntimeContext(timeSource: world.time), executor: world.executor)
        other.add(part("late"))
        other.stop()
        let second = world.start { try await other.run() }
        #expect(second.isFinished && second.error == nil)
        #expect(!journal.entries.contains("+late"))
    }

    @Test func `losing the lease ends the run at once, whatever the work does (bug 12)`() throws {
        let blocker = Blocker()
        defer { blocker.release() }
        manager.addLeaderElected(part("leader", blocker: blocker))
        manager.add(part("other", blocker: Blocker()))
        manager.setLeaderElection(try elector())
        let run = start()
        lease.standing = .hang
        let wait = world.run { run.isFinished }
        #expect(wait == .seconds(12))
        #expect(run.error as? LeadershipLost == LeadershipLost(reason: .notRenewed))
        #expect(journal.entries.contains("lost") && !journal.entries.contains("-leader"))
    }

    @Test func `the first error of a runnable stops the rest and is thrown with its name`() throws {
        try fill()
        synced.open()
        manager.add(
            Runnable(name: "fragile") { [world] in
                try await world.time.sleep(for: .seconds(5))
                throw Broken()
            }
        )
        let run = start()
        world.run(for: .seconds(5))
        guard case .failed(let name, let error) = try #require(run.error as? ManagerError) else {
            Issue.record("unexpected \(String(describing: run.error))")
            return
        }
        #expect(name == "fragile" && error is Broken)
        #expect(journal.entries.filter { $0.hasPrefix("-") }.count == 4)
        #expect(lease.spec("holderIdentity") == "")
    }

    @Test(arguments: ["server", "cache", "leader"])
    func `an error in any stage is named`(stage: String) throws {
        let broken = Runnable(name: "broken \(stage)") { throw Broken() }
        switch stage {
        case "server": manager.addServer(broken)
        case "cache": manager.addCache(broken, hasSynced: Latch())
        default: manager.addLeaderElected(broken)
        }
        manager.setLeaderElection(try elector())
        let run = start()
        world.settle()
        #expect((run.error as? ManagerError)?.description == "broken \(stage) failed: Broken()")
    }

    @Test func `a runnable may come to its end by itself`() throws {
        manager.add(Runnable(name: "short") { [journal] in journal.add("done") })
        manager.addLeaderElected(Runnable(name: "short too") { [journal] in journal.add("done") })
        manager.setLeaderElection(try elector())
        let run = start()
        world.run(for: .seconds(60))
        #expect(journal.entries == ["done", "done"])
        #expect(!run.isFinished)
        // The process still leads.
        #expect(lease.spec("renewTime") == "2026-01-01T00:01:00.000000Z")
    }

    @Test func `caches that do not sync in time are named (bug 22)`() throws {
        manager.addCache(part("Secret"), hasSynced: Latch())
        manager.addCache(part("Pod"), hasSynced: synced)
        manager.addCache(part("Deployment"), hasSynced: Latch())
        manager.add(part("other"))
        synced.open()
        let run = start()
        world.run(for: .milliseconds(119_999))
        #expect(!run.isFinished)
        world.run(for: .milliseconds(1))
        guard case .cachesNotSynced(let kinds) = try #require(run.error as? ManagerError) else {
            Issue.record("unexpected \(String(describing: run.error))")
            return
        }
        #expect(kinds == ["Deployment", "Secret"])
        #expect(!journal.entries.contains("+other"))
        #expect(!manager.hasSynced)
    }

    @Test func `what does not stop in time is named, and the run ends without it`() throws {
        let blocker = Blocker()
        defer { blocker.release() }
        manager.add(part("stubborn", blocker: blocker))
        manager.add(part("fine"))
        manager.addServer(part("server"))
        let run = start()
        manager.stop()
        world.run(for: .milliseconds(29_999))
        #expect(!run.isFinished)
        world.run(for: .milliseconds(1))
        guard case .notStopped(let names) = try #require(run.error as? ManagerError) else {
            Issue.record("unexpected \(String(describing: run.error))")
            return
        }
        // The server was to stop after the stubborn one.
        #expect(names == ["server", "stubborn"])
    }

    @Test func `a runnable with a stop of its own is asked first and cancelled when the time is over`() throws {
        let asked = Latch()
        manager.add(
            Runnable(name: "polite", stop: { asked.open() }) { [journal] in
                try await asked.wait()
                journal.add("ended well")
            }
        )
        manager.add(
            Runnable(name: "deaf", stop: { [journal] in journal.add("asked") }) { [journal, world] in
                defer { journal.add("cancelled") }
                try await world.time.sleep(for: .seconds(1_000_000))
            }
        )
        let run = start()
        manager.stop()
        world.run(for: .seconds(29))
        #expect(Set(journal.entries) == ["ended well", "asked"])
        world.run(for: .seconds(1))
        #expect(journal.entries.last == "cancelled")
        #expect((run.error as? ManagerError)?.description == "not stopped in time: deaf")
    }

    @Test func `leader work with a stop of its own may finish while the lease is kept`() throws {
        let asked = Latch()
        manager.addLeaderElected(
            Runnable(name: "polite", stop: { asked.open() }) { [journal, world] in
                try await asked.wait()
                try await world.time.sleep(for: .seconds(20))
                journal.add("ended well")
            }
        )
        manager.setLeaderElection(try elector())
        let run = start()
        manager.stop()
        world.run(for: .seconds(19))
        #expect(lease.spec("holderIdentity") == "me")
        world.run(for: .seconds(1))
        #expect(journal.entries == ["ended well"])
        #expect(run.isFinished && run.error == nil)
        #expect(lease.spec("holderIdentity") == "")
    }

    @Test func `without an election leader work runs on every replica and stops with the others`() {
        manager.addLeaderElected(part("leader"))
        let run = start()
        #expect(journal.entries == ["+leader"])
        manager.stop()
        world.settle()
        #expect(run.isFinished && run.error == nil)
        #expect(journal.entries == ["+leader", "-leader"])
    }

    @Test func `the event recorder ends last and still writes what the end of the others recorded`() throws {
        let sink = ScriptedSink(time: world.time, latency: .milliseconds(5))
        let recorder = EventRecorder(sink: sink, component: "c", context: RuntimeContext(timeSource: world.time))
        let pod = ObjectReference(kind: "Pod", name: "web")
        manager.setEventRecorder(recorder)
        manager.addServer(
            Runnable(name: "server") { [world] in
                defer { recorder.record(.normal, reason: "Last", message: "m", about: pod) }
                try await world.time.sleep(for: .seconds(1_000_000))
            }
        )
        manager.setLeaderElection(
            try LeaderElector(
                configuration: Replica.configuration(),
                store: lease,
                context: RuntimeContext(timeSource: world.time),
                events: recorder
            )
        )
        let run = start()
        world.run(for: .seconds(1))
        manager.stop()
        world.run(for: .seconds(1))
        #expect(run.isFinished && run.error == nil)
        #expect(Set(sink.messages) == ["me became leader", "me stopped leading", "m"])
        let about = sink.writes.first { $0.body["reason"] == "LeaderElection" }?.body["involvedObject"]
        #expect(
            about == [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "namespace": "system",
                "name": "controller",
            ]
        )
    }

    @Test func `a manager runs once`() {
        manager.stop()
        #expect(start().error == nil)
        #expect((start().error as? ManagerError)?.description == "a manager runs only once")
    }
}
