import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing

/// A hub with two members, and a Placement of a ConfigMap and a PersistentVolumeClaim that begins on the first.
struct MovingFleet: Sendable {
    /// The namespace of this test, on all three; on the hub it is the controller's own.
    let space: String
    let hub: ControlPlane
    let members: [ControlPlane]
    /// Of the account that the Deployment in manifests/ runs as: the controller has no other rights.
    let kubeconfig: String

    static let placement = "web"
    var placementKey: ObjectKey { ObjectKey(namespace: space, name: Self.placement) }
    var flags: String { "--namespace \(space) --controller-namespace \(space)" }

    /// The MemberCluster of a member, counted from 0.
    func cluster(_ index: Int) -> String { "\(space)-\(index + 1)" }

    /// Prepares both members; volumes are made on those that `volumes` names.
    ///
    /// - Returns: the fleet, with the Placement ready on the first member and a controller that runs.
    /// - Throws: what keeps it from getting ready.
    static func start(_ space: String, volumes: [Int] = [0, 1]) async throws -> (MovingFleet, ControllerProcess) {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let members = [try await SharedPlane.member.plane(), try await SharedPlane.secondMember.plane()]
        let kubeconfig = try await grantShippedRoles(hub, space)
        let fleet = MovingFleet(space: space, hub: hub, members: members, kubeconfig: kubeconfig)
        for member in members { try await member.kubectl("create namespace \(space)") }
        for index in volumes { try await fleet.makeVolume(on: index) }
        let controller = try await fleet.startController()
        try await fleet.join(0)
        try await hub.apply(fleet.manifest)
        _ = try await fleet.placement { $0.isReady(on: fleet.cluster(0)) }
        try await fleet.join(1)
        return (fleet, controller)
    }

    /// The shipped ClusterRoles, and in the namespace of this test what the shipped Role grants in the usual one.
    private static func grantShippedRoles(_ hub: ControlPlane, _ space: String) async throws -> String {
        try await hub.applyShippedRoles()
        let account = ControlPlane.controllerAccount
        let subject = "--serviceaccount=\(account.namespace ?? ""):\(account.name)"
        try await hub.kubectl("create role secrets -n \(space) --verb=get,list,watch --resource=secrets")
        let verbs = "--verb=get,list,create,update,patch,delete"
        try await hub.kubectl("create role leases -n \(space) \(verbs) --resource=leases.coordination.k8s.io")
        try await hub.kubectl("create role catalogue -n \(space) --verb=get,list,watch --resource=configmaps")
        for role in ["secrets", "leases", "catalogue"] {
            try await hub.kubectl("create rolebinding \(role) -n \(space) --role=\(role) \(subject)")
        }
        return try await hub.kubeconfig(of: account)
    }

    /// Starts a controller, or the next one after a crash.
    func startController() async throws -> ControllerProcess {
        try await ControllerProcess.start(hub, flags, kubeconfig: kubeconfig)
    }

