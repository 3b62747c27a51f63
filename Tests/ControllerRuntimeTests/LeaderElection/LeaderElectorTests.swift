import JSON
import Synchronization
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("LeaderElector", .timeLimit(.minutes(1)))
struct LeaderElectorTests {
    private let world = VirtualWorld()
    private let store: ScriptedLease

    init() {
        store = ScriptedLease(world.time)
    }

    private func replica(_ identity: String = "me", random: Double = 0) throws -> Replica {
        try Replica(world.time, store, identity, random: random)
    }

    /// A replica that leads.
    private func leader() throws -> (Replica, VirtualRun<Void>) {
        let replica = try replica()
        let run = world.start { try await replica.run() }
        try #require(replica.isStarted)
        return (replica, run)
    }

    // MARK: Winning

    @Test func `without a lease the first replica makes one and leads at once`() throws {
        let (replica, _) = try leader()
        #expect(store.verbs == ["GET", "POST"])
        #expect(store.spec("holderIdentity") == "me")
        #expect(store.spec("leaseDurationSeconds") == .number(JSONNumber(15)))
        #expect(store.spec("leaseTransitions") == .number(JSONNumber(0)))
        #expect(store.spec("acquireTime") == "2026-01-01T00:00:00.000000Z")
        #expect(store.spec("renewTime") == "2026-01-01T00:00:00.000000Z")
        #expect(replica.elector.fencingToken == 0)
        #expect(replica.elector.isLeader && replica.elector.isValid)
        #expect(replica.masterStatus == 1)
    }

    @Test func `a lease that was given back is taken at once, and what others put on it stays`() throws {
        store.hold(by: "")
        let (replica, _) = try leader()
        #expect(store.verbs == ["GET", "PUT"])
        #expect(replica.elector.fencingToken == 4)
        #expect(store.lease?.value(at: ["metadata", "labels", "kept"]) == "yes")
    }

    @Test func `a candidate waits a full lease after it first saw the holder, whatever the clocks say`() throws {
        // The stamps are years in the past: by the wall clock this lease has long ended (bug 14).
        store.hold(by: "other", renewTime: "2001-01-01T00:00:00.000000Z")
        let replica = try replica()
        world.start { try await replica.run() }
        let wait = try #require(world.run { replica.isStarted })
        #expect(wait >= .seconds(15) && wait <= .seconds(17))
        #expect(replica.elector.fencingToken == 4)
    }

    @Test func `each renewal of the holder makes a candidate wait again`() throws {
        store.hold(by: "other", renewTime: "2030-01-01T00:00:00.000000Z")
        let replica = try replica()
        world.start { try await replica.run() }
        for round in 0..<10 {
            world.run(for: .seconds(10))
            store.hold(by: "other", renewTime: "a text that is no time at all, round \(round)")
        }
        #expect(!replica.isStarted)
        #expect(world.run { replica.isStarted } != nil)
    }

    @Test func `a candidate respects the duration that the holder wrote`() throws {
        store.hold(by: "other", seconds: 60)
        let replica = try replica()
        world.start { try await replica.run() }
        world.run(for: .seconds(59))
        #expect(!replica.isStarted)
        world.run(for: .seconds(3))
        #expect(replica.isStarted)
    }

    @Test(arguments: [(0.0, 2.0), (0.5, 3.2), (1.0, 4.4), (-7.0, 2.0), (.nan, 2.0)])
    func `a candidate looks again after the retry period with jitter`(random: Double, seconds: Double) throws {
        store.hold(by: "other", seconds: 1000)
        let replica = try replica(random: random)
        let start = world.time.now()
        world.start { try await replica.run() }
        world.run(for: .seconds(10))
        let waits = store.requests.map { start.duration(to: $0.at) / .seconds(1) }
        #expect(abs(waits[1] - seconds) < 0.001)
        #expect(abs(waits[2] - 2 * seconds) < 0.001)
    }

    @Test func `of many candidates exactly one wins`() throws {
        let replicas = try (0..<5).map { try replica("candidate-\($0)") }
        for replica in replicas { world.start { try await replica.run() } }
        world.run(for: .seconds(300))
        #expect(replicas.filter(\.isStarted).count == 1)
    }

