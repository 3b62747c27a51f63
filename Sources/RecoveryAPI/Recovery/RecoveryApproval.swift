package import FoundationEssentials
package import KubernetesCore

/// A person's word on a plan (`rca`, namespaced); the right to create one is the right to approve.
package struct RecoveryApproval: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "recoveryapprovals",
        kind: "RecoveryApproval",
        isNamespaced: true
    )

    package var metadata: ObjectMeta
    /// The word itself; immutable.
    package var spec: RecoveryApprovalSpec
    /// What the controller made of it.
    package var status: RecoveryApprovalStatus?

    /// Makes an approval that the controller has not seen yet.
    package init(metadata: ObjectMeta, spec: RecoveryApprovalSpec) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Yes or no to one plan of one Recovery.
package struct RecoveryApprovalSpec: Codable, Hashable, Sendable {
    /// The Recovery.
    package var recoveryRef: RecoveryIdentity
    /// `status.plan.hash` of the Recovery, as the person saw it.
    package var planHash: String
    /// Yes or no.
    package var decision: Open<ApprovalDecision>
    /// Why.
    package var reason: String?

    /// Makes a word on a plan.
    package init(recoveryRef: RecoveryIdentity, planHash: String, decision: ApprovalDecision, reason: String? = nil) {
        self.recoveryRef = recoveryRef
        self.planHash = planHash
        self.decision = .known(decision)
        self.reason = reason
    }
}

/// One Recovery and no later one of the same name.
package struct RecoveryIdentity: Codable, Hashable, Sendable {
    /// Name of the Recovery.
    package var name: String
    /// Uid of the Recovery.
    package var uid: String

    /// Makes an identity.
    package init(name: String, uid: String) {
        self.name = name
        self.uid = uid
    }
}

/// What a person decided.
package enum ApprovalDecision: String, CaseIterable, Codable, Hashable {
    case approve = "Approve"
    case reject = "Reject"
}

/// What became of an approval.
package enum ApprovalResult: String, CaseIterable, Codable, Hashable {
    /// The decision was carried out.
    case applied = "Applied"
    /// The plan, or the Recovery, is no longer the one named.
    case refused = "Refused"
}

/// What the controller made of an approval.
package struct RecoveryApprovalStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// What became of it; absent until the controller has looked.
    package var result: ApprovalResult?
    /// The result in words.
    package var message: String?
    /// When it was decided.
    package var time: Date?
    /// Accepted.
    package var conditions: [Condition]?

    /// Makes an empty status.
    package init() {}
}
