import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryTestSupport
import TestSupport
import Testing

/// A hub with two members, and a Placement of a ConfigMap and a PersistentVolumeClaim that begins on the first.
struct MovingFleet: Fleet {
    let space: String
    let hub: ControlPlane
    let members: [ControlPlane]
    let history: FleetHistory
    /// It has the rights that manifests/ ships, and no others.
    let controller: ControllerProcess

    /// The MemberCluster of a member, counted from 0.
    func cluster(_ index: Int) -> String { "\(space)-\(index + 1)" }

    /// Runs `body` with the Placement ready on the first member, has the invariants checked, and removes what other tests
    /// would see.
    ///
    /// - Parameters:
    ///   - space: the namespace, of the test's own.
    ///   - volumes: the members that have a volume for the claim.
    ///   - body: the test.
    /// - Throws: what `body` throws, and what keeps the members from getting ready.
    static func with(
        _ space: String,
        volumes: [Int] = [0, 1],
        _ body: (MovingFleet) async throws -> Void
    ) async throws {
        let hub = try await SharedPlane.hub.plane(namespace: space)
        let members = [try await SharedPlane.member.plane(), try await SharedPlane.secondMember.plane()]
        let kubeconfig = try await hub.grantShippedRoles(in: space)
        let history = try await FleetHistory.follow(hub, [space])
        for member in members { try await member.kubectl("create namespace \(space)") }
        try await cleaningUp {
            try await hub.kubectl("delete membercluster \(space)-1 \(space)-2 --ignore-not-found")
        } _: {
            let flags = "--namespace \(space) --controller-namespace \(space)"
            try await ControllerProcess.with(hub, flags, kubeconfig: kubeconfig) { controller in
                let fleet = MovingFleet(
                    space: space,
                    hub: hub,
                    members: members,
                    history: history,
                    controller: controller
                )
                for index in volumes { try await fleet.makeVolume(on: index) }
                try await fleet.join(0)
                try await hub.apply(fleet.manifest)
                try await fleet.placement { $0.isReady(on: fleet.cluster(0)) }
                try await fleet.join(1)
                try await body(fleet)
                try await fleet.expectNoRefusals(controller)
                try await hub.kubectl("delete migration --all -n \(space)")
                try await hub.kubectl("delete placement web -n \(space) --timeout=60s")
                try await history.expectInvariants()
            }
        }
    }

    private var manifest: String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Placement
        metadata: {name: web, namespace: \(space)}
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

    private func join(_ index: Int) async throws {
        try await register(cluster(index), members[index])
        try await expect(index, isReady: true)
    }

    /// Waits until the controller sees a member so.
    func expect(_ index: Int, isReady: Bool) async throws {
        try await expect(cluster(index), isReady: isReady)
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
              placementRef: {name: web}
              action: \(action.rawValue)
              from: \(cluster(from))
              to: \(cluster(to))
              \(more)
            """
        )
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
        let made = try await settings("patch", on: to).last
        let gone = try await settings("delete", on: from).last
        guard let made, let gone else { return false }
        return made.time <= gone.time
    }

    /// How a member's ConfigMap was changed, by what its server wrote down.
    func settings(_ verb: String, on index: Int) async throws -> [AuditLog.Entry] {
        try await AuditLog(members[index]).successfulWrites {
            $0.namespace == space && $0.resource == "configmaps" && $0.name == "settings" && $0.verb == verb
        }
    }
}

extension MovingFleet {
    /// A Migration at its end, once the history has shown that, too.
    func end(_ name: String, within limit: Duration = .seconds(90)) async throws -> Migration {
        let migration = try await migration(name, within: limit)
        try await history.migrations.catchUp()
        return migration
    }

    /// The phases of a Migration in order, each as often as it was entered.
    func phases(_ name: String) -> [MigrationPhase] {
        history.migrations.course(name) { $0.status?.phase }
    }

    /// The checkpoints of a Migration in the order in which they appeared.
    func steps(_ name: String) -> [String] {
        history.migrations.states(name).flatMap { ($0.status?.completedSteps ?? []).map(\.name) }.reduce(into: []) {
            if !$0.contains($1) { $0.append($1) }
        }
    }
}

extension PlacementStatus {
    /// Whether the copy on a cluster is synced and ready.
    func isReady(on cluster: String) -> Bool { well.contains(cluster) }
}
