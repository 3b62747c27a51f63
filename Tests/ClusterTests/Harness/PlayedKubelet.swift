import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import Timekeeping

/// Plays the kubelet of a Node without one: containers that crash, which hollow kubelets never do (design section 7).
///
/// The node answers by its lease, pods on it run or wait as the test says, and those that are deleted end at once.
struct PlayedKubelet: Sendable {
    let plane: ControlPlane
    /// The name of the Node.
    let node: String

    /// Registers the node, plays its kubelet while `body` runs, and removes the node.
    ///
    /// - Parameters:
    ///   - plane: the cluster.
    ///   - node: the name of the Node.
    ///   - stage: how a pod fares there.
    ///   - body: what happens meanwhile.
    /// - Throws: what `body` throws, or a failure to register the node.
    static func with(
        _ plane: ControlPlane,
        node: String,
        stage: @escaping @Sendable (Unstructured) -> PodStage,
        _ body: () async throws -> Void
    ) async throws {
        let kubelet = PlayedKubelet(plane: plane, node: node)
        try await kubelet.register()
        try await cleaningUp(
            { try await plane.kubectl("delete node/\(node) -n kube-node-lease lease/\(node)") },
            {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await kubelet.beat() }
                    group.addTask { try await kubelet.follow(stage) }
                    defer { group.cancelAll() }
                    try await body()
                }
            }
        )
    }

    /// Nothing is scheduled there: pods name the node themselves.
    private func register() async throws {
        try await plane.apply(
            """
            apiVersion: v1
            kind: Node
            metadata: {name: \(node)}
            spec: {unschedulable: true}
            ---
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: \(node), namespace: kube-node-lease}
            spec: {holderIdentity: \(node), leaseDurationSeconds: 40}
            """
        )
        let condition: JSONValue = [
            "type": "Ready", "status": "True", "reason": "KubeletReady",
            "lastHeartbeatTime": .string(Self.now), "lastTransitionTime": .string(Self.now),
        ]
        let ready: JSONValue = ["status": ["conditions": .array([condition])]]
        _ = try await plane.client.patch(.nodes, ObjectKey(name: node), ready, type: .merge, subresource: "status")
    }

    /// Says every ten seconds that the node is there, as a kubelet does.
    private func beat() async throws {
        while true {
            let renewed: JSONValue = ["spec": ["renewTime": .string(Self.now.replacing("Z", with: ".000000Z"))]]
            let key = ObjectKey(namespace: "kube-node-lease", name: node)
            _ = try await plane.client.patch(.leases, key, renewed, type: .merge)
            try await SystemTimeSource().sleep(for: .seconds(10))
        }
    }

    private func follow(_ stage: @Sendable (Unstructured) -> PodStage) async throws {
        let onNode = "spec.nodeName=\(node)"
        while true {
            let list = try await plane.client.list(.pods, options: ListOptions(fieldSelector: onNode))
            for pod in list.items { try await play(pod, stage) }
            let options = WatchOptions(fieldSelector: onNode, resourceVersion: list.metadata.resourceVersion)
            for try await event in try await plane.client.watch(.pods, options: options) {
                if case .added(let pod) = event.orModified { try await play(pod, stage) }
            }
        }
    }

    private func play(_ pod: Unstructured, _ stage: @Sendable (Unstructured) -> PodStage) async throws {
        do {
            if pod.isBeingDeleted {
                _ = try await plane.client.delete(.pods, pod.key, options: DeleteOptions(gracePeriodSeconds: 0))
            } else if pod["status", "containerStatuses"] == nil {
                try await plane.setStatus(of: pod, stage(pod))
            }
        } catch ClientError.api(let error) where error.isNotFound {
            // It has ended meanwhile.
        }
    }

    private static var now: String { SystemTimeSource().wallTime().formatted(.iso8601) }
}
