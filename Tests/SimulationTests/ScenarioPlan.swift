import RecoveryAPI
import TestSupport

/// What a seed decides before anything runs: who takes part, what goes wrong and how often.
struct ScenarioPlan: Sendable {
    /// How likely each fault is for one request; most seeds have only some of them, so that rare ones are not buried.
    struct FaultRates: Sendable {
        var crashBefore = 0.0
        var crashAfter = 0.0
        var loseReply = 0.0
        var refuse = 0.0
        /// Done, but answered with 409, as when a proxy has sent it twice.
        var conflictAfter = 0.0
        var tooManyRequests = 0.0
        var serverError = 0.0
        /// Arrives 5 to 40 seconds later, or never.
        var slow = 0.0

        static let none = FaultRates()
    }

    /// A crash at a certain write, for the exhaustive part.
    struct PlannedCrash: Sendable {
        /// Position among the controller's own writes, from 1.
        var write: Int
        /// Whether the write is still done.
        var isAfter: Bool
    }

    struct PlannedRecovery: Sendable {
        var name: String
        var target: Int?
        var usesScript: Bool
        var maxAttempts: Int?
        var timeoutSeconds: Int
        var ttlSeconds: Int?
        var delay: Duration
        /// Whether detection has opened it, so that the policy's mode governs.
        var isDetected = false
    }

    /// How far the policy lets the controller go with what detection has opened, and what people say to its plans.
    struct PlannedMode {
        var first = PolicyMode.auto
        /// Later modes, and how long the one before them lasts.
        var changes: [(after: Duration, mode: PolicyMode)] = []
        /// For how many seconds a target is not Ready before detection opens a Recovery; nil looks at none.
        var detectsAfter: Int?
        /// How likely people answer a plan with an approval that does not fit, or not at all, and change the target.
        var confusion = 0.0

        init() {}

        init(seed: UInt64) {
            var random = SeededRandom(seed: seed ^ 0x30DE)
            first = [.auto, .auto, .observe, .approve, .approve].randomElement(using: &random) ?? .auto
            for _ in 0..<(random.chance(0.4) ? Int.random(in: 1...3, using: &random) : 0) {
                let mode = PolicyMode.allCases.randomElement(using: &random) ?? .auto
                changes.append((random.milliseconds(1_000...30_000), mode))
            }
            confusion = random.chance(0.6) ? 0.5 : 0
            detectsAfter = random.chance(0.5) ? Int.random(in: 0...5, using: &random) : nil
        }
    }

    /// What the policy counts.
    struct PlannedBooks: Sendable {
        var cooldownSeconds = 0
        var budget: (actions: Int, windowSeconds: Int)?
        var failureThreshold: Int?
        var openSeconds = 10
        /// How often a person asks for the breakers to be closed.
        var resets = 0
        /// For how long a target has to stay healthy, in seconds; nil for as long as nobody asks.
        var verifySeconds: Int?
        /// How often the health of targets changes.
        var healthChanges = 0
        /// How many targets may be unhealthy; nil for any number.
        var maxUnhealthy: Int?
        var alwaysAllow = 1
        var stormCooldownSeconds = 20
        /// How often a person deletes the policy and makes it again.
        var replacements = 0

        init() {}

        init(seed: UInt64) {
            var random = SeededRandom(seed: seed ^ 0xB00C)
            cooldownSeconds = random.chance(0.5) ? Int.random(in: 1...30, using: &random) : 0
            if random.chance(0.5) {
                budget = (Int.random(in: 1...4, using: &random), Int.random(in: 5...60, using: &random))
            }
            failureThreshold = random.chance(0.6) ? Int.random(in: 1...3, using: &random) : nil
            openSeconds = Int.random(in: 1...30, using: &random)
            resets = random.chance(0.3) ? 1 : 0
            verifySeconds = random.chance(0.6) ? Int.random(in: 0...12, using: &random) : nil
            healthChanges = random.chance(0.6) ? Int.random(in: 1...6, using: &random) : 0
            maxUnhealthy = random.chance(0.4) ? Int.random(in: 0...1, using: &random) : nil
            alwaysAllow = Int.random(in: 0...2, using: &random)
            stormCooldownSeconds = Int.random(in: 0...40, using: &random)
            replacements = random.chance(0.3) ? 1 : 0
        }
    }

