/// How the controller itself is, as `/health` shows it: one finding for each check, and the worst of them.
///
/// Pure: `HealthMonitor` of RecoveryEngine collects the facts.
package struct ComponentHealth: Sendable, Hashable {
    /// The words of `/health`, from good to bad.
    package enum Status: String, Sendable, Hashable, CaseIterable, Comparable {
        case healthy = "Healthy"
        case degraded = "Degraded"
        case unhealthy = "Unhealthy"

        package static func < (left: Status, right: Status) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    /// What is looked at; the raw value is the `check` label of the metric.
    package enum Check: String, Sendable, Hashable, CaseIterable {
        /// The API server of the hub is ready.
        case hub
        /// The caches are complete and follow the API server.
        case caches
        /// One more recovery could run.
        case capacity
        /// Recoveries succeed.
        case successRate = "success_rate"
    }

    /// What one check found.
    package struct Finding: Sendable, Hashable {
        package var check: Check
        package var status: Status
        package var message: String
    }

    /// What the hub's API server answered.
    package enum Hub: Sendable, Hashable {
        /// Nobody has asked yet.
        case unknown
        /// It is ready.
        case ready
        /// It is not, or cannot be reached.
        case failing(String)
    }

    /// How well a cache knows the API server.
    package struct Cache: Sendable, Hashable {
        /// What it holds, such as `Recovery`.
        package var kind: String
        /// Whether it has had its first list.
        package var hasSynced: Bool
        /// For how long it has not followed the server; zero while it does.
        package var silence: Duration

        /// Describes a cache.
        package init(kind: String, hasSynced: Bool, silence: Duration) {
            self.kind = kind
            self.hasSynced = hasSynced
            self.silence = silence
        }
    }

    /// What is known at one moment.
    package struct Facts: Sendable, Hashable {
        package var hub = Hub.unknown
        package var caches: [Cache] = []
        /// Attempts that run, and how many may.
        package var active = 0
        package var limit = 1
        /// Recoveries that ended well, and not.
        package var successful = 0
        package var failed = 0

        /// Nothing is known yet.
        package init() {}

        /// The part of the recoveries that ended well; 1 while none has ended.
        package var successRate: Double {
            let ended = Double(successful) + Double(failed)
            return ended > 0 ? Double(successful) / ended : 1
        }
    }

    /// A start takes its time, and a watch that was refused is soon there again; what takes longer is reported.
    package static let tolerableSilence = Duration.seconds(30)

    /// One finding for each check that could be made, in the order of `Check`.
    package var findings: [Finding]

    /// The worst finding.
    package var status: Status { findings.map(\.status).max() ?? .healthy }

    /// The checks that failed, the worst first.
    package var failures: [Finding] {
        findings.filter { $0.status == .unhealthy } + findings.filter { $0.status == .degraded }
    }

    /// What is wrong, for people.
    package var message: String {
        failures.isEmpty ? "recoveries are carried out" : failures.map(\.message).joined(separator: "; ")
    }

    /// Judges what is known.
    package static func judge(_ facts: Facts) -> ComponentHealth {
        var findings: [Finding] = []
        switch facts.hub {
        case .unknown: break
        case .ready: findings.append(Finding(check: .hub, status: .healthy, message: "the API server is ready"))
        case .failing(let problem): findings.append(Finding(check: .hub, status: .unhealthy, message: problem))
        }
        return ComponentHealth(findings: findings + [caches(facts), capacity(facts), successRate(facts)])
    }

    private static func caches(_ facts: Facts) -> Finding {
        let stale = facts.caches.filter { $0.silence > tolerableSilence }.map {
            "\($0.kind)\($0.hasSynced ? "" : ", which is not complete,") for \($0.silence.components.seconds) s"
        }
        guard stale.isEmpty else {
            let kinds = stale.joined(separator: ", ")
            return Finding(check: .caches, status: .degraded, message: "caches do not follow the API server: \(kinds)")
        }
        return Finding(check: .caches, status: .healthy, message: "caches follow the API server")
    }

    private static func capacity(_ facts: Facts) -> Finding {
        let isFull = facts.active >= facts.limit
        return Finding(
            check: .capacity,
            status: isFull ? .degraded : .healthy,
            message: isFull
                ? "as many recoveries run as are allowed" : "\(facts.active) of \(facts.limit) recoveries run"
        )
    }

    private static func successRate(_ facts: Facts) -> Finding {
        if facts.successRate < 0.5 {
            return Finding(
                check: .successRate,
                status: .unhealthy,
                message: "less than half of the recoveries succeed"
            )
        }
        if facts.successRate < 0.8 {
            return Finding(
                check: .successRate,
                status: .degraded,
                message: "less than 80 % of the recoveries succeed"
            )
        }
        return Finding(check: .successRate, status: .healthy, message: "recoveries succeed")
    }
}
