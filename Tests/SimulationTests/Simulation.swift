import JSON
import KubernetesCore
import RecoveryAPI
import Synchronization
import Telemetry
import Timekeeping

@testable import RecoveryEngine
@testable import TestSupport

/// One run of the real engine in a world that a seed decides: order of jobs, latency, faults, crashes, users.
///
/// The same plan gives the same run, to the last line of ``trace``. The invariants are checked at every request and at
/// every change of the server's state.
final class Simulation: Sendable {
    static let controllerNamespace = "tmc-recovery-system"
    static let namespace = "team"

    struct State {
        var random: SeededRandom
        var invariants = Invariants()
        var trace: [String] = []
        var isChaotic = true
        var replicas: [SimulatedReplica] = []
        var nextReplica = 1
        var crashes = 0
        var writes = 0
        var writesAtRest = 0
        var holdsReplicasBack = false
    }

    let plan: ScenarioPlan
    let world: SeededWorld
    let server: FakeAPIServer
    /// The API servers of the fleet by name.
    let members: [String: FakeAPIServer]
    /// Where requests are on their way.
    let network: SeededWorld.Lane
    let state: Mutex<State>
    private let keepsTrace: Bool

    init(_ plan: ScenarioPlan, keepsTrace: Bool = false) {
        self.plan = plan
        self.keepsTrace = keepsTrace
        world = SeededWorld(seed: plan.seed)
        server = FakeAPIServer(
            timeSource: world.time,
            resources: [
                Recovery.resource, RecoveryPolicy.resource, RecoveryApproval.resource, MemberCluster.resource,
                Placement.resource, Migration.resource,
            ]
        )
        let time = world.time
        let servers = (plan.fleet?.members ?? []).map { ($0, FakeAPIServer(timeSource: time)) }
        members = Dictionary(servers, uniquingKeysWith: { first, _ in first })
        network = world.makeLane()
        state = Mutex(State(random: SeededRandom(seed: plan.seed ^ 0x5EED)))
        server.after { [weak self] request, reply in
            self?.landed(request, reply.status)
            return reply
        }
        for (name, member) in members {
            member.after { [weak self] request, reply in
                self?.landed(request, reply.status, on: name)
                return reply
            }
        }
    }

    // MARK: What takes part calls

    /// Decides what happens to a request, at the moment at which it is sent.
    ///
    /// - Parameters:
    ///   - request: what is sent.
    ///   - process: who sends it.
    ///   - cluster: the member that it goes to; nil for the hub.
    /// - Returns: what happens to it; nil when it arrives and is answered.
    /// - Throws: when it is not sent at all.
    func send(
        _ request: FakeRequest,
        from process: ProcessState,
        to cluster: String?
    ) throws -> SimulatedTransport.Fault? {
        audit()
        if cluster == nil { state.withLock { $0.invariants.sent(request) } }
        let isOwnWrite = Self.isOwnWrite(request)
        let plannedCrash = state.withLock { state -> ScenarioPlan.PlannedCrash? in
            guard isOwnWrite else { return nil }
            state.writes += 1
            return plan.plannedCrash.flatMap { $0.write == state.writes ? $0 : nil }
        }
        if let plannedCrash {
            if plannedCrash.isAfter { return .crashAfter }
            crash(process, "before \(Self.describe(request, cluster))")
            throw SimulatedTransport.refused
        }
        let fault = state.withLock { $0.isChaotic ? Self.drawFault(&$0.random, plan.rates, request) : nil }
        guard let fault else { return nil }
        if case .crashBefore = fault {
            crash(process, "before \(Self.describe(request, cluster))")
            throw SimulatedTransport.refused
        }
        let found = fault.onTheWire
        if let found { note("\(process.identity) \(found.word) hits \(Self.describe(request, cluster))") }
        return found
    }

    /// What the server answers to a status write, read at the moment at which it has done it.
    func answer(to request: FakeRequest, _ status: Int) -> Recovery? {
        guard request.verb == .patch, (200..<300).contains(status), request.concerns(Recovery.resource),
            let key = request.target?.key
        else { return nil }
        return state.withLock { $0.invariants.recovery(key) }
    }

    /// A request was answered to its sender.
    func delivered(_ request: FakeRequest, _ answer: Recovery?) {
        state.withLock { $0.invariants.delivered(request, answer) }
    }

    /// Ends a process at once; another one takes its place.
    func crash(_ process: ProcessState, _ reason: String) {
        guard process.die() else { return }
        note("CRASH \(process.identity) \(reason)")
        let victim = state.withLock { state in
            state.crashes += 1
            return state.replicas.first { $0.process === process }
        }
        victim?.stop()
        world.start(on: network) { [self] () async throws -> Void in
            try await world.time.sleep(for: .seconds(1))
            startReplica()
        }
    }

    func latency() -> Duration {
        state.withLock { $0.random.milliseconds(0...plan.maxLatency) }
    }

    func fraction() -> Double {
        state.withLock { Double.random(in: 0..<1, using: &$0.random) }
    }