    @Test func `candidates outlive every failure of the server`() throws {
        store.hold(by: "")
        store.script(.failure, .hang, .normal, .failure, .normal, .hang)
        let replica = try replica()
        world.start { try await replica.run() }
        #expect(world.run { replica.isStarted } != nil)
    }

    // MARK: Keeping

    @Test func `a leader renews with one PUT each retry period and keeps its term`() throws {
        let (replica, _) = try leader()
        let acquired = store.spec("acquireTime")
        world.run(for: .seconds(20))
        #expect(store.verbs == ["GET", "POST"] + Array(repeating: "PUT", count: 10))
        #expect(store.spec("acquireTime") == acquired)
        #expect(store.spec("renewTime") == "2026-01-01T00:00:20.000000Z")
        #expect(replica.elector.fencingToken == 0)
        #expect(replica.slowPaths == 0)
    }

    @Test func `a conflict sends a leader to the slow path, where it stays leader`() throws {
        let (replica, _) = try leader()
        // Somebody labels the Lease.
        var touched = store.lease
        touched?.set("x", at: ["metadata", "labels", "touched"])
        store.lease = touched
        world.run(for: .seconds(2))
        #expect(store.verbs == ["GET", "POST", "PUT", "GET", "PUT"])
        #expect(replica.slowPaths == 1)
        #expect(replica.elector.fencingToken == 0)
        #expect(store.lease?.value(at: ["metadata", "labels", "touched"]) == "x")
    }

    @Test func `a leader whose lease was deleted makes it again with the same term`() throws {
        store.hold(by: "")
        let (replica, _) = try leader()
        store.lease = nil
        world.run(for: .seconds(2))
        #expect(store.spec("leaseTransitions") == .number(JSONNumber(4)))
        #expect(replica.elector.isLeader)
        #expect(replica.journal.entries == ["start"])
    }

    @Test(arguments: [ScriptedLease.Behaviour.delay(.seconds(6)), .failure, .hang, .lostAnswer])
    func `a slow, failed or unanswered renewal is no loss (bug 13)`(behaviour: ScriptedLease.Behaviour) throws {
        let (replica, _) = try leader()
        store.script(behaviour)
        world.run(for: .seconds(60))
        #expect(replica.elector.isLeader && replica.elector.isValid)
        #expect(replica.journal.entries == ["start"])
    }

    // MARK: Losing

    @Test(arguments: [ScriptedLease.Behaviour.delay(.seconds(11)), .failure, .hang])
    func `a leader that cannot renew is lost once, before its lease ends (bug 13)`(
        behaviour: ScriptedLease.Behaviour
    ) throws {
        let (replica, run) = try leader()
        world.run(for: .seconds(20))
        store.standing = behaviour
        let wait = try #require(world.run { run.isFinished })
        // The last success was at the last full retry period, at most two seconds ago.
        #expect(wait > .seconds(10) && wait <= .seconds(12))
        #expect(run.error as? LeadershipLost == LeadershipLost(reason: .notRenewed))
        #expect(replica.journal.entries == ["start", "lost", "end"])
        #expect(!replica.elector.isLeader)
        #expect(replica.masterStatus == 0)
    }

    @Test func `a request that hangs does not postpone the loss`() throws {
        let (_, run) = try leader()
        // Refused at 2 s, hanging from 4 s on: two whole request timeouts would end at 14 s.
        store.script(.failure, .failure)
        store.standing = .hang
        #expect(world.run { run.isFinished } == .seconds(12))
    }

    @Test func `writes are already refused when the owner is told of a loss`() throws {
        let elector = Mutex<LeaderElector?>(nil)
        let journal = Journal()
        let made = try LeaderElector(
            configuration: Replica.configuration(),
            store: store,
            context: RuntimeContext(timeSource: world.time),
            onLost: { _ in journal.add(elector.withLock { $0?.isValid } == false ? "refused" : "valid") }
        )
        elector.withLock { $0 = made }
        world.start { [world] in try await made.run { try await world.time.sleep(for: .seconds(1000)) } }
        store.hold(by: "other", transitions: 1)
        world.run(for: .seconds(2))
        #expect(journal.entries == ["refused"])
    }

