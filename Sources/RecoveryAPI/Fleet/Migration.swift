package import FoundationEssentials
package import KubernetesCore

/// The move of a Placement from one cluster to another (`mig`, namespaced).
package struct Migration: KubernetesObject, Hashable {
    package static let resource = APIResource(
        group: RecoveryAPI.group,
        version: RecoveryAPI.version,
        plural: "migrations",
        kind: "Migration",
        isNamespaced: true
    )

    package var metadata: ObjectMeta
    /// What moves, and how.
    package var spec: MigrationSpec
    /// How far the move is.
    package var status: MigrationStatus?

    /// Makes a migration that has not begun.
    package init(metadata: ObjectMeta, spec: MigrationSpec) {
        self.metadata = metadata
        self.spec = spec
    }
}

extension Migration {
    /// The MemberCluster it leaves; once the move has begun, whatever spec says since.
    package var source: String { status?.from ?? spec.from }
    /// The MemberCluster it goes to; once the move has begun, whatever spec says since.
    package var destination: String { status?.to ?? spec.to }
}

/// The kind of move.
package enum MigrationAction: String, CaseIterable, Codable, Hashable {
    /// The source is alive and is cleaned up.
    case relocate = "Relocate"
    /// The source is lost, or counts as lost.
    case failover = "Failover"
}

/// What happens when a lost source comes back.
package enum FailbackMode: String, CaseIterable, Codable, Hashable {
    /// Nothing goes back.
    case never = "Never"
    /// A person starts the way back.
    case manual = "Manual"
}

/// What moves from where to where; immutable but for `deadlineSeconds`.
package struct MigrationSpec: Codable, Hashable, Sendable {
    /// The Placement, in the same namespace.
    package var placementRef: NameReference
    /// The kind of move.
    package var action: Open<MigrationAction>
    /// The MemberCluster it leaves.
    package var from: String
    /// The MemberCluster it goes to.
    package var to: String
    /// What happens when a lost source comes back; `Manual` when absent.
    package var failback: Open<FailbackMode>?
    /// Whether a failure before the point of no return undoes the move; true when absent.
    package var rollbackOnFailure: Bool?
    /// The whole move's time in seconds; 3600 when absent.
    package var deadlineSeconds: Int?

    /// Makes a migration with the default behaviour.
    package init(placementRef: NameReference, action: MigrationAction, from: String, to: String) {
        self.placementRef = placementRef
        self.action = .known(action)
        self.from = from
        self.to = to
    }

    /// What happens when a lost source comes back, with the default applied.
    package var effectiveFailback: FailbackMode { failback?.value ?? .manual }
    /// Whether a failure undoes the move, with the default applied.
    package var rollsBackOnFailure: Bool { rollbackOnFailure ?? true }
    /// The whole move's time in seconds, with the default applied.
    package var effectiveDeadlineSeconds: Int { deadlineSeconds ?? 3600 }
}

/// How far a migration is.
package enum MigrationPhase: String, CaseIterable, Codable, Hashable {
    case pending = "Pending"
    case prechecking = "Prechecking"
    case deploying = "Deploying"
    case verifying = "Verifying"
    case cuttingOver = "CuttingOver"
    case cleaning = "Cleaning"
    case completed = "Completed"
    case rollingBack = "RollingBack"
    case rolledBack = "RolledBack"
    case failed = "Failed"

    /// Whether no other phase follows.
    package var isFinal: Bool {
        switch self {
        case .completed, .rolledBack, .failed: true
        case .pending, .prechecking, .deploying, .verifying, .cuttingOver, .cleaning, .rollingBack: false
        }
    }
}

/// How far a migration is, with a checkpoint for every step done.
package struct MigrationStatus: Codable, Hashable, Sendable {
    /// The generation that the rest describes.
    package var observedGeneration: Int64?
    /// How far the move is.
    package var phase: MigrationPhase?
    /// The steps done, oldest first: where to resume.
    package var completedSteps: [MigrationStep]?
    /// Whether the move can only go forward.
    package var pointOfNoReturn: Bool?
    /// The uid of the Placement that moves.
    package var placementUID: String?
    /// The MemberCluster it leaves, as it was when the move began.
    package var from: String?
    /// The MemberCluster it goes to, as it was when the move began.
    package var to: String?
    /// What the Placement remembered of an earlier departure from `to`: a rollback puts it back.
    package var displaced: EvacuatedCluster?
    /// When it began.
    package var startTime: Date?
    /// When a recovery told it to go on: patience starts anew.
    package var resumeTime: Date?
    /// When a final phase was reached.
    package var completionTime: Date?
    /// When it counts as failed.
    package var deadline: Date?
    /// Where it stands, in words.
    package var message: String?
    /// Accepted, Progressing, Succeeded.
    package var conditions: [Condition]?

    /// Makes an empty status.
    package init() {}
}

/// One step of a migration that is done.
package struct MigrationStep: Codable, Hashable, Sendable {
    /// CamelCase name of the step.
    package var name: String
    /// When it was done.
    package var time: Date
    /// What was done, in words.
    package var message: String?

    /// Makes a checkpoint.
    package init(name: String, time: Date, message: String? = nil) {
        self.name = name
        self.time = time
        self.message = message
    }
}
