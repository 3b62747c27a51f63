package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Deletes the target with all that belongs to it, and makes it again from what it was: the last resort.
///
/// What it was is written into the Recovery's status before anything is deleted, so that a crash in between loses nothing.
/// Kinds that hold others or data (Namespaces, volumes and their claims, CRDs, Nodes) are refused, and so are objects that
/// another object owns: deleting those is enough, as Restart does with pods.
///
/// Parameters: `gitOps`.
package struct RecreateStrategy: RecoveryStrategy {
    static let deleteAction = "DeleteTarget"
    static let createAction = "CreateTarget"
    /// What status can carry along with all else.
    static let maxManifestBytes = 64 << 10
    private static let refusedKinds: Set<String> = [
        "Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "CustomResourceDefinition", "Secret",
        "ServiceAccount", "MemberCluster", "Placement", "Migration", "Recovery", "RecoveryPolicy", "RecoveryApproval",
    ]

    /// For whoever names it, as no error type leads here by itself; five minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.recreate,
        errorTypes: [],
        priority: 35,
        timeout: .seconds(300),
        destructiveness: .destructive,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.word(Attempt.gitOpsParameter, oneOf: GitOpsMode.allCases.map(\.rawValue))
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()) else {
            throw StrategyFailure.permanent(
                "there is nothing to make again: the Recovery names no target",
                nextSteps: ["Create a Recovery with spec.targetRef"]
            )
        }
        let recorded = attempt.recorded(Self.deleteAction)?.inverse
        let old: JSONValue
        if let recorded { old = recorded } else { old = try await manifest(of: target, attempt) }
        try await delete(old, target, attempt)
        try await create(old, target, attempt)
        try await wait(target, attempt)
        return StrategyResult(
            message: "\(target.description) was deleted, made again, and is ready",
            isWholeProof: true
        )
    }

    /// Makes the target again where it is missing; one that is there is the new one already.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let old = action.inverse?["manifest"], action.name == Self.deleteAction,
            let target = try await TargetAccess(attempt, try await attempt.targetClient())
        else { throw StrategyFailure.permanent("the record of the deletion cannot be read") }
        if let live = try await live(target), live.uid != action.inverse?["uid"]?.stringValue {
            return "\(target.description) is there"
        }
        guard try await live(target) == nil else { return "\(target.description) was not deleted yet" }
        _ = try await target.client.create(target.resource, Unstructured(old))
        return "made \(target.description) again"
    }

    // MARK: What it was

    private func manifest(of target: TargetAccess, _ attempt: Attempt) async throws -> JSONValue {
        let object = try await target.read()
        try target.checkMayChange(object)
        try await attempt.checkGitOps(target)
        if Self.refusedKinds.contains(target.resource.kind) {
            throw refusal("\(target.resource.kind) is nothing to delete for a recovery")
        }
        if let owner = object["metadata", "ownerReferences"]?.arrayValue?.first?["kind"]?.stringValue {
            throw refusal("\(target.description) belongs to a \(owner), which looks after it")
        }
        var manifest = object.content
        manifest["status"] = nil
        for field in [
            "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
            "deletionTimestamp", "deletionGracePeriodSeconds",
        ] { manifest.set(nil, at: ["metadata", field]) }
        if target.resource == .pods { manifest.set(nil, at: ["spec", "nodeName"]) }
        let annotation = "deployment.kubernetes.io/revision"
        manifest.set(nil, at: ["metadata", "annotations", annotation])
        guard manifest.serialized().count <= Self.maxManifestBytes else {
            throw refusal("\(target.description) is too large to be kept in the Recovery meanwhile")
        }
        return ["uid": .string(object.uid), "manifest": manifest]
    }

    private func refusal(_ message: String) -> StrategyFailure {
        .permanent("\(message); nothing was changed", nextSteps: ["Make it again by hand if that is what is needed"])
    }

    // MARK: Deleting and making

    private func live(_ target: TargetAccess) async throws -> Unstructured? {
        do {
            return try await target.client.get(target.resource, target.key)
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return nil
        }
    }

    private func delete(_ old: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws {
        let uid = old["uid"]?.stringValue
        try await attempt.mutate(Self.deleteAction, inverse: old) {
            guard let live = try await live(target) else { return true }
            return live.uid != uid || live.isBeingDeleted
        } _: {
            let options = DeleteOptions(preconditionUID: uid, propagationPolicy: .foreground)
            _ = try await target.client.delete(target.resource, target.key, options: options)
            return "deleted \(target.description), with what belongs to it"
        }
        let name = target.description
        try await attempt.read("WaitForDeletion") {
            try await ObjectWatch(target.client, target.resource, target.key).wait(
                attempt,
                until: attempt.lastMoment(),
                "\(name) was deleted, but",
                nextSteps: ["See which finalizers keep it: \(target.describeCommand)"]
            ) { objects in
                objects.contains { $0.uid == uid } ? .waiting("has not gone yet") : .reached("\(name) is gone")
            }
        }
    }

    private func create(_ old: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws {
        let manifest = old["manifest"] ?? .null
        try await attempt.mutate(Self.createAction) {
            try await live(target) != nil
        } _: {
            do {
                let made = try await target.client.create(
                    target.resource,
                    Unstructured(manifest),
                    options: WriteOptions(fieldManager: MetadataName.fieldManager)
                )
                return "made \(target.description) again: uid \(made.uid)"
            } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
                return "somebody else has made \(target.description) again"
            }
        }
    }

    private func wait(_ target: TargetAccess, _ attempt: Attempt) async throws {
        let name = target.description
        try await attempt.read("WaitUntilReady") {
            try await ObjectWatch(target.client, target.resource, target.key).wait(
                attempt,
                until: attempt.lastMoment(),
                "\(name) was made again, but it",
                nextSteps: ["See what keeps it from becoming ready: \(target.describeCommand)"]
            ) { objects in
                guard let object = objects.first else { return .waiting("is gone again") }
                return WorkloadReadiness.problem(of: object).map { .waiting($0) } ?? .reached("\(name) is ready")
            }
        }
    }
}
