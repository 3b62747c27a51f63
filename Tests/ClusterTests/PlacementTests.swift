import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// Placements on real control planes, with faults that are done to the members.
@Suite("Placements on real control planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct PlacementTests {
    /// Much of it the server writes in another way than this, or fills in.
    private static let workload = """
            - apiVersion: apps/v1
              kind: Deployment
              metadata: {name: web, labels: {app: web}}
              spec:
                replicas: 0
                selector: {matchLabels: {app: web}}
                template:
                  metadata: {labels: {app: web}}
                  spec:
                    containers:
                    - name: web
                      image: none
                      env: [{name: A, value: "1"}]
                      ports: [{containerPort: 80}]
                      resources: {requests: {cpu: 1000m, memory: 0.5Gi}}
                      volumeMounts: [{name: tmp, mountPath: /tmp}]
                    volumes: [{name: tmp, emptyDir: {}}]
            - apiVersion: v1
              kind: Service
              metadata: {name: web}
              spec: {selector: {app: web}, ports: [{port: 80}]}
        """

    private static func pod(_ cpu: String) -> String {
        """
            - apiVersion: v1
              kind: Pod
              metadata: {name: web}
              spec:
                containers: [{name: web, image: none, resources: {requests: {cpu: "\(cpu)"}}}]
        """
    }

    @Test("objects are placed on both members; drift is repaired, defaults and other people's fields are none")
    func placesAndRepairs() async throws {
        try await PlacingFleet.with("placing") { fleet in
            try await fleet.place(Manifest.settings + "\n" + Self.workload)
            let status = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            #expect(status.condition(ConditionType.synced) == "True InSync" && status.readyClusters == 2)
            #expect(status.decisions?.map(\.cluster).sorted() == [fleet.away, fleet.home])
            #expect(status.clusters?.allSatisfy { $0.hash != nil && $0.lastSyncTime != nil } == true)
            let space = fleet.space
            for plane in [fleet.hub, fleet.member] {
                try await plane.kubectl("annotate configmap settings -n \(space) mine=yes")
                try await plane.kubectl("patch configmap settings -n \(space) -p '{\"data\":{\"a\":\"changed\"}}'")
                try await fleet.object(ConfigMapObject.self, "settings", on: plane) {
                    $0.data?["a"] == "1" && $0.metadata.annotations?["mine"] == "yes"
                }
                let old = try await fleet.object(ConfigMapObject.self, "settings", on: plane) { _ in true }
                try await plane.kubectl("delete configmap settings -n \(space)")
                try await fleet.object(ConfigMapObject.self, "settings", on: plane) {
                    $0.metadata.uid != old.metadata.uid && $0.data?["a"] == "1"
                }
            }
            // With an autoscaler the replicas are its own.
            try await fleet.member.kubectl("autoscale deployment web -n \(space) --min=1 --max=5")
            try await fleet.member.kubectl("scale deployment web -n \(space) --replicas=3")
            try await fleet.member.kubectl(
                "patch service web -n \(space) -p '{\"spec\":{\"ports\":[{\"port\":80,\"name\":\"x\"}]}}'"
            )
            try await expectAtRest(fleet)
            let replicas = try await fleet.member.kubectl(
                "get deployment web -n \(space) -o 'jsonpath={.spec.replicas}'"
            )
            #expect(replicas == "3")
            #expect(try await fleet.hub.kubectl("get events -n \(space)").contains("PlacementDriftRepaired"))
            try await fleet.unplace()
            for plane in [fleet.hub, fleet.member] {
                let left = try await plane.kubectl(
                    "get configmap,deployment,service -n \(space) -o name -l recovery.tmc.io/placement-uid"
                )
                #expect(left.isEmpty, "\(left)")
            }
        }
    }

    /// Nothing is applied any more, though the server has written much of it in its own way.
    private func expectAtRest(_ fleet: PlacingFleet) async throws {
        let isApplied = { (entry: AuditLog.Entry) in
            entry.verb == "patch" && entry.namespace == fleet.space && entry.userAgent.contains("recovery-controller")
                && ["configmaps", "deployments", "services"].contains(entry.resource)
        }
        // The next repair shows that everything before it was looked at.
        let log = try await AuditLog(fleet.member)
        try await fleet.member.kubectl("delete configmap settings -n \(fleet.space)")
        try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { $0.data?["a"] == "1" }
        let before = try log.successfulWrites(where: isApplied)
        try await fleet.member.kubectl("delete configmap settings -n \(fleet.space)")
        try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { $0.data?["a"] == "1" }
        let after = try log.successfulWrites(where: isApplied)
        #expect(after.count - before.count <= 2, "\(after.suffix(8).map { "\($0.resource) \($0.name)" })")
        #expect(
            after.filter { $0.resource == "deployments" }.count == before.filter { $0.resource == "deployments" }.count
        )
    }

    @Test("an object of somebody else is a conflict: untouched, reported once, and placed when it is given up")
    func foreignOwner() async throws {
        try await PlacingFleet.with("foreign") { fleet in
            try await fleet.member.kubectl("create configmap settings -n \(fleet.space) --from-literal=a=theirs")
            try await fleet.place(Manifest.settings + "\n" + Self.workload)
            let status = try await fleet.placement { $0.copy(fleet.away)?.state == .failed }
            #expect(status.condition(ConditionType.synced) == "False SyncConflict")
            #expect(status.copy(fleet.away)?.message?.contains("ConfigMap foreign/settings exists on") == true)
            let recovery = try await fleet.incident(.syncConflict, about: Placement.self)
            #expect(recovery.spec.error.context?["cluster"] == fleet.away)
            let theirs = try await fleet.object(ConfigMapObject.self, "settings", on: fleet.member) { _ in true }
            #expect(theirs.data == ["a": "theirs"] && theirs.metadata.labels == nil)
            // The others are there.
            try await fleet.member.kubectl("get deployment,service web -n \(fleet.space)")
            try await fleet.member.kubectl("delete configmap settings -n \(fleet.space)")
            try await fleet.placement(within: .seconds(120)) { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.unplace()
        }
    }

    @Test("full nodes are rejected with the numbers, and PlacementCapacity is reported; with less it is placed")
    func fullNodes() async throws {
        try await PlacingFleet.with("full") { fleet in
            try await fleet.place(Self.pod("1000"), count: 1)
            let status = try await fleet.placement {
                $0.condition(ConditionType.scheduled) == "False InsufficientCapacity"
            }
            let rejections = fleet.rejections(status)
            #expect(rejections.map(\.cluster) == [fleet.away, fleet.home])
            #expect(rejections.allSatisfy { $0.message?.contains("the pods need cpu") == true }, "\(rejections)")
            #expect(status.decisions?.isEmpty != false)
            let ended = try await fleet.incident(.placementCapacity, about: Placement.self, until: \.isFinal)
            #expect(ended.state == .failed && ended.status?.attempts == 1)
            #expect(
                ended.actions == ["RecountCapacity Succeeded", "ScoreClusters Succeeded", "RelaxConstraints Skipped"]
            )
            let steps = ended.status?.escalation?.nextSteps ?? []
            #expect(steps.contains { $0.hasPrefix("Make room on, or open, \(fleet.away): InsufficientCapacity") })
            try await fleet.place(Self.pod("10m"), count: 1)
            let placed = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            #expect(placed.decisions?.count == 1)
            try await fleet.unplace()
        }
    }

    @Test("a cluster is left only when the copy on the next one is ready")
    func makesBeforeBreaking() async throws {
        try await PlacingFleet.with("moving") { fleet in
            try await fleet.hub.kubectl("label membercluster \(fleet.home) use=\(fleet.space)")
            try await fleet.place(
                Manifest.gatedPod + "\n" + Manifest.settings,
                count: 1,
                selector: "use: \(fleet.space)"
            )
            try await fleet.placement { $0.copy(fleet.home)?.state == .synced }
            try await fleet.letGo(fleet.hub)
            try await fleet.placement { $0.copy(fleet.home)?.isReady == true }
            try await fleet.hub.kubectl("label membercluster \(fleet.home) use-")
            try await fleet.hub.kubectl("label membercluster \(fleet.away) use=\(fleet.space)")
            let both = try await fleet.placement { $0.copy(fleet.away)?.state == .synced }
            #expect(both.decisions?.first { $0.cluster == fleet.home }?.isLeaving == true)
            try await fleet.hub.kubectl("get pod web -n \(fleet.space)")
            try await fleet.letGo(fleet.member)
            let moved = try await fleet.placement { $0.decisions?.map(\.cluster) == [fleet.away] }
            #expect(moved.copy(fleet.away)?.isReady == true && moved.clusters?.count == 1)
            let left = try await fleet.hub.kubectl(
                "get pod,configmap -n \(fleet.space) -o name -l recovery.tmc.io/placement-uid"
            )
            #expect(left.isEmpty, "\(left)")
            try await fleet.unplace()
        }
    }

    @Test("two MemberClusters that lead to one server get one copy, until one of them leads to another server")
    func registeredTwice() async throws {
        try await PlacingFleet.with("twice") { fleet in
            let (hub, twin) = (fleet.hub, "twin-\(fleet.space)")
            try await cleaningUp({ try await hub.kubectl("delete membercluster \(twin)") }) {
                try await fleet.register(twin, fleet.member)
                try await fleet.expect(twin, isReady: true)
                try await hub.kubectl("label membercluster \(fleet.away) \(twin) use=\(fleet.space)")
                try await fleet.place(Manifest.settings, selector: "use: \(fleet.space)")
                let once = try await fleet.placement { $0.copy(fleet.away)?.isReady == true }
                #expect(once.condition(ConditionType.scheduled) == "False ConstraintsUnsatisfied")
                #expect(once.decisions?.map(\.cluster) == [fleet.away])
                let rejected = once.rejected?.first { $0.cluster == twin }
                #expect(rejected?.reason == "SameCluster")
                #expect(rejected?.message == "it leads to the same cluster as \(fleet.away)")
                let words = "get namespace kube-system -o 'jsonpath={.metadata.uid}'"
                #expect(once.copy(fleet.away)?.clusterUID == (try await fleet.member.kubectl(words)))
                let create = "create secret generic \(twin) -n \(fleet.space) --dry-run=client -o yaml"
                try await hub.apply(try await hub.kubectl("\(create) --from-file=kubeconfig=\(hub.kubeconfig)"))
                let both = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
                #expect(both.copy(twin)?.clusterUID == (try await hub.kubectl(words)))
                #expect(try await hub.kubectl("get events -n default").contains("ClusterReplaced"))
                for plane in [hub, fleet.member] { try await plane.kubectl("get configmap settings -n \(fleet.space)") }
                try await fleet.unplace()
            }
        }
    }

    @Test("a member that hangs delays neither the other nor, once it is given up, the deletion")
    func deadMember() async throws {
        try await PlacingFleet.with("dead") { fleet in
            try await fleet.place(Manifest.settings)
            try await fleet.placement { $0.readyClusters == 2 }
            try await fleet.member.whileHanging("apiserver") { try await whileAwayHangs(fleet) }
            let uid = "-l recovery.tmc.io/placement-uid"
            #expect(
                try await fleet.member.kubectl("get configmap -n \(fleet.space) -o name \(uid)").contains("settings")
            )
        }
    }

    private func whileAwayHangs(_ fleet: PlacingFleet) async throws {
        try await fleet.expect(fleet.away, isReady: false)
        try await fleet.place(Manifest.settings.replacing("\"1\"", with: "\"2\""))
        try await fleet.object(ConfigMapObject.self, "settings", on: fleet.hub) { $0.data?["a"] == "2" }
        let status = try await fleet.placement { $0.copy(fleet.away)?.ready == false }
        #expect(status.condition(ConditionType.synced) == "False ClusterUnreachable")
        try await fleet.hub.kubectl("delete placement web -n \(fleet.space) --wait=false")
        try await fleet.placement { $0.condition(ConditionType.ready) == "False Removing" }
        try await fleet.hub.kubectl("wait configmap/settings --for=delete -n \(fleet.space) --timeout=30s")
        try await fleet.hub.kubectl("delete membercluster \(fleet.away)")
        try await fleet.hub.kubectl("wait placement/web --for=delete -n \(fleet.space) --timeout=30s")
        let events = try await fleet.hub.kubectl("get events -n \(fleet.space) -o wide")
        #expect(events.contains("PlacementLeftBehind"))
    }

    @Test("the fence holds from every side: nothing is written for whoever reaches out")
    func fence() async throws {
        try await PlacingFleet.with("fence", tenant: "fence-tenant") { fleet in
            let tenant = "fence-tenant"
            let attempts = [
                "{apiVersion: v1, kind: Namespace, metadata: {name: stolen}}",
                "{apiVersion: v1, kind: ConfigMap, metadata: {name: stolen, namespace: kube-system}}",
                "{apiVersion: v1, kind: Secret, metadata: {name: stolen}}",
                "{apiVersion: v1, kind: ServiceAccount, metadata: {name: stolen}}",
                "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: stolen}}",
                "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: stolen}, "
                    + "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}}",
                "{apiVersion: recovery.tmc.io/v1alpha1, kind: MemberCluster, metadata: {name: stolen}, "
                    + "spec: {kubeconfigSecretRef: {name: x}}}",
            ]
            for attempt in attempts {
                try await fleet.place("    - \(attempt)\n" + Manifest.settings, namespace: tenant)
                let status = try await fleet.placement(tenant) { $0.conditions != nil }
                #expect(status.condition(ConditionType.accepted) == "False OutsideFence", "\(attempt)")
                #expect(status.decisions == nil)
                try await fleet.unplace(tenant)
            }
            try await fleet.place(Manifest.settings, namespace: tenant)
            try await fleet.placement(tenant) { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.unplace(tenant)
            // A cluster that does not allow the namespace.
            try await fleet.hub.kubectl("label namespace \(tenant) tier=iron --overwrite")
            try await fleet.place(Manifest.settings, namespace: tenant)
            let refused = try await fleet.placement(tenant) {
                $0.condition(ConditionType.scheduled) == "False NotPermitted"
            }
            #expect(fleet.rejections(refused).map(\.reason) == ["OutsideFence", "OutsideFence"])
            let ended = try await fleet.incident(
                .placementPolicy,
                about: Placement.self,
                in: tenant,
                until: \.isFinal
            )
            #expect(ended.state == .failed && ended.status?.attempts == 1)
            #expect(
                ended.actions == ["RecountCapacity Succeeded", "ScoreClusters Succeeded", "RelaxConstraints Skipped"]
            )
            #expect(ended.words("RecountCapacity").contains("\(fleet.away): not for this namespace"))
            for plane in [fleet.hub, fleet.member] {
                let writes = try await AuditLog(plane).writes {
                    $0.userAgent.contains("recovery-controller")
                        && ($0.name == "stolen" || $0.namespace == "kube-system")
                }
                #expect(writes.isEmpty, "\(writes)")
                #expect(try await plane.kubectl("get configmap -n \(tenant) -o name").contains("settings") == false)
            }
            // Allowed again: placed, and a Recovery says so.
            try await fleet.hub.kubectl("label namespace \(tenant) tier=gold --overwrite")
            try await fleet.placement(tenant) { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.reportPlacement("open", .placementPolicy, in: tenant)
            let opened = try await fleet.ended("open", in: tenant)
            #expect(
                opened.actions == ["RecountCapacity Succeeded", "ScoreClusters Succeeded", "WaitForCopies Succeeded"],
                "\(opened.status?.message ?? "")"
            )
            try await fleet.unplace(tenant)
        }
    }
}
