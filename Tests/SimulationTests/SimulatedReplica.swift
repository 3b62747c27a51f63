import ControllerRuntime
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import RecoveryEngine
import Synchronization
import Telemetry
import Timekeeping

@testable import KubernetesClient
@testable import TestSupport

/// What the network knows of a process.
final class ProcessState: Sendable {
    let identity: String
    let lane: SeededWorld.Lane
    private let dead = Mutex(false)

    init(identity: String, lane: SeededWorld.Lane) {
        self.identity = identity
        self.lane = lane
    }

    /// Whether it has crashed: nothing that it does has an effect any more.
    var isDead: Bool { dead.withLock { $0 } }

    /// - Returns: Whether it was alive.
    func die() -> Bool {
        dead.withLock { dead in
            defer { dead = true }
            return !dead
        }
    }
}

/// One controller process: the real engine with its caches, recorder and elector, wired as the program does it.
final class SimulatedReplica: Sendable {
    let process: ProcessState
    let engine: RecoveryEngine
    let elector: LeaderElector?
    private let recorder: EventRecorder
    private let hasFleet: Bool
    private let root = Mutex<VirtualRun<Void>?>(nil)

    init(_ simulation: Simulation, _ process: ProcessState) throws {
        self.process = process
        let plan = simulation.plan
        hasFleet = plan.fleet != nil
        let time = simulation.world.time
        let context = RuntimeContext(timeSource: time, logger: simulation.logger(process.identity))
        let client = Self.client(simulation, process)
        recorder = EventRecorder(
            client: client,
            component: "recovery-controller",
            instance: process.identity,
            context: context,
            random: { 0.5 }
        )
        elector =
            plan.electsLeader
            ? try LeaderElector(
                configuration: LeaderElectionConfiguration(
                    namespace: Simulation.controllerNamespace,
                    leaseName: "recovery-controller",
                    identity: process.identity
                ),
                client: client,
                context: context,
                random: { simulation.fraction() },
                // The program ends here, at once.
                onLost: { _ in simulation.crash(process, "leadership lost") }
            ) : nil
        var configuration = EngineConfiguration()
        configuration.maxConcurrentRecoveries = plan.maxConcurrent
        configuration.backoff = BackoffRule(initial: .seconds(2))
        let strategy = ScriptedStrategy(
            seed: plan.seed,
            isUnreliable: plan.hasUnreliableStrategy,
            simulation: simulation
        )
        var dependencies = RecoveryEngine.Dependencies(
            client: client,
            members: { cluster, _ in throw StrategyFailure.permanent("no cluster \(cluster)") },
            registry: StrategyRegistry([GenericStrategy(), strategy]),
            configuration: configuration,
            namespace: nil,
            controllerNamespace: Simulation.controllerNamespace,
            identity: { [elector] in
                ControllerIdentity(
                    holder: process.identity,
                    fencingToken: Int(clamping: elector?.fencingToken ?? 0)
                )
            },
            mayLead: { [elector] in elector?.isValid ?? true },
            recorder: recorder,
            timeSource: time,
            logger: simulation.logger(process.identity),
            metrics: MetricsRegistry()
        )
        dependencies.informers.randomSeed = plan.seed
        if plan.fleet != nil {
            let transport = SimulatedTransport(simulation, process)
            let members = MemberClients(
                hub: client,
                namespace: Simulation.controllerNamespace,
                transport: transport,
                timeSource: time,
                logger: .disabled,
                jitter: { simulation.fraction() }
            )
            dependencies.fleet = members
            dependencies.members = members.guardedClient
            dependencies.registry = .standard(
                members: members,
                transport: transport,
                reservations: dependencies.reservations
            )
        }
        engine = RecoveryEngine(dependencies)
    }

    /// Starts the process.
    ///
    /// - Parameters:
    ///   - world: Where it runs.
    ///   - onEnd: Called when it ends by itself.
    func start(in world: SeededWorld, onEnd: @escaping @Sendable (any Error) -> Void) {
        let run = world.start(on: process.lane) { [self] in
            do {
                try await runParts()
            } catch {
                onEnd(error)
            }
        }
        root.withLock { $0 = run }
    }

    /// Cancels what is left of the process; a stopped one goes on to its end.
    func stop() {
        root.withLock { $0 }?.cancel()
        process.lane.resume()
    }

    /// Whether nothing of it is left.
    var isGone: Bool { root.withLock { $0?.isFinished ?? true } }

    private func runParts() async throws {
        try await withThrowingTaskGroup(of: Void.self) { [engine, elector, recorder, hasFleet] group in
            defer { group.cancelAll() }
            group.addTask { try await engine.recoveries.run() }
            group.addTask { try await engine.policies.run() }
            group.addTask { try await engine.clusters.run() }
            if hasFleet {
                group.addTask { try await engine.placements.run() }
                group.addTask { try await engine.migrations.run() }
            }
            group.addTask { try await recorder.run() }
            group.addTask {
                if let elector {
                    try await elector.run(onStartedLeading: engine.run)
                } else {
                    try await engine.run()
                }
            }
            try await group.next()
        }
    }

    private static func client(_ simulation: Simulation, _ process: ProcessState) -> KubernetesClient {
        KubernetesClient(
            configuration: ClientConfiguration(server: "https://fake.example:6443"),
            transport: SimulatedTransport(simulation, process),
            context: CredentialContext(timeSource: simulation.world.time, logger: .disabled, metrics: nil),
            userAgent: process.identity,
            jitter: { simulation.fraction() }
        )
    }
}