    @Test func `writes are refused from the renew deadline on, counted from when the renewal was sent`() throws {
        let (replica, run) = try leader()
        // The renewal at 2 s is answered at 6 s and counts from 2 s.
        store.script(.delay(.seconds(4)))
        world.run(for: .seconds(6))
        store.standing = .hang
        world.run(for: .milliseconds(5999))
        #expect(throws: Never.self) { try replica.elector.requireLeadership() }
        world.run(for: .milliseconds(1))
        #expect(replica.elector.isLeader)
        #expect(throws: LeadershipLost(reason: .notValid)) { try replica.elector.requireLeadership() }
        // Not lost yet: a renewal that succeeds now makes it valid again.
        #expect(!run.isFinished)
    }

    @Test func `a leader sees at its next renewal that another one has taken over`() throws {
        let (replica, run) = try leader()
        store.hold(by: "other", transitions: 1)
        world.run(for: .seconds(2))
        #expect(run.error as? LeadershipLost == LeadershipLost(reason: .takenOver(by: "other")))
        #expect(replica.journal.entries == ["start", "lost", "end"])
        #expect(store.spec("holderIdentity") == "other")
    }

    @Test func `a leader is lost when others led and left in between`() throws {
        let (_, run) = try leader()
        store.hold(by: "", transitions: 1)
        world.run(for: .seconds(2))
        #expect(run.error as? LeadershipLost == LeadershipLost(reason: .takenOver(by: "")))
    }

    @Test func `a loss is told at once, even when the work does not end`() throws {
        let replica = try replica()
        let blocker = Blocker()
        let run = world.start { try await replica.run(blocker: blocker) }
        store.standing = .hang
        world.run(for: .seconds(13))
        #expect(replica.journal.entries == ["start", "lost"])
        #expect(!run.isFinished)
        blocker.release()
        world.settle()
        #expect(run.error is LeadershipLost)
    }

    @Test func `a paused leader writes nothing after it wakes up (bug 12)`() throws {
        let (first, firstRun) = try leader()
        world.run(for: .seconds(4))
        // The process stops for 20 s: to it, nothing happens and then much time has passed.
        let second = try replica("other")
        world.time.advance(by: .seconds(20))
        #expect(throws: LeadershipLost.self) { try first.elector.requireLeadership() }
        world.settle()
        #expect(firstRun.error is LeadershipLost)
        let writes = store.requests.count { $0.holder == "me" }
        world.start { try await second.run() }
        world.run(for: .seconds(60))
        #expect(second.isStarted)
        #expect(store.requests.count { $0.holder == "me" } == writes)
    }

    @Test func `a stuck election makes the process unhealthy (bug 17)`() throws {
        let (replica, _) = try leader()
        // Nothing runs any more, only time passes.
        world.time.advance(by: .seconds(35))
        #expect(throws: Never.self) { try replica.elector.checkHealth(tolerance: .seconds(20)) }
        world.time.advance(by: .seconds(1))
        #expect(throws: LeadershipLost.self) { try replica.elector.checkHealth(tolerance: .seconds(20)) }
    }

    @Test func `a candidate is healthy however long it waits`() throws {
        store.hold(by: "other", seconds: 100_000)
        let replica = try replica()
        world.start { try await replica.run() }
        world.run(for: .seconds(1000))
        #expect(throws: Never.self) { try replica.elector.checkHealth() }
        #expect(throws: LeadershipLost.self) { try replica.elector.requireLeadership() }
        #expect(replica.masterStatus == 0)
    }

    // MARK: Stopping

