package import JSON
package import KubernetesCore

/// One failure being recovered (`rcv`, namespaced).
package struct Recovery: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "recoveries",
        kind: "Recovery",
        isNamespaced: true
    )

    package var metadata: ObjectMeta
    /// What failed and how to go about it.
    package var spec: RecoverySpec
    /// How far the recovery is; absent until the controller has looked.
    package var status: RecoveryStatus?

    /// Makes a Recovery that the controller has not seen yet.
    package init(metadata: ObjectMeta, spec: RecoverySpec) {
        self.metadata = metadata
        self.spec = spec
    }

    /// The state, `Pending` until one was written.
    package var state: RecoveryState { status?.state ?? .pending }

    /// Whether nothing further will be done.
    package var isFinal: Bool { state.isFinal }
}

/// What a Recovery is about and how it may be carried out.
///
/// `error`, `clusterRef`, `targetRef`, `policyRef`, `serviceAccountName` and `parentRef` are immutable; see
/// `immutableHash()`.
package struct RecoverySpec: Codable, Hashable, Sendable {
    /// The failure.
    package var error: ReportedError
    /// The MemberCluster it happened on; absent, the hub.
    package var clusterRef: NameReference?
    /// The logical cluster (workspace), carried for the reader.
    package var logicalCluster: String?
    /// The object to be repaired.
    package var targetRef: TargetReference?
    /// The Recovery that this one continues.
    package var parentRef: NameReference?
    /// Acts in this namespace as that ServiceAccount; empty counts as absent.
    package var serviceAccountName: String?
    /// The policy that governs; absent, the best matching one of the namespace.
    package var policyRef: NameReference?
    /// Forces one strategy by name; empty or absent, chosen by type and priority.
    package var strategy: String?
    /// Strategy-specific settings, checked by the strategy.
    package var parameters: [String: JSONValue]?
    /// Caps the attempts of all rungs together; no schema default.
    package var maxAttempts: Int?
    /// The whole recovery's time, in seconds from its first reservation; no schema default.
    package var timeoutSeconds: Int?
    /// Holds the recovery; a running attempt ends at its next safe point.
    package var suspend: Bool?
    /// Ends the recovery; one way.
    package var cancel: Bool?
    /// Seconds from the end to the deletion of this object.
    package var ttlSecondsAfterFinished: Int?

    /// Makes a spec with nothing but the failure.
    package init(error: ReportedError) {
        self.error = error
    }

    /// The schema's default of `ttlSecondsAfterFinished`: a day.
    package static let defaultTTLSeconds = 86_400

    /// Whether the recovery is held.
    package var isSuspended: Bool { suspend ?? false }

    /// Whether a person has cancelled.
    package var isCancelled: Bool { cancel ?? false }

    /// Seconds from the end to the deletion, with the default applied.
    package var effectiveTTLSeconds: Int { ttlSecondsAfterFinished ?? Self.defaultTTLSeconds }

    /// The forced strategy, nil when none is.
    package var forcedStrategy: String? { strategy.nonEmpty }

    /// The ServiceAccount to act as, nil for the controller's own identity.
    package var effectiveServiceAccountName: String? { serviceAccountName.nonEmpty }
}

extension String? {
    /// The string unless it is absent or empty: the API treats both alike.
    package var nonEmpty: String? { self.flatMap { $0.isEmpty ? nil : $0 } }
}
