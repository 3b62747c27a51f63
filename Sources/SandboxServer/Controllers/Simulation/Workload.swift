internal import FoundationEssentials
internal import JSON

/// What the workload controllers share: their pods, how pods are made, and what counts as available.
enum Workload {
    /// An annotation on a pod or its template that breaks it, and on a node likewise.
    static let failureAnnotation = "sandbox.tmc.io/failure"

    /// The entry of `metadata.ownerReferences` that names the object as the controller of another one.
    static func controllerReference(to owner: JSONValue) -> JSONValue {
        [
            "apiVersion": owner["apiVersion"] ?? "", "kind": owner["kind"] ?? "",
            "name": owner["metadata"]?["name"] ?? "", "uid": .string(owner.uid),
            "controller": true, "blockOwnerDeletion": true,
        ]
    }

    /// The objects that the owner controls.
    ///
    /// Such that fit its selector and belong to nobody are taken over, and those
    /// that do not fit any more are let go, as the workload controllers do.
    static func claim(
        _ resource: ResourceID,
        for owner: JSONValue,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> [JSONValue] {
        let selector = LabelSelector(owner["spec"]?["selector"])
        let candidates = tx.all(resource, namespace: owner.objectName.namespace)
            .filter { $0.owners.contains(owner.uid) || $0.owners.isEmpty && selector?.matches($0.labels) == true }
            .sorted { $0.name < $1.name }
        var claimed: [JSONValue] = []
        for candidate in candidates {
            let value = try candidate.value()
            let isOwned = candidate.owners.contains(owner.uid)
            switch (isOwned, selector?.matches(candidate.labels) ?? false) {
            case (true, true):
                claimed.append(value)
            case (true, false):
                tx.update(resource, value.removingOwners([owner.uid]), from: value, context)
            case (false, _):
                guard !value.isBeingDeleted, !owner.isBeingDeleted else { continue }
                var adopted = value
                adopted.set([controllerReference(to: owner)], at: ["metadata", "ownerReferences"])
                tx.update(resource, adopted, from: value, context)
                claimed.append(try tx.value(resource, candidate.name) ?? adopted)
            }
        }
        return claimed
    }

    /// A pod from a workload's template.
    static func pod(
        from template: JSONValue?,
        owner: JSONValue,
        name: String,
        labels: [String: String] = [:]
    ) -> JSONValue {
        var metadata: JSONValue = [
            "name": .string(name), "namespace": .string(owner.objectName.namespace),
            "ownerReferences": [controllerReference(to: owner)],
        ]
        let own = template?["metadata"]?["labels"]?.stringDictionary ?? [:]
        metadata["labels"] = .strings(own.merging(labels) { $1 })
        metadata["annotations"] = template?["metadata"]?["annotations"]
        metadata["finalizers"] = template?["metadata"]?["finalizers"]
        var pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template?["spec"] ?? [:],
        ]
        KindRules.rules(for: Builtin.pods).complete(&pod, nil)
        return pod
    }

    /// Five characters as generated names end with.
    static func randomSuffix() -> String {
        String((0..<5).compactMap { _ in alphabet.randomElement() })
    }

    /// A short text that differs when the value does: the `pod-template-hash` and its like.
    static func hash(_ value: JSONValue?) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in value?.serialized() ?? [] { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return String(String(hash).map { alphabet[Int($0.wholeNumberValue ?? 0)] })
    }

    /// Without vowels and what looks alike.
    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
}

extension JSONValue {
    /// A whole number at a path, kept within what can be counted.
    func count(_ path: String..., default standard: Int = 0) -> Int {
        value(at: path)?.intValue.map { Int(min(max($0, 0), 1_000_000)) } ?? standard
    }

    /// Whether a pod still counts for its controller: neither finished nor on the way out.
    var isActivePod: Bool {
        let phase = self["status"]?["phase"]?.stringValue
        return phase != "Succeeded" && phase != "Failed" && !isBeingDeleted
    }

    /// Whether a pod's condition `Ready` is true.
    var isReadyPod: Bool { self["status"]?.isTrue("Ready") ?? false }

    /// Whether a pod has been ready for so long.
    func isAvailablePod(minReadySeconds: Int, _ context: ReconcileContext) -> Bool {
        guard isReadyPod else { return false }
        guard minReadySeconds > 0 else { return true }
        let since = self["status"]?.condition("Ready")?["lastTransitionTime"]
        return context.remaining(of: .seconds(minReadySeconds), since: since) == nil
    }

    /// The name that an annotation breaks the object with.
    var failure: String? { self["metadata"]?["annotations"]?[Workload.failureAnnotation]?.stringValue }
}