    var seed: UInt64
    var replicas = 1
    var electsLeader = false
    var maxConcurrent = 2
    var hasPolicy = false
    var policyLimit: Int?
    var books = PlannedBooks()
    var mode = PlannedMode()
    var maxLatency = 0
    var rates = FaultRates.none
    var plannedCrash: PlannedCrash?
    /// The strategy of the test fails and hangs by seed.
    var hasUnreliableStrategy = false
    /// What happens to watches, the server and the replicas from outside.
    var environmentEvents = 0
    /// Changes of specs by people.
    var userEvents = 0
    var recoveries: [PlannedRecovery] = []
    /// Member clusters and what is placed on them; nil for none.
    var fleet: PlannedFleet?

    /// The plan of a seed.
    init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed: seed)
        electsLeader = random.chance(0.5)
        replicas = electsLeader ? 2 : 1
        maxConcurrent = Int.random(in: 1...3, using: &random)
        hasPolicy = random.chance(0.5)
        policyLimit = random.chance(0.5) ? Int.random(in: 1...2, using: &random) : nil
        books = PlannedBooks(seed: seed)
        if hasPolicy { mode = PlannedMode(seed: seed) }
        maxLatency = [0, 5, 200].randomElement(using: &random) ?? 0
        rates = FaultRates(
            crashBefore: Self.rate(&random),
            crashAfter: Self.rate(&random),
            loseReply: Self.rate(&random),
            refuse: Self.rate(&random),
            conflictAfter: Self.rate(&random),
            tooManyRequests: Self.rate(&random),
            serverError: Self.rate(&random),
            slow: Self.rate(&random) / 2
        )
        hasUnreliableStrategy = random.chance(0.7)
        environmentEvents = random.chance(0.6) ? Int.random(in: 1...6, using: &random) : 0
        userEvents = random.chance(0.6) ? Int.random(in: 1...4, using: &random) : 0
        let targets = Int.random(in: 1...2, using: &random)
        for index in 1...Int.random(in: 1...4, using: &random) {
            recoveries.append(
                PlannedRecovery(
                    name: "r\(index)",
                    target: random.chance(0.9) ? Int.random(in: 1...targets, using: &random) : nil,
                    usesScript: random.chance(0.75),
                    maxAttempts: random.chance(0.5) ? Int.random(in: 1...4, using: &random) : nil,
                    timeoutSeconds: Int.random(in: 30...150, using: &random),
                    ttlSeconds: random.chance(0.2) ? Int.random(in: 0...20, using: &random) : nil,
                    delay: random.milliseconds(0...15_000)
                )
            )
        }
        var detection = SeededRandom(seed: seed ^ 0xDE7EC7)
        for index in recoveries.indices { recoveries[index].isDetected = hasPolicy && detection.chance(0.6) }
    }

    /// A small scenario without faults, for crashes at every single write: two Recoveries on one target and one with
    /// the built-in strategy; with a policy, its books are kept, too, and its mode governs all.
    init(crash: PlannedCrash?, electsLeader: Bool, hasPolicy: Bool, mode: PolicyMode = .auto) {
        seed = 11
        self.hasPolicy = hasPolicy
        self.mode.first = mode
        books.cooldownSeconds = 5
        books.budget = (3, 30)
        books.failureThreshold = 3
        books.verifySeconds = 2
        self.electsLeader = electsLeader
        replicas = electsLeader ? 2 : 1
        maxLatency = 5
        plannedCrash = crash
        recoveries = (1...3).map { index in
            PlannedRecovery(
                name: "r\(index)",
                target: index == 3 ? 2 : 1,
                usesScript: index != 3,
                maxAttempts: 3,
                timeoutSeconds: 120,
                ttlSeconds: nil,
                delay: .milliseconds(20_000 + index),
                isDetected: mode != .auto
            )
        }
    }

    private static func rate(_ random: inout SeededRandom) -> Double {
        random.chance(0.65) ? 0 : Double.random(in: 0.01..<0.08, using: &random)
    }
}