    @Test func `stopping gives the lease back after the work has ended, and a successor starts at once`() throws {
        let first = try replica()
        let blocker = Blocker()
        let run = world.start { try await first.run(blocker: blocker) }
        let second = try replica("other")
        world.start { try await second.run() }
        world.run(for: .seconds(5))
        first.elector.stop()
        // The work takes longer than the lease; it is renewed all the while.
        world.run(for: .seconds(40))
        #expect(first.journal.entries == ["start"])
        #expect(!second.isStarted)
        #expect(first.elector.isValid)
        blocker.release()
        world.settle()
        #expect(run.isFinished && run.error == nil)
        #expect(first.journal.entries == ["start", "end"])
        #expect(store.spec("holderIdentity") == "")
        #expect(store.spec("leaseDurationSeconds") == .number(JSONNumber(1)))
        #expect(try #require(world.run { second.isStarted }) <= .seconds(2))
        #expect(second.elector.fencingToken == 1)
    }

    @Test(arguments: [ScriptedLease.Behaviour.failure, .hang, .lostAnswer])
    func `releasing goes on until it succeeds (bug 15)`(behaviour: ScriptedLease.Behaviour) throws {
        let (replica, run) = try leader()
        replica.elector.stop()
        store.script(.normal, behaviour)
        let wait = try #require(world.run { run.isFinished })
        #expect(wait < .seconds(10))
        #expect(run.error == nil)
        #expect(store.spec("holderIdentity") == "")
    }

    @Test func `a conflict while releasing soon reads again (bug 15)`() throws {
        let (replica, run) = try leader()
        replica.elector.stop()
        // The PUT of the release arrives after another client's write.
        store.script(.normal, .delay(.milliseconds(20)))
        world.run(for: .milliseconds(10))
        var touched = store.lease
        touched?.set("x", at: ["metadata", "labels", "touched"])
        store.lease = touched
        world.run(for: .milliseconds(110))
        #expect(run.isFinished)
        #expect(store.verbs.suffix(4) == ["GET", "PUT", "GET", "PUT"])
        #expect(store.spec("holderIdentity") == "")
    }

    @Test func `releasing gives up at the renew deadline`() throws {
        let (replica, run) = try leader()
        store.standing = .failure
        replica.elector.stop()
        let wait = try #require(world.run { run.isFinished })
        #expect(wait == .seconds(10))
        #expect(run.error == nil)
        // A second between two tries.
        #expect(store.requests.count <= 12)
    }

    @Test func `a lease that another one holds by now is not given back`() throws {
        let (replica, run) = try leader()
        store.hold(by: "other")
        replica.elector.stop()
        world.settle()
        #expect(run.isFinished)
        #expect(store.spec("holderIdentity") == "other")
    }

    @Test func `a shutdown before the election is won never starts the work (bug 16)`() throws {
        store.hold(by: "other")
        let replica = try replica()
        let run = world.start { try await replica.run() }
        world.run(for: .seconds(3))
        replica.elector.stop()
        world.run(for: .seconds(60))
        #expect(run.isFinished && run.error == nil)
        #expect(replica.journal.entries == [])
        #expect(store.spec("holderIdentity") == "other")
    }

    @Test func `a shutdown while the winning write is under way gives the lease back (bugs 15 and 16)`() throws {
        store.hold(by: "")
        store.script(.normal, .lostAnswer)
        let replica = try replica()
        let run = world.start { try await replica.run() }
        #expect(store.spec("holderIdentity") == "me")
        replica.elector.stop()
        world.settle()
        #expect(run.isFinished)
        #expect(replica.journal.entries == [])
        #expect(store.spec("holderIdentity") == "")
    }

    @Test func `a stop before the run ends it at once`() throws {
        let replica = try replica()
        replica.elector.stop()
        let run = world.start { try await replica.run() }
        #expect(run.isFinished && run.error == nil)
        #expect(store.requests.isEmpty)
    }

    @Test func `work that fails ends the run with its error and gives the lease back`() throws {
        struct Broken: Error {}
        let replica = try replica()
        let run = world.start { try await replica.elector.run { throw Broken() } }
        #expect(run.error is Broken)
        #expect(store.spec("holderIdentity") == "")
    }

    @Test func `cancelling is like a crash: the lease runs out`() throws {
        let (replica, run) = try leader()
        run.cancel()
        world.settle()
        #expect(run.error is CancellationError)
        #expect(replica.journal.entries == ["start", "end"])
        #expect(store.spec("holderIdentity") == "me")
        #expect(!replica.elector.isLeader)
    }
}
