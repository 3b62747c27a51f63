import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// The controller is killed with -9 while a strategy changes something, and between the steps of the Placement controller.
@Suite("Crashes in the fleet on real planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct FleetCrashTests {
    /// Kills the controller as soon as the action is recorded as started, and expects the same attempt to end well.
    private func kill(_ fleet: PlacingFleet, _ name: String, at action: String) async throws -> Recovery {
        let seen = try await fleet.recovery(name) { $0.hasRecorded(action) || $0.isFinal }
        try await fleet.controller.crashAndRestart()
        let ended = try await fleet.ended(name)
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
        #expect(ended.status?.attempts == 1 && ended.attemptIDs == seen.attemptIDs)
        let records = ended.actions.filter { $0.hasPrefix("\(action) ") }
        #expect(records == ["\(action) Succeeded"], "\(ended.actions)")
        return ended
    }

    /// The server counts a request whose client was killed as failed, though it may have been carried out: so "once" is
    /// "no more than once, and there".
    private func expectMadeOnce(_ fleet: PlacingFleet, on plane: ControlPlane) async throws {
        let made = try await AuditLog(plane).creations(in: fleet.space)
        #expect(made.values.allSatisfy { $0 == 1 }, "\(made)")
    }

    @Test(
        "in ApplyObjects and in WriteSyncStatus of Sync: every object is made once",
        arguments: ["ApplyObjects", "WriteSyncStatus"]
    )
    func sync(action: String) async throws {
        try await PlacingFleet.with("crash-\(action.lowercased())") { fleet in
            let names = (0..<30).map { "settings-\($0)" }
            let manifests = names.map { Manifest.settings.replacing("name: settings", with: "name: \($0)") }
            // The placement controller waits longer and longer for a member that refuses: the strategy comes first.
            try await fleet.member.refuseConfigMaps(fleet.space)
            try await fleet.place(manifests.joined(separator: "\n"))
            let refused = try await fleet.incident(.syncFailure, about: Placement.self, until: \.isFinal)
            #expect(refused.state == .failed)
            try await fleet.member.kubectl("delete quota few -n \(fleet.space)")
            try await fleet.reportPlacement("sync", .syncFailure, on: fleet.away)
            _ = try await kill(fleet, "sync", at: action)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let there = try await fleet.member.kubectl("get configmaps -n \(fleet.space) -o name")
            for name in names { #expect(there.contains("configmap/\(name)\n")) }
            try await expectMadeOnce(fleet, on: fleet.member)
            try await fleet.unplace()
        }
    }

    @Test("in WriteDecision of Placement: one decision, and the copy moves once")
    func placement() async throws {
        try await PlacingFleet.with("crash-decision") { fleet in
            try await fleet.whileHomeIsFull {
                try await fleet.reportPlacement("room", .placementCapacity, on: fleet.home)
                _ = try await kill(fleet, "room", at: "WriteDecision")
                try await fleet.placement { $0.decisions?.map(\.cluster) == [fleet.away] }
                try await fleet.expectMadeBeforeBreak()
            }
            try await expectMadeOnce(fleet, on: fleet.member)
            try await fleet.unplace()
        }
    }

    private static let resolutions = [
        ("merge", "ThreeWayMerge", "WriteMergedObject"), ("apply", "ServerSideApply", "ApplyServerSide"),
    ]

    @Test("in what ResourceConflict writes on a member: each is written once")
    func conflicts() async throws {
        try await PlacingFleet.with("crash-conflict") { fleet in
            let space = fleet.space
            for (name, resolution, action) in Self.resolutions {
                try await fleet.member.kubectl("create configmap \(name) -n \(space) --from-literal=a=1")
                try await fleet.report(
                    name,
                    .resourceConflict,
                    """
                    clusterRef: {name: \(fleet.away)}
                    targetRef: {apiVersion: v1, kind: ConfigMap, name: \(name), namespace: \(space)}
                    parameters: {resolution: \(resolution), desired: {data: {mine: "9"}}, base: {data: {a: "1"}}}
                    """
                )
                _ = try await kill(fleet, name, at: action)
            }
            try await fleet.member.kubectl("create configmap settings -n \(space) --from-literal=a=theirs")
            try await fleet.place(Manifest.settings)
            try await fleet.placement { $0.copy(fleet.away)?.state == .failed }
            try await fleet.reportPlacement(
                "take",
                .syncConflict,
                on: fleet.away,
                "parameters: {resolution: TakeOurs}"
            )
            _ = try await kill(fleet, "take", at: "TakeOverObjects")
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            let writes = try await AuditLog(fleet.member).successfulWrites {
                $0.namespace == space && $0.userAgent.contains("recovery-controller")
            }
            for name in ["merge", "apply"] {
                #expect(writes.filter { $0.name == name }.count <= 1, "\(name)")
                try await fleet.object(ConfigMapObject.self, name, on: fleet.member) {
                    $0.data == ["a": "1", "mine": "9"]
                }
            }
            // Its owner's fields were not in the way of the placement's, and it is the same object still.
            #expect(writes.allSatisfy { !$0.isCreation && $0.verb == "patch" })
            try await fleet.unplace()
        }
    }

    /// The moments around the write of a new token to the hub's Secret.
    enum RenewalMoment: String, CaseIterable {
        case tokenMade
        case secretWritten

        /// Whether a write that the hub is asked for comes at this moment.
        @Sendable func isReached(_ write: HeldWrites.Review) -> Bool {
            switch self {
            case .tokenMade: write.resource == "secrets"
            case .secretWritten:
                write.resource == "recoveries/status"
                    && (try? Recovery(json: write.object))?.actions.contains("RenewCredential Succeeded") == true
            }
        }
    }

    @Test(
        "in RenewCredential of ClusterAuth: the same attempt ends well with a valid token",
        arguments: RenewalMoment.allCases
    )
    func renewal(moment: RenewalMoment) async throws {
        let space = "crash-renewal-\(moment.rawValue.lowercased())"
        try await WatchedMember.with(space, spec: WatchedMember.renewal(space), roles: ["strategy-cluster-auth"]) {
            fleet in
            let controller = try #require(fleet.controller)
            try await fleet.giveCertificateNearItsEnd()
            try await HeldWrites.with(fleet.hub, space) { writes in
                let write = writes.hold(where: moment.isReached)
                try await fleet.report("renew", .clusterAuth, "clusterRef: {name: watched}")
                try await write.wait()
                let seen = try await fleet.recovery("renew") { $0.hasRecorded("RenewCredential") }
                #expect(seen.actions.last == "RenewCredential Started")
                try await controller.crashAndRestart()
                let ended = try await fleet.ended("renew")
                #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
                #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
                #expect(ended.status?.attempts == 1 && ended.attemptIDs == seen.attemptIDs)
                let records = ended.actions.filter { $0.hasPrefix("RenewCredential ") }
                #expect(records == ["RenewCredential Succeeded"], "\(ended.actions)")
                #expect(ended.actions.suffix(2) == ["ProveAccess Succeeded", "UpdateClusterStatus Succeeded"])
            }
            _ = try await fleet.hub.wait(for: MemberCluster.self, WatchedMember.cluster) { cluster in
                let end = cluster.status?.credentialExpirationTime ?? .distantPast
                return end.timeIntervalSinceNow > 7_200
                    && cluster.status?.conditions?.isTrue(ConditionType.ready) == true
            }
            #expect(try await fleet.recoveries().map(\.metadata.name) == ["renew"])
            try await fleet.expectSecretWorks()
            let writes = try await AuditLog(fleet.hub).successfulWrites {
                $0.namespace == space && $0.resource == "secrets" && $0.userAgent.contains("recovery-controller")
            }
            #expect(moment == .tokenMade ? writes.count > 0 : writes.count == 1, "\(writes.count)")
        }
    }

    @Test("between the steps of the Placement controller: the same end, and every object is made once")
    func placementController() async throws {
        try await PlacingFleet.with("crash-placing") { fleet in
            let (space, controller) = (fleet.space, fleet.controller)
            let key = ObjectKey(namespace: space, name: "web")
            try await fleet.hub.kubectl("label membercluster \(fleet.home) use=\(space)")
            try await fleet.place(Manifest.gatedPod + "\n" + Manifest.settings, count: 1, selector: "use: \(space)")
            _ = try await fleet.hub.wait(for: Placement.self, key) { $0.metadata.finalizers?.isEmpty == false }
            try await controller.crashAndRestart()
            try await fleet.placement { $0.decisions?.isEmpty == false }
            try await controller.crashAndRestart()
            try await fleet.placement { $0.copy(fleet.home)?.state == .synced }
            try await controller.crashAndRestart()
            try await fleet.letGo(fleet.hub)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.hub.kubectl("label membercluster \(fleet.away) use=\(space)")
            try await fleet.hub.kubectl("label membercluster \(fleet.home) use-")
            try await fleet.placement { $0.decisions?.contains { $0.leaving == true } == true }
            try await controller.crashAndRestart()
            try await fleet.placement { $0.copy(fleet.away)?.state == .synced }
            try await fleet.letGo(fleet.member)
            try await fleet.placement { $0.copy(fleet.away)?.ready == true }
            try await controller.crashAndRestart()
            try await fleet.placement { $0.decisions?.map(\.cluster) == [fleet.away] && $0.clusters?.count == 1 }
            for plane in [fleet.hub, fleet.member] {
                try await expectMadeOnce(fleet, on: plane)
            }
            try await fleet.hub.kubectl("delete placement web -n \(space) --wait=false")
            try await controller.crashAndRestart()
            try await fleet.hub.kubectl("wait placement/web --for=delete -n \(space) --timeout=60s")
            for plane in [fleet.hub, fleet.member] {
                let left = "get pod,configmap -n \(space) -o name -l recovery.tmc.io/placement-uid"
                #expect(try await plane.kubectl(left).isEmpty)
            }
            try await fleet.history.placements.catchUp()
            let decided = fleet.history.placements.course("web") { $0.status?.decisions?.map(\.cluster) }
            #expect(decided == [[fleet.home], [fleet.away, fleet.home], [fleet.away]])
        }
    }
}
