package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision
internal import Timekeeping

/// Deletes the target with all that belongs to it, and makes it again from what it was: the last resort.
///
/// What it was is written into the Recovery's status before anything is deleted, and the server has to say beforehand that
/// it would take it again. From the deletion to the creation nothing ends the attempt; one that could not make the target
/// again leaves that to the next.
///
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
        let old: JSONValue
        if let begun = attempt.recorded(Self.deleteAction)?.inverse {
            old = begun
        } else if let begun = try await unfinished(target, attempt) {
            old = begun
        } else {
            old = try await manifest(of: target, attempt)
        }
        try attempt.putOffEnd()
        do {
            try await delete(old, target, attempt)
            try await create(old, target, attempt)
        } catch StatusWriteFailure.gone {
            // The Recovery was deleted: nobody else would make its target again.
            _ = try await putBack(old, target, attempt)
            throw StatusWriteFailure.gone
        }
        attempt.allowEnd()
        try await wait(target, attempt)
        return StrategyResult(
            message: "\(target.description) was deleted, made again, and is ready",
            isWholeProof: true
        )
    }

    /// Makes the target again once it is gone; one that is there is the new one already.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let old = action.inverse, old["manifest"] != nil, action.name == Self.deleteAction,
            let target = try await TargetAccess(attempt, try await attempt.targetClient())
        else { throw StrategyFailure.permanent("the record of the deletion cannot be read") }
        return try await putBack(old, target, attempt)
    }

    private func putBack(_ old: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws -> String {
        if let live = try await live(target) {
            guard live.uid == old["uid"]?.stringValue else { return "\(target.description) is there" }
            guard live.isBeingDeleted else { return "\(target.description) was not deleted" }
            try await waitForEnd(old, target, attempt)
        }
        return try await make(old, target)
    }

    /// What an earlier attempt has deleted and nobody has made again.
    private func unfinished(_ target: TargetAccess, _ attempt: Attempt) async throws -> JSONValue? {
        let ends = [Self.createAction, RecoveryExecution.name(ofUndoing: Self.deleteAction)]
        for execution in attempt.recovery.status?.executions?.dropLast().reversed() ?? [] {
            let actions = execution.result?.actions ?? []
            guard let old = actions.last(where: { $0.name == Self.deleteAction })?.inverse else { continue }
            if actions.contains(where: { ends.contains($0.name) && $0.result == .succeeded }) { return nil }
            guard let live = try await live(target) else { return old }
            return live.uid == old["uid"]?.stringValue && live.isBeingDeleted ? old : nil
        }
        return nil
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
        let manifest = Self.manifest(object)
        guard manifest.serialized().count <= Self.maxManifestBytes else {
            throw refusal("\(target.description) is too large to be kept in the Recovery meanwhile")
        }
        try await checkCreation(manifest, target, attempt)
        return ["uid": .string(object.uid), "manifest": manifest]
    }

    /// An object, less what the server adds.
    private static func manifest(_ object: Unstructured) -> JSONValue {
        var manifest = object.content
        manifest["status"] = nil
        for field in [
            "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
            "deletionTimestamp", "deletionGracePeriodSeconds",
        ] { manifest.set(nil, at: ["metadata", field]) }
        if object.groupVersionKind == APIResource.pods.groupVersionKind {
            manifest.set(nil, at: ["spec", "nodeName"])
        }
        if object.groupVersionKind == APIResource.jobs.groupVersionKind,
            object["spec", "manualSelector"]?.boolValue != true
        {
            forgetIdentity(ofJob: &manifest)
        }
        manifest.set(nil, at: ["metadata", "annotations", "deployment.kubernetes.io/revision"])
        return manifest
    }

    /// Takes away what the server gives each Job by its uid, and refuses for another.
    private static func forgetIdentity(ofJob manifest: inout JSONValue) {
        manifest.set(nil, at: ["spec", "selector"])
        for label in ["controller-uid", "job-name"].flatMap({ [$0, "batch.kubernetes.io/\($0)"] }) {
            manifest.set(nil, at: ["metadata", "labels", label])
            manifest.set(nil, at: ["spec", "template", "metadata", "labels", label])
        }
    }

    /// Has the server check that it would take the object again: rights, quota, webhooks and its own rules.
    private func checkCreation(_ manifest: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws {
        var manifest = manifest
        // What the old Service still holds is no obstacle once it is gone.
        if target.resource == .services {
            for field in ["clusterIP", "clusterIPs", "healthCheckNodePort"] { manifest.set(nil, at: ["spec", field]) }
            let ports = (manifest["spec"]?["ports"]?.arrayValue ?? []).map { port in
                var port = port
                port["nodePort"] = nil
                return port
            }
            manifest.set(.array(ports), at: ["spec", "ports"])
        }
        try await attempt.read("CheckCreation") {
            do {
                let options = WriteOptions(fieldManager: MetadataName.fieldManager, dryRun: true)
                _ = try await target.client.create(target.resource, Unstructured(manifest), options: options)
            } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
                // The last of all checks: the old one is still there.
            }
            return "the server would take \(target.description) again"
        }
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
        let facts: JSONValue = [RecoveryExecution.completedBy: .string(Self.createAction)]
        try await attempt.mutate(Self.deleteAction, inverse: old, facts: facts) {
            guard let live = try await live(target) else { return true }
            return live.uid != uid || live.isBeingDeleted
        } _: {
            try await target.client.withRetryOnConflict {
                guard let live = try await live(target), live.uid == uid, !live.isBeingDeleted else {
                    return "\(target.description) is deleted already"
                }
                try target.checkMayChange(live)
                guard Self.body(Self.manifest(live)) == Self.body(old["manifest"]) else {
                    throw StrategyFailure.humanOverride("somebody has changed \(target.description) meanwhile")
                }
                let options = DeleteOptions(
                    preconditionUID: uid,
                    preconditionResourceVersion: live.resourceVersion,
                    propagationPolicy: .foreground
                )
                _ = try await target.client.delete(target.resource, target.key, options: options)
                return "deleted \(target.description), with what belongs to it"
            }
        }
        attempt.foresee(Self.createAction, creating: old["manifest"] ?? [:], target)
        try await attempt.read("WaitForDeletion") {
            try await waitForEnd(old, target, attempt)
            return "\(target.description) is gone"
        }
    }

    /// What a person changes of an object: its controllers write metadata and status.
    private static func body(_ manifest: JSONValue?) -> JSONValue? {
        var body = manifest
        body?["metadata"] = nil
        return body
    }

    private func waitForEnd(_ old: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws {
        let uid = old["uid"]?.stringValue
        try await ObjectWatch(target.client, target.resource, target.key).wait(
            attempt,
            until: attempt.lastMoment(),
            "\(target.description) was deleted, but",
            nextSteps: ["See which finalizers keep it: \(target.describeCommand)", restoring(attempt)]
        ) { objects in
            objects.contains { $0.uid == uid } ? .waiting("has not gone yet") : .reached(())
        }
    }

    private func create(_ old: JSONValue, _ target: TargetAccess, _ attempt: Attempt) async throws {
        do {
            try await attempt.mutate(Self.createAction) {
                try await live(target) != nil
            } _: {
                try await make(old, target)
            }
        } catch let error as ClientError where error.apiError != nil {
            // Never permanent: the next attempt has to go on with it.
            throw StrategyFailure.transient(
                "\(target.description) was deleted, but cannot be made again: \(Attempt.describe(error))",
                nextSteps: [restoring(attempt)]
            )
        }
    }

    private func make(_ old: JSONValue, _ target: TargetAccess) async throws -> String {
        do {
            let made = try await target.client.create(
                target.resource,
                Unstructured(old["manifest"] ?? .null),
                options: WriteOptions(fieldManager: MetadataName.fieldManager)
            )
            return "made \(target.description) again: uid \(made.uid)"
        } catch let error as ClientError where error.apiError?.isAlreadyExists == true {
            return "somebody else has made \(target.description) again"
        }
    }

    /// How a person makes the target again from what is kept in status.
    private func restoring(_ attempt: Attempt) -> String {
        let (name, namespace) = (attempt.recovery.metadata.name ?? "", attempt.recovery.metadata.namespace ?? "")
        let path = #"{.status.executions[-1:].result.actions[?(@.name=="DeleteTarget")].inverse.manifest}"#
        return "If it stays missing, make it again: kubectl get recoveries.recovery.tmc.io \(name) -n \(namespace) "
            + "-o jsonpath='\(path)' | kubectl create -f -"
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
