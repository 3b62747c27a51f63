package import FoundationEssentials
internal import KubernetesCore
package import RecoveryAPI

/// A failure that the controller has noticed itself and that needs a Recovery.
///
/// What failed and how (`fingerprint`) and since when (`since`) make two reports the same incident; all else describes it.
///
/// ```swift
/// var incident = Incident(.syncFailure, namespace: "team", since: condition.lastTransitionTime ?? .distantPast)
/// incident.targetRef = TargetReference(
///     apiVersion: RecoveryAPI.apiVersion, kind: "Placement", name: "web", namespace: "team")
/// incident.reason = "ApplyRefused"
/// incident.context = ["cluster": "edge"]
/// try await reporter.report(incident)
/// ```
package struct Incident: Sendable, Hashable {
    /// Where its Recovery lives.
    package var namespace: String
    /// The member that failed, when the cluster or an object on it is the target.
    package var clusterRef: NameReference?
    /// The object that failed: on that member, or without `clusterRef` on the hub.
    package var targetRef: TargetReference?
    /// What to recover from: a known error type or any other.
    package var errorType: String
    /// The catalogue code of the failure.
    package var code: String?
    /// How bad it is.
    package var severity = Severity.high
    /// The part of the controller that noticed it.
    package var component = ""
    /// What that part was doing.
    package var operation = ""
    /// A CamelCase reason, such as that of the condition which shows it.
    package var reason = ""
    /// What happened, for people.
    package var message = ""
    /// Since when it lasts: of a later time it is another incident, or the same failure once more.
    package var since: Date
    /// The Recovery that has found it behind its own failure, or after whose success it came back soon.
    package var parentRef: NameReference?
    /// When it came back after a short time of health, which makes it no other incident; nil when it did not.
    package var returned: Date?
    /// Whether it is the end of what failed: then a Recovery that was under way is its answer, whatever came of that.
    package var isLast = false
    /// The policy of the same namespace whose detection has noticed it, and which governs its Recovery.
    package var policy: String?
    /// What failed where there is no object to be repaired, such as an HTTP probe: only names and fingerprints show it.
    package var subject: TargetReference?
    /// Further facts; the entry `cluster` names the member that a target on the hub failed on.
    package var context: [String: String] = [:]

    /// Describes a failure with nothing but its type, place and time.
    package init(_ errorType: ErrorType, namespace: String, since: Date) {
        self.init(errorType: errorType.rawValue, namespace: namespace, since: since)
    }

    /// Describes a failure of any type, known or custom.
    package init(errorType: String, namespace: String, since: Date) {
        self.errorType = errorType
        self.namespace = namespace
        self.since = since
    }

    /// The hexadecimal digits that name what failed and how: target and error type.
    package var fingerprint: String {
        LockKey(target)?.fingerprint(errorType: errorType) ?? ""
    }

    /// Whether a Recovery is already about this incident: it is under way, or was opened since the failure lasts.
    ///
    /// One that failed stays the answer until the target was well in between: another one would fail alike. One that was
    /// ended because its policy had gone never was an answer.
    package func isCovered(by recovery: Recovery) -> Bool {
        guard isSubject(of: recovery) else { return false }
        if !recovery.isFinal { return true }
        let reason = recovery.status?.conditions?[type: ConditionType.succeeded]?.reason
        guard recovery.status?.occurrences?.healedTime == nil, reason != ConditionReason.noLongerWatched else {
            return false
        }
        let time = isLast ? recovery.status?.completionTime : recovery.metadata.creationTimestamp
        return (time ?? .distantPast) >= since
    }

    /// Whether a Recovery says itself that it is about this failure: names and labels are free for everybody to give.
    func isSubject(of recovery: Recovery) -> Bool {
        guard recovery.metadata.namespace == namespace, recovery.spec.error.type == errorType,
            recovery.metadata.labels?[MetadataName.fingerprint] == fingerprint,
            (recovery.spec.targetRef == nil) == (targetRef == nil)
        else { return false }
        var told = self
        (told.clusterRef, told.targetRef) = (recovery.spec.clusterRef, recovery.spec.targetRef)
        return told.fingerprint == fingerprint
    }

    /// The count to write when this is the failure of `recovery` once more: it had ended, and began again.
    ///
    /// It follows from the times alone, so that a report that is repeated or comes from another leader counts once. Of a
    /// failure that comes and goes one report a minute is counted: the count tells that it does so, and costs little.
    ///
    /// - Returns: nil when there is nothing new to count.
    package func occurrences(after recovery: Recovery) -> Occurrences? {
        let known = recovery.status?.occurrences
        let latest = returned ?? since
        guard let last = known?.lastTime ?? recovery.metadata.creationTimestamp,
            latest.timeIntervalSince(last) >= Self.secondsBetweenCounts
        else { return nil }
        return Occurrences(count: min(max(1, known?.count ?? 1), 1_000_000) + 1, lastTime: latest)
    }

    private static let secondsBetweenCounts = 60.0

    /// The Recovery to create, numbered one above those that are there.
    ///
    /// - Parameters:
    ///   - others: the Recoveries with the same fingerprint.
    ///   - taken: names that others turned out to have.
    /// - Returns: the object, named and labelled so that the incident is found again by it.
    package func recovery(after others: [Recovery], taken: [String] = []) -> Recovery {
        let names = others.compactMap(\.metadata.name) + taken
        let numbers = names.compactMap { RecoveryNaming.number(in: $0, fingerprint: fingerprint) }
        // A name that a person made up may end in any number.
        let number = min(max(0, numbers.max() ?? 0), 1_000_000_000) + 1
        var error = ReportedError(type: errorType)
        error.code = code
        error.component = component.isEmpty ? nil : component
        error.operation = operation.isEmpty ? nil : operation
        error.severity = .known(severity)
        error.message = String("\(reason): \(message)".prefix(1_024))
        error.context = context.merging(["reason": reason]) { given, _ in given }
        var spec = RecoverySpec(error: error)
        spec.clusterRef = clusterRef
        spec.targetRef = targetRef
        spec.parentRef = parentRef
        spec.policyRef = policy.map { NameReference(name: $0) }
        var metadata = ObjectMeta(
            name: RecoveryNaming.name(target: target, fingerprint: fingerprint, number: number),
            namespace: namespace
        )
        metadata.labels = [MetadataName.fingerprint: fingerprint, MetadataName.errorType: errorType]
        metadata.labels?[MetadataName.policy] = policy.map(Self.labelValue)
        if let cluster = clusterRef?.name ?? context["cluster"] {
            metadata.labels?[MetadataName.cluster] = Self.labelValue(cluster)
        }
        return Recovery(metadata: metadata, spec: spec)
    }

    /// The target that names and fingerprints are made of; its uid does not count.
    ///
    /// One without a namespace counts as of the Recovery's, a cluster-scoped one too.
    private var target: ResolvedTarget {
        let failed = targetRef ?? subject
        return ResolvedTarget(
            cluster: clusterRef?.name,
            apiVersion: failed?.apiVersion,
            kind: failed?.kind,
            namespace: failed.map { $0.namespace ?? namespace },
            name: failed?.name
        )
    }

    /// A name, cut to what a label may have: 63 characters, a letter or digit at the end.
    private static func labelValue(_ name: String) -> String {
        var value = name.prefix(63)
        while let last = value.last, !last.isLetter, !last.isNumber { value.removeLast() }
        return String(value)
    }
}
