import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import Timekeeping

@testable import RecoveryEngine
@testable import TestSupport

// Member clusters, each an API server of its own, and what people have placed on them.
extension Simulation {
    private static let placement = ObjectKey(namespace: namespace, name: "web")
    private static let copy = ObjectKey(namespace: namespace, name: "settings")

    /// The member that a URL leads to; nil for the hub.
    func member(at url: String) -> String? {
        let host = url.split(separator: "/").dropFirst().first ?? ""
        let name = String(host.prefix { $0 != "." })
        return members[name] == nil ? nil : name
    }

    // MARK: The world before anything runs

    func setUpFleet() {
        guard !members.isEmpty else { return }
        server.put(
            [
                "apiVersion": "v1", "kind": "Namespace",
                "metadata": ["name": .string(Self.namespace), "labels": ["tier": "gold"]],
            ],
            .namespaces
        )
        for name in members.keys.sorted() {
            server.put(Self.secret(name), .secrets)
            server.put(
                [
                    "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "MemberCluster",
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "kubeconfigSecretRef": ["name": .string(name)],
                        "probe": [
                            "intervalSeconds": 5, "timeoutSeconds": 3, "failureThreshold": 2, "successThreshold": 1,
                        ], "allowedNamespaces": ["matchLabels": ["tier": "gold"]],
                    ],
                ],
                MemberCluster.resource
            )
        }
    }

    private static func secret(_ name: String) -> JSONValue {
        let text = """
            {"current-context": "c", "clusters": [{"name": "c", "cluster": {"server": "https://\(name).example:6443"}}],
             "users": [{"name": "c", "user": {"token": "abc"}}],
             "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}]}
            """
        return [
            "apiVersion": "v1", "kind": "Secret",
            "metadata": ["name": .string(name), "namespace": .string(controllerNamespace)],
            "data": ["kubeconfig": .string(Data(text.utf8).base64EncodedString())],
        ]
    }

    // MARK: What people do

    func actOnFleet() async {
        guard let fleet = plan.fleet else { return }
        if fleet.isOneMove { return await moveOnce() }
        var random = SeededRandom(seed: plan.seed ^ 0xAC75)
        await wait(for: random.milliseconds(0...5_000))
        place(fleet.count)
        for number in 0..<fleet.acts {
            await wait(for: random.milliseconds(0...20_000))
            guard isChaotic else { return }
            switch Int.random(in: 0..<12, using: &random) {
            case 0..<5: migrate("move-\(number)", &random)
            case 5, 6:
                editPlacement("manifests", [Self.manifest(number)])
            case 7:
                editPlacement("clusterCount", .number(Int.random(in: 1..<fleet.members.count, using: &random)))
            case 8, 9: drift(&random)
            case 10:
                guard let key = moves.randomElement(using: &random) else { break }
                note("USER deletes migration \(key)")
                server.remove(Migration.resource, key)
            default: await replacePlacement(fleet.count)
            }
            audit()
        }
    }

    /// As soon as the copy is well it is moved.
    private func moveOnce() async {
        place(1)
        while !isPlaced { await wait(for: .milliseconds(500)) }
        await wait(for: .seconds(2))
        // Its deadline is one that is accepted.
        var random = SeededRandom(seed: 1)
        migrate("move", &random)
    }

    private var isPlaced: Bool {
        state.withLock { state in
            let fleet = state.invariants.fleet
            return fleet.isSettled && fleet.placements[Self.placement]?.status?.decisions?.isEmpty == false
        }
    }

    private var isChaotic: Bool { state.withLock { $0.isChaotic } }

    /// The Migrations that there are.
    private var moves: [ObjectKey] { state.withLock { $0.invariants.fleet.migrations.keys.sorted() } }

    private static func manifest(_ number: Int) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(copy.name)],
            "data": ["number": .string("\(number)")],
        ]
    }

    private func place(_ count: Int) {
        note("USER places \(count) copies")
        server.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Placement",
                "metadata": [
                    "name": .string(Self.placement.name), "namespace": .string(Self.namespace), "generation": 1,
                ], "spec": ["manifests": [Self.manifest(-1)], "clusterCount": .number(count)],
            ],
            Placement.resource
        )
        audit()
    }

    private func editPlacement(_ field: String, _ value: JSONValue) {
        note("USER sets \(field) of the placement")
        server.edit(Placement.resource, Self.placement) { object in
            guard object["spec"]?[field] != value else { return }
            object.set(value, at: ["spec", field])
            let generation = object["metadata"]?["generation"]?.intValue ?? 1
            object.set(.number(generation + 1), at: ["metadata", "generation"])
        }
    }

    /// Deletes the placement and makes another one of its name.
    private func replacePlacement(_ count: Int) async {
        note("USER deletes the placement")
        do {
            try await server.client(identity: "person").delete(Placement.resource, Self.placement)
        } catch {
            note("which fails: \(error)")
        }
        audit()
        while server.object(Placement.resource, Self.placement) != nil {
            guard isChaotic else { return }
            await wait(for: .seconds(1))
        }
        place(count)
    }

    private func migrate(_ name: String, _ random: inout SeededRandom) {
        let status = state.withLock { $0.invariants.fleet.placements[Self.placement]?.status }
        let decided = (status?.decisions ?? []).map(\.cluster)
        let all = members.keys.sorted()
        guard let from = (decided.isEmpty ? all : decided).randomElement(using: &random),
            let to = all.filter({ $0 != from }).randomElement(using: &random)
        else { return }
        let isFailover = random.chance(0.3) && plan.fleet?.isOneMove != true
        note("USER moves the placement from \(from) to \(to)")
        server.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Migration",
                "metadata": ["name": .string(name), "namespace": .string(Self.namespace), "generation": 1],
                "spec": [
                    "placementRef": ["name": .string(Self.placement.name)], "from": .string(from), "to": .string(to),
                    "action": isFailover ? "Failover" : "Relocate",
                    "rollbackOnFailure": .bool(random.chance(0.7)),
                    // Some are refused.
                    "deadlineSeconds": .number(Int.random(in: 45...200, using: &random)),
                ],
            ],
            Migration.resource
        )
        audit()
    }

    /// Somebody changes or removes a copy on its member.
    private func drift(_ random: inout SeededRandom) {
        guard let name = members.keys.sorted().randomElement(using: &random), let member = members[name],
            let uid = member.object(.configMaps, Self.copy)?.labels[MetadataName.placementUID]
        else { return }
        if random.chance(0.5) {
            note("USER changes the copy on \(name)")
            member.edit(.configMaps, Self.copy) { $0.set("changed", at: ["data", "number"]) }
        } else {
            note("USER removes the copy on \(name)")
            let now = world.time.now()
            state.withLock { $0.invariants.fleet.takeByHand(uid, name, now: now) }
            member.remove(.configMaps, Self.copy)
        }
    }

    // MARK: What happens from outside

    func disturbMembers() async {
        guard let fleet = plan.fleet else { return }
        var random = SeededRandom(seed: plan.seed ^ 0xD157)
        for _ in 0..<fleet.disturbances {
            await wait(for: random.milliseconds(0...20_000))
            guard isChaotic, let name = fleet.members.randomElement(using: &random), let member = members[name] else {
                return
            }
            let pause = random.milliseconds(2_000...40_000)
            let dice = Int.random(in: 0..<8, using: &random)
            note("MEMBER \(name) \(dice) for \(pause)")
            switch dice {
            case 0..<3:
                member.stop()
                await wait(for: pause)
                member.start()
            case 3:
                member.freezeWatches()
                await wait(for: pause)
                member.thawWatches()
            case 4:
                member.compact()
                member.breakWatches()
            case 5:
                member.freezeReads()
                await wait(for: pause)
                member.thawReads()
            default: await startBehind(pause, for: random.milliseconds(2_000...15_000))
            }
        }
    }

    /// The next controller begins with what the hub was a while ago, as from an API server whose own cache lags behind.
    private func startBehind(_ age: Duration, for duration: Duration) async {
        server.freezeReads()
        await wait(for: age)
        server.state.withLock { $0.frozenAt = $0.database.staleView?.version }
        for replica in livingReplicas { crash(replica.process, "and the next one begins behind") }
        await wait(for: duration)
        server.thawReads()
        server.thawWatches()
    }

    func healMembers() {
        for name in members.keys.sorted() {
            members[name]?.start()
            members[name]?.thawWatches()
            members[name]?.thawReads()
        }
    }

    // MARK: Checks

    /// A member has done a request.
    func landed(_ request: FakeRequest, _ status: Int, on cluster: String) {
        if !request.isWatch { note("\(request.identity) \(Self.describe(request, cluster)) -> \(status)") }
        audit()
        guard request.verb == .delete, status < 300, request.concerns(.configMaps, Self.copy),
            let uid = members[cluster]?.lastOwner(of: Self.copy)
        else { return }
        let copies = Set(members.keys.filter { owner(of: Self.copy, on: $0) == uid })
        let now = world.time.now()
        state.withLock { $0.invariants.removedCopy(uid, from: cluster, left: copies, now: now) }
    }

    private func owner(of key: ObjectKey, on cluster: String) -> String? {
        members[cluster]?.object(.configMaps, key)?.labels[MetadataName.placementUID]
    }

    /// What does not hold of the copies although everything is at rest.
    var fleetProblems: [String] {
        let placements = state.withLock { Array($0.invariants.fleet.placements.values) }
        var problems = state.withLock { $0.invariants.fleet.unsettled }
        for name in members.keys.sorted() {
            guard let object = members[name]?.object(.configMaps, Self.copy) else { continue }
            let uid = object.labels[MetadataName.placementUID]
            let owner = placements.first { $0.metadata.uid == uid }
            if owner?.status?.decisions?.contains(where: { $0.cluster == name }) != true {
                problems.append("the copy of \(uid ?? "") on \(name) is named in no status")
            }
        }
        for placement in placements {
            let data = placement.spec.manifests.first?["data"]
            for decision in placement.status?.decisions ?? [] {
                let live = members[decision.cluster]?.object(.configMaps, Self.copy)
                if live?["data"] != data { problems.append("the copy on \(decision.cluster) is not as declared") }
            }
        }
        return problems
    }

    /// How many Migrations came to which end.
    var moveEnds: [MigrationPhase: Int] { state.withLock { $0.invariants.fleet.ends } }
    /// Whether the one copy is where the one Migration was to bring it.
    var hasMovedOnce: Bool { state.withLock { $0.invariants.fleet.hasMovedOnce } }
}

extension FakeAPIServer {
    /// Whose an object was before the last change of it.
    fileprivate func lastOwner(of key: ObjectKey) -> String? {
        let old = state.withLock { state in
            state.database.history.last { $0.key == key && $0.collection == FakeCollection(.configMaps) }?.old
        }
        return old.flatMap { Unstructured($0).labels[MetadataName.placementUID] }
    }
}
