internal import JSON

/// Keeps the numbered pods of StatefulSets: in order or in parallel, and rolls changes out from the highest number down.
struct StatefulSetController: Reconciler {
    private static let component = "statefulset-controller"
    private static let revisionLabel = "controller-revision-hash"

    private var objects = OwnedObjects(of: Builtin.statefulSets, Builtin.pods)

    mutating func objects(toReconcileAfter change: ObjectStore.Change) -> [ObjectReference] {
        objects.owners(after: change)
    }

    func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration? {
        guard let set = try tx.value(object.resource, object.name) else { return nil }
        let view = View(set: set, pods: try Workload.claim(Builtin.pods, for: set, &tx, context))
        if !set.isBeingDeleted, let step = view.step(context) { try perform(step, set, &tx, context) }
        let pods = try tx.values(Builtin.pods, namespace: object.name.namespace) { $0.owners.contains(set.uid) }
        var changed = set
        changed["status"] = View(set: set, pods: pods).status(context)
        tx.update(object.resource, changed, from: set, context)
        let isSettling = pods.contains { $0.isReadyPod && !$0.isAvailablePod(minReadySeconds: view.minReady, context) }
        return isSettling ? .seconds(1) : nil
    }

    private func perform(
        _ step: Step,
        _ set: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) {
        for number in step.create {
            let pod = Self.pod(number, of: set)
            guard tx.create(Builtin.pods, pod, context) != nil else { continue }
            let message = "create Pod \(pod.objectName.name) in StatefulSet \(set.objectName.name) successful"
            try tx.recordEvent(on: set, "SuccessfulCreate", message, component: Self.component, context)
        }
        for name in step.delete {
            try tx.delete(Builtin.pods, name, context)
            let message = "delete Pod \(name.name) in StatefulSet \(set.objectName.name) successful"
            try tx.recordEvent(on: set, "SuccessfulDelete", message, component: Self.component, context)
        }
    }

    private static func pod(_ number: Int, of set: JSONValue) -> JSONValue {
        let name = "\(set.objectName.name)-\(number)"
        var pod = Workload.pod(
            from: set["spec"]?["template"],
            owner: set,
            name: name,
            labels: [
                revisionLabel: revision(of: set), "statefulset.kubernetes.io/pod-name": name,
                "apps.kubernetes.io/pod-index": String(number),
            ]
        )
        pod.set(.string(name), at: ["spec", "hostname"])
        pod.set(set["spec"]?["serviceName"], at: ["spec", "subdomain"])
        return pod
    }

    private static func revision(of set: JSONValue) -> String {
        "\(set.objectName.name)-\(Workload.hash(set["spec"]?["template"]))"
    }

    /// The pods to make and to delete now.
    struct Step: Equatable {
        var create: [Int] = []
        var delete: [ObjectName] = []
    }

    /// A StatefulSet and its pods.
    struct View {
        let set: JSONValue
        let pods: [JSONValue]

        private var wanted: Int { self.set.count("spec", "replicas", default: 1) }
        private var first: Int { self.set.count("spec", "ordinals", "start") }
        private var isParallel: Bool { self.set["spec"]?["podManagementPolicy"]?.stringValue == "Parallel" }
        var minReady: Int { self.set.count("spec", "minReadySeconds") }

        private func number(_ pod: JSONValue) -> Int {
            pod.objectName.name.split(separator: "-").last.flatMap { Int($0) } ?? 0
        }

        private func isCurrent(_ pod: JSONValue) -> Bool {
            pod["metadata"]?["labels"]?[StatefulSetController.revisionLabel]?.stringValue
                == StatefulSetController.revision(of: set)
        }

        /// The next thing to do; nil when nothing is to be done or something has to finish first.
        func step(_ context: ReconcileContext) -> Step? {
            let ended = pods.filter { !$0.isActivePod && !$0.isBeingDeleted }
            guard ended.isEmpty else { return Step(delete: ended.map(\.objectName)) }
            let existing = Dictionary(pods.map { (number($0), $0) }) { first, _ in first }
            let missing = (first..<first + wanted).filter { existing[$0] == nil }
            let surplus = pods.filter { number($0) < first || number($0) >= first + wanted }
                .sorted { number($0) > number($1) }
            if isParallel, !missing.isEmpty || surplus.contains(where: { !$0.isBeingDeleted }) {
                return Step(create: missing, delete: surplus.filter { !$0.isBeingDeleted }.map(\.objectName))
            }
            if !isParallel {
                let unsettled = pods.contains {
                    $0.isBeingDeleted || !$0.isAvailablePod(minReadySeconds: minReady, context)
                }
                if let next = missing.first {
                    let mayGoOn = pods.filter { number($0) < next }.allSatisfy {
                        $0.isAvailablePod(minReadySeconds: minReady, context) && !$0.isBeingDeleted
                    }
                    return mayGoOn ? Step(create: [next]) : update(context, ignoringUnsettled: true)
                }
                if let last = surplus.first, !pods.contains(where: \.isBeingDeleted) {
                    return Step(delete: [last.objectName])
                }
                guard !unsettled else { return update(context, ignoringUnsettled: true) }
            }
            return update(context, ignoringUnsettled: false)
        }

        /// The pod to replace next: the highest with an old template, one at a time, broken ones at once.
        private func update(_ context: ReconcileContext, ignoringUnsettled: Bool) -> Step? {
            let strategy = set["spec"]?["updateStrategy"]
            guard strategy?["type"]?.stringValue != "OnDelete" else { return nil }
            let partition = strategy?.count("rollingUpdate", "partition") ?? 0
            let old = pods.filter { number($0) >= partition && !isCurrent($0) && !$0.isBeingDeleted }
                .sorted { number($0) > number($1) }
            guard let next = old.first, !pods.contains(where: \.isBeingDeleted) else { return nil }
            let isBroken = !next.isReadyPod
            let othersSettled = pods.allSatisfy { $0.isAvailablePod(minReadySeconds: minReady, context) }
            return isBroken || othersSettled && !ignoringUnsettled ? Step(delete: [next.objectName]) : nil
        }

        func status(_ context: ReconcileContext) -> JSONValue {
            let living = pods.filter(\.isActivePod)
            let updated = living.filter(isCurrent)
            var status = set["status"] ?? [:]
            status["observedGeneration"] = set["metadata"]?["generation"]
            status["replicas"] = .number(living.count)
            for (name, count) in [
                ("readyReplicas", living.filter(\.isReadyPod).count), ("updatedReplicas", updated.count),
            ] {
                // Zero is left out, as in the API's types.
                status[name] = count == 0 ? nil : .number(count)
            }
            status["availableReplicas"] = .number(
                living.filter { $0.isAvailablePod(minReadySeconds: minReady, context) }.count
            )
            let revision = JSONValue.string(StatefulSetController.revision(of: set))
            status["updateRevision"] = revision
            if status["currentRevision"] == nil || updated.count == wanted && updated.count == living.count {
                status["currentRevision"] = revision
            }
            let current = living.filter {
                $0["metadata"]?["labels"]?[StatefulSetController.revisionLabel] == status["currentRevision"]
            }
            status["currentReplicas"] = current.isEmpty ? nil : .number(current.count)
            status["collisionCount"] = 0
            return status
        }
    }
}
