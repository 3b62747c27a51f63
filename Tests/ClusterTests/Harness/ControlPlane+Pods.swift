import JSON
import KubernetesClient
import KubernetesCore

/// What a hollow kubelet never says of a pod.
enum PodStage {
    case running
    /// Its container waits, for this reason.
    case waiting(String)
    /// Its container has ended as it should.
    case succeeded
}

extension ControlPlane {
    /// The first pod of a namespace that has the given labels, as soon as there is one.
    func firstPod(in space: String, labels: String? = nil) async throws -> Unstructured {
        let list = try await client.list(.pods, namespace: space, options: ListOptions(labelSelector: labels))
        if let pod = list.items.first { return pod }
        let options = WatchOptions(labelSelector: labels, resourceVersion: list.metadata.resourceVersion)
        for try await event in try await client.watch(.pods, namespace: space, options: options) {
            if case .added(let pod) = event { return pod }
        }
        throw NotReached(key: ObjectKey(namespace: space, name: ""), last: "no pod")
    }

    /// Writes `pods/status` of a pod with one container as a kubelet does; the pod must have no other kubelet.
    func setStatus(of pod: Unstructured, _ stage: PodStage) async throws {
        let now: JSONValue = "2026-01-01T00:00:00Z"
        let container = pod["spec", "containers"]?[index: 0]
        var (phase, isReady): (JSONValue, Bool) = ("Running", false)
        let state: JSONValue
        switch stage {
        case .running: (state, isReady) = (["running": ["startedAt": now]], true)
        case .waiting(let reason):
            let message = "back-off 5m0s restarting failed container=web pod=\(pod.name)"
            state = ["waiting": ["reason": .string(reason), "message": .string(message)]]
        case .succeeded:
            phase = "Succeeded"
            let times: JSONValue = ["startedAt": now, "finishedAt": now, "exitCode": 0, "reason": "Completed"]
            state = ["terminated": times]
        }
        let conditions: [JSONValue] = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map { type in
            let isTrue = isReady || !type.contains("Ready")
            return ["type": .string(type), "status": isTrue ? "True" : "False", "lastTransitionTime": now]
        }
        let report: JSONValue = [
            "name": container?["name"] ?? .null, "image": container?["image"] ?? .null, "imageID": "",
            "ready": .bool(isReady), "started": .bool(isReady), "restartCount": 7, "state": state,
            "lastState": ["terminated": ["exitCode": 1, "reason": "Error"]],
        ]
        let status: JSONValue = [
            "phase": phase, "startTime": now, "conditions": .array(conditions), "containerStatuses": [report],
        ]
        _ = try await client.patch(.pods, pod.key, ["status": status], type: .merge, subresource: "status")
    }
}
