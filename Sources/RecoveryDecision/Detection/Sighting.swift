package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// What one detector of a policy opens, and how patient it is.
package struct DetectionRule: Sendable, Hashable {
    /// Where the detector stands in the policy, with what it looks for: a detector that was edited is another one.
    package var name: String
    /// The error type to open.
    package var errorType: String
    /// The catalogue code to open.
    package var code: String?
    /// The severity to open.
    package var severity: Severity
    /// How long a failure lasts before it is one, never less than nothing.
    package var patience: Duration
    /// How long a target is well before its next failure is another incident.
    package var convalescence: Duration
    /// Whether it knows only what it is told, as of events, alerts and probed clusters: it learns late that a failure is
    /// over, and that it has heard nothing of a target means nothing.
    package var isLate = false
    /// Whether it is told that a failure is over, as of alerts: a target that it sees fail and then no more is neither well
    /// nor gone.
    package var isToldOfHealth = false

    /// Describes a detector.
    ///
    /// - Parameters:
    ///   - name: its place in the policy and what it looks for.
    ///   - errorType: the error type to open.
    ///   - severity: the severity to open.
    ///   - forSeconds: how long a failure lasts before it is one.
    ///   - healthyForSeconds: how long a target is well before its next failure is another incident.
    package init(
        name: String,
        errorType: String,
        severity: Severity,
        forSeconds: Int,
        healthyForSeconds: Int
    ) {
        self.name = name
        self.errorType = errorType
        self.severity = severity
        patience = .seconds(max(0, forSeconds))
        convalescence = .seconds(max(0, healthyForSeconds))
    }
}

/// What a detector has looked at.
package struct DetectedTarget: Sendable, Hashable {
    /// The object, without its uid: one that was made again under its name is the same target.
    package var reference: TargetReference
    /// Whether that is an object of the API server, which a strategy can repair; an HTTP probe without a target is none.
    package var isObject: Bool

    /// Names a target.
    package init(_ reference: TargetReference, isObject: Bool = true) {
        self.reference = reference
        self.reference.uid = nil
        self.isObject = isObject
    }

    /// Names an object as a policy does, which may leave out the namespace when that is its own.
    package init(_ reference: TargetReference, namespace: String) {
        self.init(reference)
        self.reference.namespace = reference.namespace.nonEmpty ?? namespace
    }

    /// Names a member cluster.
    package static func cluster(_ name: String) -> DetectedTarget {
        DetectedTarget(
            TargetReference(apiVersion: RecoveryAPI.apiVersion, kind: MemberCluster.resource.kind, name: name),
            isObject: false
        )
    }

    /// The member cluster that it is; nil for everything else.
    package var cluster: String? {
        let isCluster = !isObject && reference.namespace == nil && reference.kind == MemberCluster.resource.kind
        return isCluster ? reference.name : nil
    }

    /// Names what is no object of the API server.
    package static func subject(_ kind: String, _ name: String, namespace: String) -> DetectedTarget {
        let reference = TargetReference(
            apiVersion: RecoveryAPI.apiVersion,
            kind: kind,
            name: name,
            namespace: namespace
        )
        return DetectedTarget(reference, isObject: false)
    }
}

/// What is wrong with a target.
package struct TargetFailure: Sendable, Hashable {
    /// A CamelCase reason.
    package var reason: String
    /// What happened, for people.
    package var message: String
    /// Since when, where the target says so itself.
    package var since: Date?
    /// How far a change of the target has come, in any unit: while that grows the target is not stuck.
    package var progress: Int?

    /// Describes a failure.
    package init(reason: String, message: String = "", since: Date? = nil, progress: Int? = nil) {
        self.reason = reason
        self.message = message
        self.since = since
        self.progress = progress
    }
}

/// How a target looks right now.
package enum TargetVerdict: Sendable, Hashable {
    /// Nothing is wrong.
    case healthy
    /// This is wrong.
    case failing(TargetFailure)
    /// Nobody can tell, which is neither: no data is not a failure.
    case unknown
}

/// What one detector sees of one target right now.
package struct Sighting: Sendable, Hashable {
    /// The detector.
    package var rule: DetectionRule
    /// What it looks at.
    package var target: DetectedTarget
    /// How that looks.
    package var verdict: TargetVerdict
    /// Whether it counts as unhealthy although it is not sure yet that it fails.
    package var isSuspect: Bool

    /// Notes what was seen.
    package init(
        _ rule: DetectionRule,
        _ target: DetectedTarget,
        _ verdict: TargetVerdict,
        isSuspect: Bool = false
    ) {
        self.rule = rule
        self.target = target
        self.verdict = verdict
        self.isSuspect = isSuspect
    }
}
