import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision

/// The moment at which most tests begin: a whole second, as status holds them.
let start = Date(timeIntervalSince1970: 1_800_000_000)

/// A moment so many seconds after the start.
func at(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

extension Recovery {
    /// A Recovery of namespace `team` as a user creates it.
    static func make(
        type: String = "ClusterUnreachable",
        name: String = "web",
        namespace: String = "team",
        uid: String? = "uid-1",
        _ change: (inout Recovery) -> Void = { _ in }
    ) -> Recovery {
        var recovery = Recovery(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: RecoverySpec(error: ReportedError(type: type))
        )
        recovery.metadata.uid = uid
        recovery.metadata.generation = 1
        recovery.spec.targetRef = TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: "web")
        change(&recovery)
        return recovery
    }

    /// The Recovery with a status written to it.
    func with(_ status: RecoveryStatus?) -> Recovery {
        var copy = self
        copy.status = status
        return copy
    }

    /// The Recovery with changes.
    func with(_ change: (inout Recovery) -> Void) -> Recovery {
        var copy = self
        change(&copy)
        return copy
    }

    /// The Recovery with its first attempt reserved at `time`.
    func reserved(_ facts: RecoveryFacts = .make(), at time: Date = start) throws -> Recovery {
        guard case .reserve(_, let status) = try RecoveryDecision.decide(self, facts: facts, now: time).action else {
            throw Unexpected()
        }
        return with(status)
    }

    /// The Recovery after its running attempt ended with `outcome`.
    func settled(_ outcome: AttemptOutcome, at time: Date, nextSteps: [String]? = nil) -> Recovery {
        with(settle(self, outcome, at: time, nextSteps: nextSteps).status)
    }

    /// The only execution, or the newest.
    var lastExecution: RecoveryExecution? { status?.executions?.last }
}

/// A fixture could not be made: the test's premise is wrong.
struct Unexpected: Error {}

extension RecoveryPolicy {
    /// A policy of namespace `team`.
    static func make(
        _ name: String = "default",
        rungs: [StrategyRung]? = nil,
        _ change: (inout RecoveryPolicy) -> Void = { _ in }
    ) -> RecoveryPolicy {
        var policy = RecoveryPolicy(metadata: ObjectMeta(name: name, namespace: "team"))
        policy.metadata.uid = "policy-\(name)"
        policy.metadata.generation = 1
        policy.spec.strategies = rungs
        change(&policy)
        return policy
    }
}

extension StrategyRung {
    /// A rung with settings.
    static func make(
        _ name: String,
        maxAttempts: Int? = nil,
        timeoutSeconds: Int? = nil,
        priority: Int? = nil,
        backoff: BackoffSettings? = nil
    ) -> StrategyRung {
        var rung = StrategyRung(name: name)
        rung.maxAttempts = maxAttempts
        rung.timeoutSeconds = timeoutSeconds
        rung.priority = priority
        rung.backoff = backoff
        return rung
    }
}

extension StrategyCatalogue {
    /// Strategies of every kind: two for one type, a destructive one, a fallback.
    static let sample = StrategyCatalogue([
        StrategyDescriptor(
            name: "Connect",
            errorTypes: ["ClusterUnreachable", "ClusterUnavailable"],
            priority: 80,
            timeout: .seconds(300)
        ),
        StrategyDescriptor(name: "Ping", errorTypes: ["ClusterUnreachable"], priority: 40, timeout: .seconds(30)),
        StrategyDescriptor(
            name: "Wipe",
            errorTypes: ["ClusterUnreachable", "Doom"],
            priority: 100,
            timeout: .seconds(60),
            destructiveness: .destructive
        ),
        StrategyDescriptor(name: "Any", errorTypes: [], priority: 10, timeout: .seconds(120), isFallback: true),
    ])
}

extension RecoveryFacts {
    /// Facts in which no gate holds.
    static func make(
        policies: [RecoveryPolicy] = [],
        _ change: (inout RecoveryFacts) -> Void = { _ in }
    ) -> RecoveryFacts {
        var facts = RecoveryFacts(
            configuration: EngineConfiguration(),
            catalogue: .sample,
            identity: ControllerIdentity(holder: "controller-a", fencingToken: 7),
            controllerNamespace: "tmc-recovery-system"
        )
        facts.policies = policies
        facts.targetIsNamespaced = true
        change(&facts)
        return facts
    }

    /// The facts with changes.
    func with(_ change: (inout RecoveryFacts) -> Void) -> RecoveryFacts {
        var copy = self
        change(&copy)
        return copy
    }
}

/// Decides with facts in which no gate holds, unless told otherwise.
func decide(
    _ recovery: Recovery,
    _ facts: RecoveryFacts = .make(),
    at time: Date = start
) throws -> RecoveryDecision {
    try RecoveryDecision.decide(recovery, facts: facts, now: time)
}

/// Settles with a result that says "it broke", and with waits of exactly 10, 20, 40 s where no rung says.
func settle(
    _ recovery: Recovery,
    _ outcome: AttemptOutcome,
    at time: Date,
    nextSteps: [String]? = nil
) -> AttemptSettlement {
    var result = ExecutionResult()
    result.message = "it broke"
    result.nextSteps = nextSteps
    return AttemptSettlement.settle(
        recovery,
        outcome: outcome,
        result: result,
        retryBackoff: BackoffRule(initial: .seconds(10), spreadPercent: 0),
        now: time
    )
}

extension RecoveryDecision {
    /// The status that is to be written, if any.
    var status: RecoveryStatus? {
        switch action {
        case .hold(_, let status), .reserve(_, let status), .resume(_, let status), .finish(let status): status
        case .ignore, .delete, .stop, .rehearse: nil
        }
    }

    /// The gate that holds.
    var verdict: GateVerdict? {
        guard case .hold(let verdict, _) = action else { return nil }
        return verdict
    }

    /// The action without what it carries.
    var kind: String {
        switch action {
        case .ignore: "ignore"
        case .delete: "delete"
        case .rehearse: "rehearse"
        case .hold(let verdict, _): "hold \(verdict.gate.rawValue)"
        case .reserve: "reserve"
        case .resume: "resume"
        case .stop(let reason): "stop \(reason.rawValue)"
        case .finish(let status): "finish \(status.state?.rawValue ?? "")"
        }
    }
}

extension RecoveryStatus {
    /// A condition as `True Reason`.
    func condition(_ type: String) -> String? {
        conditions?[type: type].map { "\($0.status.rawValue) \($0.reason)" }
    }
}

/// A generator of the same numbers on every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// One chance in `count`.
    mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}
