package import RecoveryAPI

/// How much harm a strategy can do; a ladder never goes down in this order: what does less harm is tried first.
package enum Destructiveness: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// Reads, waits and writes nothing but status.
    case harmless
    /// Changes objects in a way that can be changed back.
    case mutating
    /// Interrupts what is running for a short while.
    case disruptive
    /// Deletes or replaces; runs only where a policy or a Recovery names it.
    case destructive

    /// Orders by harm, least first.
    package static func < (left: Destructiveness, right: Destructiveness) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What the decision core knows of a strategy: everything but how it works.
package struct StrategyDescriptor: Sendable, Hashable {
    /// The name that status, metrics and `spec.strategy` use.
    package var name: String
    /// The error types it is made for; a fallback has none.
    package var errorTypes: Set<String>
    /// Higher goes first (design.md section 4).
    package var priority: Int
    /// How long one attempt may take unless a policy or the configuration says otherwise.
    package var timeout: Duration
    /// The harm it can do.
    package var destructiveness: Destructiveness
    /// Whether it takes any retryable error that no other strategy is made for.
    package var isFallback: Bool
    /// Whether it may be gone through to find out what it would write: it changes nothing but by `Attempt.mutate` and the
    /// clients of its attempt, and waits only in `Attempt.read` and `Attempt.pause`.
    package var canBeRehearsed: Bool
    /// Whether it does what a tenant says, and therefore acts only as a ServiceAccount.
    package var needsServiceAccount: Bool

    /// Describes a strategy.
    package init(
        name: String,
        errorTypes: Set<String>,
        priority: Int,
        timeout: Duration,
        destructiveness: Destructiveness = .harmless,
        isFallback: Bool = false,
        canBeRehearsed: Bool = false,
        needsServiceAccount: Bool = false
    ) {
        self.name = name
        self.errorTypes = errorTypes
        self.priority = priority
        self.timeout = timeout
        self.destructiveness = destructiveness
        self.isFallback = isFallback
        self.canBeRehearsed = canBeRehearsed
        self.needsServiceAccount = needsServiceAccount
    }
}

/// A rung that does less harm than the one before it, which therefore should have been tried first.
package struct LadderFall: Sendable, Hashable {
    /// Position of the rung on the ladder, from 0.
    package var index: Int
    /// Name of the rung's strategy.
    package var name: String
    /// Name of the strategy before it.
    package var before: String

    /// The fall as a fault of the field that holds the ladder.
    package func violation(_ path: String) -> FieldViolation {
        FieldViolation(
            path: "\(path)[\(index)].name",
            message:
                "\(name) does less harm than \(before) before it: along a ladder harm must not fall, so put it first"
        )
    }
}

/// The strategies that are registered and enabled, by name.
package struct StrategyCatalogue: Sendable, Hashable {
    private let descriptors: [String: StrategyDescriptor]

    /// Makes a catalogue; of two strategies with one name the later one counts.
    package init(_ descriptors: [StrategyDescriptor]) {
        self.descriptors = Dictionary(descriptors.map { ($0.name, $0) }, uniquingKeysWith: { _, later in later })
    }

    /// All names, sorted: for messages.
    package var names: [String] {
        descriptors.keys.sorted()
    }

    /// The strategy of that name, if it is registered and enabled.
    package subscript(name: String) -> StrategyDescriptor? {
        descriptors[name]
    }

    /// The strategies made for an error type, best first: by priority, then by name, so that the choice never wavers.
    ///
    /// Destructive strategies are left out: they run only where they are named.
    package func candidates(forErrorType type: String) -> [StrategyDescriptor] {
        descriptors.values
            .filter { $0.errorTypes.contains(type) && $0.destructiveness < .destructive }
            .sorted { ($1.priority, $0.name) < ($0.priority, $1.name) }
    }

    /// The strategy that takes what no other is made for.
    package var fallback: StrategyDescriptor? {
        descriptors.values
            .filter(\.isFallback)
            .max { ($0.priority, $1.name) < ($1.priority, $0.name) }
    }

    /// The first rung that does less harm than the one before it; rungs that are not known are left out.
    package func fall(in ladder: [StrategyRung]) -> LadderFall? {
        var last: StrategyDescriptor?
        for (index, rung) in ladder.enumerated() {
            guard let strategy = self[rung.name] else { continue }
            if let last, strategy.destructiveness < last.destructiveness {
                return LadderFall(index: index, name: strategy.name, before: last.name)
            }
            last = strategy
        }
        return nil
    }
}