    private var manifest: String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Placement
        metadata: {name: \(Self.placement), namespace: \(space)}
        spec:
          clusterSelector: {matchLabels: {fleet: \(space)}}
          manifests:
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: settings}
            data: {a: "1"}
          - apiVersion: v1
            kind: PersistentVolumeClaim
            metadata: {name: data}
            spec:
              storageClassName: ""
              accessModes: [ReadWriteOnce]
              resources: {requests: {storage: 1Mi}}
        """
    }

    /// A volume for the claim, without which it is never ready.
    func makeVolume(on index: Int) async throws {
        try await members[index].apply(
            """
            apiVersion: v1
            kind: PersistentVolume
            metadata: {name: \(space)}
            spec:
              capacity: {storage: 1Mi}
              accessModes: [ReadWriteOnce]
              hostPath: {path: /tmp/\(space)}
              claimRef: {namespace: \(space), name: data}
            """
        )
    }

    /// Registers a member and waits until it is ready.
    private func join(_ index: Int) async throws {
        let name = cluster(index)
        try await hub.kubectl(
            "create secret generic \(name) -n \(space) --from-file=kubeconfig=\(members[index].kubeconfig)"
        )
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: MemberCluster
            metadata: {name: \(name), labels: {fleet: \(space)}}
            spec:
              kubeconfigSecretRef: {name: \(name)}
              probe: {intervalSeconds: 1, timeoutSeconds: 2, failureThreshold: 2}
            """
        )
        try await expect(index, isReady: true)
    }

    /// Waits until the controller sees a member so.
    func expect(_ index: Int, isReady: Bool) async throws {
        _ = try await hub.wait(for: MemberCluster.self, ObjectKey(name: cluster(index))) { cluster in
            cluster.status?.conditions?[type: ConditionType.ready]?.status == (isReady ? .true : .false)
        }
    }

    /// Removes what other tests would see.
    func stop(_ controller: ControllerProcess) async throws {
        // A member's quota refuses with the same code.
        let host = hub.client.configuration.server.split(separator: "/").last ?? ""
        let refused = try await controller.get("/metrics").split(separator: "\n").filter {
            $0.hasPrefix("rest_client_requests_total{") && $0.contains(#"code="403""#) && $0.contains(host)
        }
        #expect(refused.isEmpty, "the shipped roles are enough")
        try await hub.kubectl("delete migration --all -n \(space)")
        try await hub.kubectl("delete placement \(Self.placement) -n \(space) --timeout=60s")
        try await hub.kubectl("delete membercluster \(cluster(0)) \(cluster(1))")
        try await controller.stop()
    }

    /// Asks for a move.
    func migrate(
        _ name: String,
        _ action: MigrationAction = .relocate,
        from: Int = 0,
        to: Int = 1,
        _ more: String = ""
    ) async throws {
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Migration
            metadata: {name: \(name), namespace: \(space)}
            spec:
              placementRef: {name: \(Self.placement)}
              action: \(action.rawValue)
              from: \(cluster(from))
              to: \(cluster(to))
              \(more)
            """
        )
    }

    /// The Placement as soon as it is as expected.
    func placement(
        within limit: Duration = .seconds(90),
        until isReached: @escaping @Sendable (Placement) -> Bool
    ) async throws -> Placement {
        try await hub.wait(for: Placement.self, placementKey, within: limit, until: isReached)
    }

    /// A Migration as soon as it is as expected.
    func migration(
        _ name: String,
        within limit: Duration = .seconds(90),
        until isReached: @escaping @Sendable (Migration) -> Bool = { $0.status?.phase?.isFinal == true }
    ) async throws -> Migration {
        let key = ObjectKey(namespace: space, name: name)
        return try await hub.wait(for: Migration.self, key, within: limit, until: isReached)
    }

    /// Whether a member has the ConfigMap, and whether the claim.
    func copy(on index: Int) async throws -> (settings: Bool, data: Bool) {
        let names = try await members[index].kubectl("get configmap,pvc -n \(space) -o name")
        return (names.contains("configmap/settings"), names.contains("persistentvolumeclaim/data"))
    }

    /// Whether the ConfigMap came to one member before it left the other one, by what their servers wrote down.
    func madeBeforeBreak(from: Int, to: Int) async throws -> Bool {
        let isOurs = { (entry: AuditLog.Entry) in
            entry.namespace == space && entry.resource == "configmaps" && entry.name == "settings"
        }
        let made = try await AuditLog(members[to]).successfulWrites { isOurs($0) && $0.verb == "patch" }.last
        let gone = try await AuditLog(members[from]).successfulWrites { isOurs($0) && $0.verb == "delete" }.last
        guard let made, let gone else { return false }
        return made.time <= gone.time
    }
}

extension Placement {
    /// Whether the copy on a cluster is synced and ready.
    func isReady(on cluster: String) -> Bool {
        status?.clusters?.contains { $0.cluster == cluster && $0.state == .synced && $0.ready == true } ?? false
    }

    /// The clusters that are to have a copy.
    var decided: [String] { (status?.decisions ?? []).map(\.cluster) }
}

/// Every state of one Migration that its API server has shown to watchers, in order.
final class MigrationHistory: Sendable {
    private let states = Mutex<[Migration]>([])
    private let task = Mutex<Task<Void, any Error>?>(nil)

    /// Follows a Migration that does not exist yet.
    static func follow(_ fleet: MovingFleet, _ name: String) async throws -> MigrationHistory {
        let history = MigrationHistory()
        let client = fleet.hub.client
        let list = try await client.list(Migration.self, namespace: fleet.space)
        let options = WatchOptions(
            fieldSelector: "metadata.name=\(name)",
            resourceVersion: list.metadata.resourceVersion
        )
        let events = try await client.watch(Migration.self, namespace: fleet.space, options: options)
        history.task.withLock { task in
            task = Task {
                for try await event in events {
                    guard case .added(let migration) = event.orModified else { continue }
                    history.states.withLock { $0.append(migration) }
                    if migration.status?.phase?.isFinal == true { return }
                }
            }
        }
        return history
    }

    /// The Migration at its end, once this watch has shown that, too.
    func end(_ fleet: MovingFleet, _ name: String, within limit: Duration = .seconds(90)) async throws -> Migration {
        let migration = try await fleet.migration(name, within: limit)
        try await task.withLock { $0 }?.value
        return migration
    }

    /// The phases in order, each as often as it was entered.
    var phases: [MigrationPhase] {
        states.withLock { $0 }.compactMap { $0.status?.phase }.reduce(into: []) { phases, phase in
            if phases.last != phase { phases.append(phase) }
        }
    }

    /// The checkpoints in the order in which they appeared.
    var steps: [String] {
        states.withLock { $0 }.flatMap { ($0.status?.completedSteps ?? []).map(\.name) }.reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
    }

    deinit { task.withLock { $0?.cancel() } }
}
