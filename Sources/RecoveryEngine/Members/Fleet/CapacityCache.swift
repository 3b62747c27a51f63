internal import ControllerRuntime
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryDecision
internal import Synchronization
internal import Timekeeping

/// The nodes and pods of one member, of which only what capacity needs is kept.
///
/// Nothing is computed when a pod changes: sums are made when somebody asks for them, once for each state.
final class CapacityCache: Sendable {
    private struct Sum: Sendable {
        var nodesVersion: String
        var podsVersion: String
        var capacity: ClusterCapacity
    }

    let nodes: Informer<NodeRoom>
    let pods: Informer<PodDemand>
    private let sum = Mutex<Sum?>(nil)

    init(client: KubernetesClient, configuration: InformerConfiguration, context: RuntimeContext) {
        nodes = Informer(
            client: client,
            source: InformerSource(
                resource: .nodes,
                decoder: ObjectDecoder(projection: Self.nodeFields) { NodeRoom($0) }
            ),
            configuration: configuration,
            context: context
        )
        let shared = SharedDemands()
        pods = Informer(
            client: client,
            source: InformerSource(
                resource: .pods,
                scope: WatchScope(fieldSelector: Self.openPods),
                decoder: ObjectDecoder(projection: Self.podFields) { shared.demand(PodDemand($0)) }
            ),
            configuration: configuration,
            context: context
        )
    }

    /// What nodes and pods add up to; nil before both are known.
    var capacity: ClusterCapacity? {
        guard nodes.hasSynced.isOpen, pods.hasSynced.isOpen else { return nil }
        let (nodesVersion, podsVersion) = (nodes.store.resourceVersion, pods.store.resourceVersion)
        let known = sum.withLock { $0 }
        if let known, known.nodesVersion == nodesVersion, known.podsVersion == podsVersion { return known.capacity }
        // What changes meanwhile has a newer version and is counted at the next call.
        let capacity = ClusterCapacity(nodes: nodes.store.list(), pods: pods.store.list())
        sum.withLock { $0 = Sum(nodesVersion: nodesVersion, podsVersion: podsVersion, capacity: capacity) }
        return capacity
    }

    /// Pods that have ended ask for nothing.
    fileprivate static let openPods = "status.phase!=Succeeded,status.phase!=Failed"

    private static let identity = [
        ["metadata", "name"], ["metadata", "namespace"], ["metadata", "uid"], ["metadata", "resourceVersion"],
    ]

    private static func fields(_ paths: [String]...) -> JSONProjection {
        (identity + paths).reduce(JSONProjection.all) { $0.keeping($1) }
    }

    fileprivate static let nodeFields = fields(
        ["spec", "unschedulable"],
        ["spec", "taints", "*", "effect"],
        ["status", "capacity"],
        ["status", "allocatable"],
        ["status", "conditions", "*", "type"],
        ["status", "conditions", "*", "status"]
    )

    fileprivate static let podFields = fields(
        ["spec", "nodeName"],
        ["spec", "overhead"],
        ["spec", "resources"],
        ["spec", "containers", "*", "resources"],
        ["spec", "initContainers", "*", "resources"],
        ["spec", "initContainers", "*", "restartPolicy"],
        ["status", "phase"],
        ["status", "conditions", "*", "type"],
        ["status", "conditions", "*", "reason"]
    )
}

extension ClusterCapacity {
    /// Counts nodes and pods of a member now, whatever is watched there; of each only what capacity needs is kept.
    ///
    /// - Throws: `ClientError`, when the credential may not list them as well.
    static func counted(by client: KubernetesClient) async throws -> ClusterCapacity {
        let nodes = try await client.collect(.nodes, namespace: nil, options: ListOptions()) {
            NodeRoom(try JSONValue(parsing: $0, projection: CapacityCache.nodeFields))
        }
        let shared = SharedDemands()
        let options = ListOptions(fieldSelector: CapacityCache.openPods)
        let pods = try await client.collect(.pods, namespace: nil, options: options) {
            shared.demand(PodDemand(try JSONValue(parsing: $0, projection: CapacityCache.podFields)))
        }
        return ClusterCapacity(nodes: nodes.items, pods: pods.items)
    }
}

/// Lets the many pods of a workload share one value of what they ask for.
private final class SharedDemands: Sendable {
    /// More than a cluster has workloads; beyond it begins anew.
    private static let limit = 4_096

    private let known = Mutex<Set<ResourceAmounts>>([])

    func demand(_ pod: PodDemand) -> PodDemand {
        var pod = pod
        pod.requests = known.withLock { known in
            if known.count >= Self.limit { known = [] }
            return known.insert(pod.requests).memberAfterInsert
        }
        return pod
    }
}
