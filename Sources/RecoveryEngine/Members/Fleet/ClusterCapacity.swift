internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
package import RecoveryDecision

/// What the nodes of a member have, and what its pods ask for.
package struct ClusterCapacity: Sendable, Hashable {
    /// Of all nodes together.
    package private(set) var capacity = ResourceAmounts()
    /// What pods can get on the nodes that take new ones: ready, not cordoned, without taints that keep pods away.
    package private(set) var allocatable = ResourceAmounts()
    /// What pods on those nodes ask for, as the scheduler counts it, and pods that wait to be scheduled.
    ///
    /// Pods that have ended ask for nothing; neither do those that the scheduler has found no place for, which would
    /// make a cluster look full that has room for others.
    package private(set) var requested = ResourceAmounts()
    /// The most that one of those nodes has left, resource by resource.
    package private(set) var largestNodeFree = ResourceAmounts()

    /// What is left for new pods; below zero where more is asked for than there is.
    package var free: ResourceAmounts { allocatable - requested }

    /// Adds up nodes and pods.
    init(nodes: [NodeRoom], pods: [PodDemand]) {
        var left: [String: ResourceAmounts] = [:]
        for node in nodes {
            capacity += node.capacity
            guard node.takesPods else { continue }
            allocatable += node.allocatable
            left[node.name] = node.allocatable
        }
        for pod in pods {
            if let node = pod.node {
                guard let before = left[node] else { continue }
                left[node] = before - pod.requests
            }
            requested += pod.requests
        }
        largestNodeFree = left.values.reduce(ResourceAmounts()) { $0.larger($1) }
    }
}

extension ClusterCandidate {
    /// Takes over what was counted, less what copies on their way there will take.
    mutating func count(_ capacity: ClusterCapacity?, reserved: ResourceAmounts) {
        free = capacity?.free
        largestNodeFree = capacity?.largestNodeFree
        reserve(reserved)
    }
}

/// A node, less all that capacity does not need.
struct NodeRoom: Sendable, Hashable {
    var name: String
    var capacity: ResourceAmounts
    var allocatable: ResourceAmounts
    /// Whether it is ready, not cordoned, and has no taint that keeps pods away which tolerate nothing.
    var takesPods: Bool

    /// Reads a Node; what is missing counts as nothing.
    init(_ node: JSONValue) {
        name = node.value(at: ["metadata", "name"])?.stringValue ?? ""
        capacity = ResourceAmounts(node.value(at: ["status", "capacity"]))
        allocatable = ResourceAmounts(node.value(at: ["status", "allocatable"]))
        let conditions = node.value(at: ["status", "conditions"])?.arrayValue ?? []
        let taints = node.value(at: ["spec", "taints"])?.arrayValue ?? []
        let isReady = conditions.contains { $0["type"]?.stringValue == "Ready" && $0["status"]?.stringValue == "True" }
        let isCordoned = node.value(at: ["spec", "unschedulable"])?.boolValue ?? false
        let keepsAway = taints.contains { ["NoSchedule", "NoExecute"].contains($0["effect"]?.stringValue) }
        takesPods = isReady && !isCordoned && !keepsAway
    }
}

/// A pod, less all that capacity does not need.
struct PodDemand: Sendable, Hashable {
    /// The node that it was put on; nil while it has none.
    var node: String?
    var requests: ResourceAmounts

    /// Reads a Pod.
    init(_ pod: JSONValue) {
        node = pod.value(at: ["spec", "nodeName"])?.stringValue.nonEmpty
        let conditions = pod.value(at: ["status", "conditions"])?.arrayValue ?? []
        let foundNoPlace =
            node == nil
            && conditions.contains {
                $0["type"]?.stringValue == "PodScheduled" && $0["reason"]?.stringValue == "Unschedulable"
            }
        let hasEnded = ["Succeeded", "Failed"].contains(pod.value(at: ["status", "phase"])?.stringValue)
        let asks = !hasEnded && !foundNoPlace
        requests = asks ? ResourceAmounts(podSpec: pod["spec"] ?? [:]) : ResourceAmounts()
    }
}