    /// Does something later in a process, where the cancellation of the caller does not reach it: a strategy that does
    /// not listen.
    func ignoringCancellation(
        after duration: Duration,
        in identity: String?,
        _ body: @escaping @Sendable () async throws -> Void
    ) async {
        let lane = livingReplicas.first { $0.process.identity == identity }?.process.lane ?? network
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            world.start(on: lane) { [self] () async throws -> Void in
                defer { continuation.resume() }
                try await world.time.sleep(for: duration)
                try await body()
            }
        }
    }

    func note(_ line: @autoclosure () -> String) {
        guard keepsTrace else { return }
        let seconds = (world.time.now().nanoseconds - 3_600_000_000_000) / 1_000_000
        let text = "\(seconds) ms  \(line())"
        state.withLock { $0.trace.append(text) }
    }

    func logger(_ identity: String) -> Logger {
        guard keepsTrace else { return .disabled }
        return Logger(level: .debug, timeSource: world.time) { [weak self] bytes in
            self?.note("\(identity) | \(String(decoding: bytes, as: UTF8.self).dropLast())")
        }
    }

    // MARK: Replicas

    /// Starts a new controller process.
    func startReplica() {
        let number = state.withLock { state -> Int? in
            guard !state.holdsReplicasBack else { return nil }
            defer { state.nextReplica += 1 }
            return state.nextReplica
        }
        guard let number else { return }
        let process = ProcessState(identity: "controller-\(number)", lane: world.makeLane())
        do {
            let replica = try SimulatedReplica(self, process)
            note("START \(process.identity)")
            state.withLock { $0.replicas.append(replica) }
            replica.start(in: world) { [weak self] error in self?.crash(process, "it ended: \(error)") }
        } catch {
            state.withLock { $0.invariants.fail("no replica: \(error)") }
        }
    }

    var livingReplicas: [SimulatedReplica] {
        state.withLock { $0.replicas.filter { !$0.process.isDead } }
    }

    // MARK: Checks

    var violations: [String] { state.withLock { $0.invariants.violations } }
    var trace: [String] { state.withLock { $0.trace } }
    /// The engine's own writes until everything was at rest.
    var writeCountAtRest: Int { state.withLock { $0.writesAtRest } }
    /// How the Recoveries ended.
    var states: [String] { state.withLock { $0.invariants.states } }
    /// How many attempts began under an approval.
    var approvedStarts: Int { state.withLock { $0.invariants.modes.approvedStarts } }
    /// How many Recoveries were opened by detection.
    var detected: Int { state.withLock { $0.invariants.detection.count } }
    /// How many Recoveries are only observed in the end.
    var observed: Int { state.withLock { $0.invariants.observed } }
    /// How many approvals were refused.
    var refusedApprovals: Int {
        server.objects(RecoveryApproval.resource).count { $0["status", "result"]?.stringValue == "Refused" }
    }

    /// Checks every change of the server's state since the last time.
    func audit() {
        let seen = state.withLock { $0.invariants.version }
        let changes = server.state.withLock { server in
            Array(server.database.history.suffix(max(0, server.database.version - seen)))
        }
        for change in changes where change.version > seen {
            let lines = state.withLock { $0.invariants.apply(change) }
            for line in lines { note("    \(line)") }
        }
    }

    private func landed(_ request: FakeRequest, _ status: Int) {
        if !request.isWatch { note("\(request.identity) \(Self.describe(request)) -> \(status)") }
        audit()
        // That an object is not there is an answer as well.
        let isAnswered = (200..<300).contains(status) || request.verb == .get && status == 404
        if isAnswered { state.withLock { $0.invariants.landed(request) } }
    }

    static func describe(_ request: FakeRequest, _ cluster: String? = nil) -> String {
        (cluster.map { "on \($0): " } ?? "") + "\(request.verb) \(request.target?.collection.plural ?? request.path)"
            + " \(request.target?.key.map(\.description) ?? "")"
            + (request.target?.subresource.map { "/\($0)" } ?? "")
    }

    /// Writes of the engine: all but events and the election.
    static func isOwnWrite(_ request: FakeRequest) -> Bool {
        request.isWrite && !["events", "selfsubjectaccessreviews"].contains(request.target?.collection.plural)
            && request.target?.name != "recovery-controller"
            && !(request.verb == .create && request.json["metadata"]?["name"] == "recovery-controller")
    }
}

extension Simulation {
    fileprivate enum Drawn {
        case crashBefore
        case wire(SimulatedTransport.Fault)

        var onTheWire: SimulatedTransport.Fault? {
            if case .wire(let fault) = self { fault } else { nil }
        }
    }

    private static func drawFault(
        _ random: inout SeededRandom,
        _ rates: ScenarioPlan.FaultRates,
        _ request: FakeRequest
    ) -> Drawn? {
        let isOwnWrite = isOwnWrite(request)
        if isOwnWrite, random.chance(rates.crashBefore) { return .crashBefore }
        if isOwnWrite, random.chance(rates.crashAfter) { return .wire(.crashAfter) }
        if random.chance(rates.refuse) { return .wire(.refuse) }
        guard !request.isWatch else { return nil }
        if random.chance(rates.loseReply) { return .wire(.loseReply) }
        if request.isWrite, random.chance(rates.conflictAfter) { return .wire(.conflictAfter) }
        if random.chance(rates.tooManyRequests) {
            return .wire(.answer(.failure(429, "TooManyRequests", retryAfterSeconds: 1)))
        }
        if random.chance(rates.serverError) { return .wire(.answer(.failure(500, "InternalError"))) }
        if random.chance(rates.slow) {
            return .wire(random.chance(0.2) ? .never : .delay(random.milliseconds(5_000...40_000)))
        }
        return nil
    }
}
