internal import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// One of the two clusters of a move, as its probes see it.
package struct MigrationEnd: Sendable, Hashable {
    /// What the probes say.
    package enum Health: Sendable, Hashable {
        /// It can be used.
        case ready
        /// It is out of reach or refuses us, for its thresholds: it counts as lost.
        case lost(String)
        /// Nobody knows yet.
        case unknown(String)
    }

    /// Name of the MemberCluster.
    package var name: String
    /// What the probes say.
    package var health: Health
    /// Seconds until the probes notice that it is lost.
    package var detectionSeconds: Int

    /// Whether it can be used.
    package var isReady: Bool { health == .ready }
    /// Whether it counts as lost.
    package var isLost: Bool { if case .lost = health { true } else { false } }

    /// Makes an end that is known.
    package init(name: String, health: Health = .ready, detectionSeconds: Int = 105) {
        self.name = name
        self.health = health
        self.detectionSeconds = detectionSeconds
    }

    /// Judges a MemberCluster by its condition `Ready`; nil is one that does not exist.
    package init(name: String, cluster: MemberCluster?) {
        self.init(name: name)
        guard let cluster else {
            health = .lost("MemberCluster \(name) does not exist")
            return
        }
        // Bounded as the schema has it, so that nothing overflows where a server did not check.
        let probe = cluster.spec.effectiveProbe
        let interval = min(max(probe.effectiveIntervalSeconds, 1), 3_600)
        let timeout = min(max(probe.effectiveTimeoutSeconds, 1), 300)
        detectionSeconds = (interval + timeout) * min(max(probe.effectiveFailureThreshold, 1), 100)
        let ready = cluster.status?.conditions?[type: ConditionType.ready]
        switch ready?.status {
        case .true where !cluster.metadata.isBeingDeleted: health = .ready
        case .true: health = .lost("MemberCluster \(name) is being deleted")
        case .false: health = .lost("MemberCluster \(name) is not ready: \(Self.why(cluster, ready))")
        case .unknown, nil: health = .unknown("MemberCluster \(name) has not been probed often enough yet")
        }
    }

    /// The reason of the aspect that is False, and not only that Ready is.
    private static func why(_ cluster: MemberCluster, _ ready: Condition?) -> String {
        let aspects = ConditionType.memberCluster.compactMap { cluster.status?.conditions?[type: $0] }
        return aspects.first { $0.status == .false }?.reason ?? ready?.reason ?? ""
    }
}

/// Something that keeps a Migration from its next step.
package struct MigrationFinding: Sendable, Hashable {
    /// CamelCase, one of `MigrationReason`.
    package var reason: String
    /// The same for people.
    package var message: String
    /// Whether waiting alone will hardly help: a recovery is called for at once.
    package var isRefusal: Bool

    /// Makes a finding.
    package init(_ reason: String, _ message: String, isRefusal: Bool = false) {
        self.reason = reason
        self.message = message
        self.isRefusal = isRefusal
    }
}

/// What the target answered when it was asked whether a copy would fit.
package struct MigrationPrechecks: Sendable, Hashable {
    /// What stands in the way; empty when nothing does.
    package var findings: [MigrationFinding]
    /// What was looked at, for the checkpoint.
    package var summary: String

    /// Makes an answer.
    package init(findings: [MigrationFinding] = [], summary: String = "") {
        self.findings = findings
        self.summary = summary
    }
}

/// What is known when the next step of a Migration is decided.
package struct MigrationFacts: Sendable, Hashable {
    /// The Placement as the hub has it now; nil when there is none.
    package var placement: Placement?
    /// The cluster that is left.
    package var source: MigrationEnd
    /// The cluster that is gone to.
    package var target: MigrationEnd
    /// What breaks a rule or reaches out of the namespace.
    package var violations: [FieldViolation] = []
    /// The Migration whose turn it is, when it is not this one's.
    package var waitsFor: String?
    /// The Migration with `failback: Never` by which the target was left.
    package var heldBackBy: String?
    /// The prechecks; nil when nobody has asked.
    package var prechecks: MigrationPrechecks?
    /// What keeps the copy on the target from being relied on, by a look at it now; nil when nobody has looked.
    package var verification: [MigrationFinding]?

    /// Whether the Placement asks for a copy on the target.
    package var isTargetDecided: Bool { placement?.status?.decision(on: target.name)?.isLeaving == false }

    /// Gathers facts about two ends.
    package init(placement: Placement?, source: MigrationEnd, target: MigrationEnd) {
        self.placement = placement
        self.source = source
        self.target = target
    }
}
