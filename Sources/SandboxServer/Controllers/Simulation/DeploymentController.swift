internal import JSON

/// Rolls Deployments out: one ReplicaSet for each template, revisions, and the conditions that `kubectl rollout` reads.
struct DeploymentController: Reconciler {
    private static let component = "deployment-controller"
    private static let hashLabel = "pod-template-hash"
    static let revision = "deployment.kubernetes.io/revision"

    /// The stalled Deployments as they were seen first, by uid.
    private var stalled: [String: JSONValue] = [:]

    private var objects = OwnedObjects(of: Builtin.deployments, Builtin.replicaSets)

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        objects.owners(after: change)
    }

    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let deployment = try tx.value(object.resource, object.name) else { return nil }
        guard !isStalled(deployment) else { return nil }
        var sets = try Workload.claim(Builtin.replicaSets, for: deployment, &tx, context)
        var changed = deployment
        if deployment.failure == Self.stall { Self.wakeUp(&changed) }
        if !deployment.isBeingDeleted {
            if deployment["spec"]?["paused"]?.boolValue != true {
                try prepareRevision(&changed, &sets, &tx, context)
            }
            let plan = RolloutPlan(deployment: deployment, sets: sets.map { Self.facts($0, of: deployment) })
            for (index, replicas) in plan.replicas() {
                try scale(&sets[index], to: replicas, of: deployment, &tx, context)
            }
            removeOldRevisions(of: deployment, sets, &tx)
        }
        let status = DeploymentStatus(deployment: deployment, sets: sets.map { ($0, Self.isCurrent($0, deployment)) })
        changed["status"] = status.updated(context)
        tx.update(object.resource, changed, from: deployment, context)
        return status.deadline(context)
    }

    // MARK: Breaking

    private static let stall = "stalled"

    /// Whether the controller has lost sight of a Deployment: by annotation, and until the object changes again.
    private mutating func isStalled(_ deployment: JSONValue) -> Bool {
        guard deployment.failure == Self.stall, !deployment.isBeingDeleted else {
            stalled[deployment.uid] = nil
            return false
        }
        let seen: JSONValue = [
            "annotations": deployment["metadata"]?["annotations"] ?? [:],
            "labels": deployment["metadata"]?["labels"] ?? [:], "spec": deployment["spec"] ?? [:],
        ]
        guard let first = stalled[deployment.uid] else {
            stalled[deployment.uid] = seen
            return true
        }
        guard first != seen else { return true }
        stalled[deployment.uid] = nil
        return false
    }

    private static func wakeUp(_ deployment: inout JSONValue) {
        var annotations = deployment["metadata"]?["annotations"]?.objectValue ?? [:]
        annotations[Workload.failureAnnotation] = nil
        deployment.set(.object(annotations), at: ["metadata", "annotations"])
    }

    // MARK: Revisions

    /// Makes the ReplicaSet of the present template when there is none, and numbers it as the newest.
    private func prepareRevision(
        _ deployment: inout JSONValue,
        _ sets: inout [JSONValue],
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let current = sets.firstIndex { Self.isCurrent($0, deployment) }
        let oldest = sets.indices.filter { $0 != current }.map { Self.revisionNumber(sets[$0]) }.max() ?? 0
        if let current {
            let number = max(Self.revisionNumber(sets[current]), oldest + 1)
            var set = sets[current]
            Self.annotate(&set, from: deployment, revision: number)
            set.set(deployment["spec"]?["minReadySeconds"], at: ["spec", "minReadySeconds"])
            tx.update(Builtin.replicaSets, set, from: sets[current], context)
            sets[current] = try tx.value(Builtin.replicaSets, set.objectName) ?? set
            deployment.set(.string(String(number)), at: ["metadata", "annotations", Self.revision])
            return
        }
        let set = Self.newSet(of: deployment, revision: oldest + 1)
        deployment.set(.string(String(oldest + 1)), at: ["metadata", "annotations", Self.revision])
        if let stored = tx.create(Builtin.replicaSets, set, context) { sets.append(try stored.value()) }
    }

    private static func newSet(of deployment: JSONValue, revision: Int) -> JSONValue {
        var template = deployment["spec"]?["template"] ?? [:]
        let hash = Workload.hash(template)
        template.set(.string(hash), at: ["metadata", "labels", hashLabel])
        var selector = deployment["spec"]?["selector"] ?? [:]
        selector.set(.string(hash), at: ["matchLabels", hashLabel])
        var set: JSONValue = [
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": [
                "name": .string("\(deployment.objectName.name)-\(hash)"),
                "namespace": .string(deployment.objectName.namespace),
                "labels": template["metadata"]?["labels"] ?? [:],
                "ownerReferences": [Workload.controllerReference(to: deployment)],
            ],
            "spec": ["replicas": 0, "selector": selector, "template": template],
            "status": ["replicas": 0],
        ]
        set.set(deployment["spec"]?["minReadySeconds"], at: ["spec", "minReadySeconds"])
        annotate(&set, from: deployment, revision: revision)
        return set
    }

    private static func annotate(_ set: inout JSONValue, from deployment: JSONValue, revision: Int) {
        let own = deployment["metadata"]?["annotations"]?.stringDictionary ?? [:]
        for (name, value) in own where name != "kubectl.kubernetes.io/last-applied-configuration" {
            set.set(.string(value), at: ["metadata", "annotations", name])
        }
        let replicas = deployment.count("spec", "replicas", default: 1)
        let most = replicas + RolloutPlan.surge(of: deployment)
        set.set(
            .string(String(replicas)),
            at: ["metadata", "annotations", "deployment.kubernetes.io/desired-replicas"]
        )
        set.set(.string(String(most)), at: ["metadata", "annotations", "deployment.kubernetes.io/max-replicas"])
        set.set(.string(String(revision)), at: ["metadata", "annotations", Self.revision])
    }

    private static func revisionNumber(_ set: JSONValue) -> Int {
        set["metadata"]?["annotations"]?[revision]?.stringValue.flatMap { Int($0) } ?? 0
    }

    /// Whether a ReplicaSet has the Deployment's present template.
    static func isCurrent(_ set: JSONValue, _ deployment: JSONValue) -> Bool {
        var template = set["spec"]?["template"] ?? [:]
        template.set(nil, at: ["metadata", "labels", hashLabel])
        return template == deployment["spec"]?["template"]
    }

    private func removeOldRevisions(of deployment: JSONValue, _ sets: [JSONValue], _ tx: inout ObjectStore.Transaction)
    {
        let limit = deployment.count("spec", "revisionHistoryLimit", default: 10)
        let idle = sets.filter { set in
            !Self.isCurrent(set, deployment) && set.count("spec", "replicas") == 0
                && set.count("status", "replicas") == 0 && !set.isBeingDeleted
        }
        let oldest = idle.sorted { Self.revisionNumber($0) < Self.revisionNumber($1) }
        for set in oldest.prefix(max(0, idle.count - limit)) { tx.remove(Builtin.replicaSets, set.objectName) }
    }

    // MARK: Scaling

    private static func facts(_ set: JSONValue, of deployment: JSONValue) -> RolloutPlan.ReplicaSet {
        RolloutPlan.ReplicaSet(
            isCurrent: isCurrent(set, deployment),
            revision: revisionNumber(set),
            replicas: set.count("spec", "replicas"),
            existing: set.count("status", "replicas"),
            available: set.count("status", "availableReplicas")
        )
    }

    private func scale(
        _ set: inout JSONValue,
        to replicas: Int,
        of deployment: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        let before = set.count("spec", "replicas")
        guard before != replicas else { return }
        var scaled = set
        scaled.set(.number(replicas), at: ["spec", "replicas"])
        tx.update(Builtin.replicaSets, scaled, from: set, context)
        set = try tx.value(Builtin.replicaSets, set.objectName) ?? scaled
        let direction = replicas > before ? "up" : "down"
        let message = "Scaled \(direction) replica set \(set.objectName.name) from \(before) to \(replicas)"
        try tx.recordEvent(on: deployment, "ScalingReplicaSet", message, component: Self.component, context)
    }
}
