import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// The strategy Placement, step by step, on members that are full, closed, tainted or being moved from.
@Suite("The Placement strategy on real planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct PlacementRecoveryTests {
    @Test("a node that is full: the copy is ready on the other member before it leaves the full one")
    func fullNode() async throws {
        try await PlacingFleet.with("node-full") { fleet in
            try await fleet.whileHomeIsFull { try await moveToRoom(fleet) }
            try await fleet.unplace()
        }
    }

    private func moveToRoom(_ fleet: PlacingFleet) async throws {
        try await fleet.reportPlacement("room", .placementCapacity, on: fleet.home)
        let ended = try await fleet.ended("room")
        #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
        #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
        #expect(
            try await fleet.history.actions(ended) == [
                "RecountCapacity Succeeded", "InspectCopy Failed", "ScoreClusters Succeeded",
                "WriteDecision Started", "WriteDecision Succeeded", "WaitForCopies Succeeded",
            ]
        )
        #expect(ended.words("RecountCapacity").contains("\(fleet.home): cpu 50m of 1 free"), "\(ended.actions)")
        #expect(ended.words("InspectCopy").hasPrefix("\(fleet.home): "))
        #expect(ended.words("ScoreClusters").hasPrefix("chosen: \(fleet.away) ("))
        #expect(ended.words("WriteDecision").hasSuffix("leaving when they are ready: \(fleet.home)"))
        let moved = try await fleet.placement { $0.decisions?.map(\.cluster) == [fleet.away] }
        #expect(moved.decisions?.first?.placedBy == "Recovery/room")
        try await fleet.expectMadeBeforeBreak()
    }

    @Test(
        "constraints are relaxed as the policy allows, which the result says; else a person is told what stands in the way"
    )
    func relaxes() async throws {
        try await PlacingFleet.with("relaxing") { fleet in
            let taint = "{\"spec\":{\"taints\":[{\"key\":\"repair\",\"effect\":\"NoSchedule\"}]}}"
            for name in [fleet.home, fleet.away] {
                try await fleet.hub.kubectl("patch membercluster \(name) --type=merge -p '\(taint)'")
            }
            try await fleet.place(Manifest.settings, count: 1)
            let refused = try await fleet.placement {
                $0.condition(ConditionType.scheduled) == "False ConstraintsUnsatisfied"
            }
            #expect(fleet.rejections(refused).map(\.reason) == ["TaintNotTolerated", "TaintNotTolerated"])
            let looked = ["RecountCapacity Succeeded", "ScoreClusters Succeeded", "RelaxConstraints Skipped"]

            for (name, allowed, words) in [
                ("strict", "", "nothing may be relaxed"), ("useless", "spread", "relaxing spread does not help"),
            ] {
                try await allow(allowed, fleet)
                try await fleet.reportPlacement(name, .placementConstraint)
                let failed = try await fleet.ended(name)
                #expect(failed.state == .failed && failed.actions == looked, "\(failed.actions)")
                #expect(failed.words("RelaxConstraints") == words)
                let steps = failed.status?.escalation?.nextSteps ?? []
                #expect(steps.first?.contains("\(fleet.away): TaintNotTolerated, taint repair:NoSchedule") == true)
                #expect(steps.contains { $0.contains("parameters.relax") && $0.contains("taints") }, "\(steps)")
                #expect(try await fleet.placement { _ in true }.decisions?.isEmpty != false)
            }

            try await allow("spread, taints", fleet)
            try await fleet.reportPlacement("allowed", .placementConstraint)
            let ended = try await fleet.ended("allowed")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(ended) == [
                    "RecountCapacity Succeeded", "ScoreClusters Succeeded", "RelaxConstraints Succeeded",
                    "WriteDecision Started", "WriteDecision Succeeded", "WaitForCopies Succeeded",
                ]
            )
            let result = ended.status?.executions?.last?.result
            #expect(result?.message?.hasSuffix("relaxed, as the policy allows: spread, taints") == true)
            #expect(result?.metrics?["relaxed"] == "spread, taints")
            let placed = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            #expect(placed.decisions?.first?.reason?.hasSuffix("; relaxed: spread, taints") == true)
            try await fleet.unplace()
        }
    }

    /// What the namespace's policy allows to be given up.
    private func allow(_ relaxations: String, _ fleet: PlacingFleet) async throws {
        try await fleet.hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: relaxing, namespace: \(fleet.space)}
            spec:
              match: {errorTypes: [PlacementConstraint]}
              strategies: [{name: Placement, parameters: {relax: [\(relaxations)]}}]
            """
        )
    }

    @Test("while a Migration moves the copies it decides alone, and its Recovery takes over when it does not get on")
    func migrationTakesOver() async throws {
        try await PlacingFleet.with("mig-decides") { fleet in
            let space = fleet.space
            try await fleet.observe(.migrationFailure)
            try await fleet.placeAtHome(Manifest.settings)
            try await fleet.member.refuseConfigMaps(space)
            try await fleet.hub.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: Migration
                metadata: {name: move, namespace: \(space)}
                spec: {placementRef: {name: web}, action: Relocate, from: \(fleet.home), to: \(fleet.away)}
                """
            )
            let incident = try await fleet.incident(.migrationFailure, about: Migration.self, "move")
            try await fleet.reportPlacement("room", .placementCapacity, on: fleet.home)
            let ended = try await fleet.ended("room")
            #expect(ended.state == .cancelled && ended.actions.isEmpty, "\(ended.status?.message ?? "")")
            #expect(ended.status?.supersededBy?.name == incident.metadata.name)
            #expect(try await fleet.placement { _ in true }.decisions?.map(\.cluster) == [fleet.home])
            // What stands in the way goes: the move gets on by itself, and its Recovery finds that out.
            try await fleet.member.kubectl("delete quota few -n \(space)")
            let healed = try await fleet.incident(.migrationFailure, about: Migration.self, "move", until: \.isFinal)
            try await fleet.expectSelfHealed(healed)
            let moved = try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            #expect(moved.decisions?.map(\.cluster) == [fleet.away])
            try await fleet.hub.kubectl("delete migration move -n \(space)")
            try await fleet.unplace()
        }
    }

    @Test("what a member refuses becomes one SyncFailure, which completes by itself when the member takes it")
    func selfHealed() async throws {
        try await PlacingFleet.with("healed") { fleet in
            try await fleet.observe(.syncFailure)
            try await fleet.member.refuseConfigMaps(fleet.space)
            try await fleet.place(Manifest.settings)
            let opened = try await fleet.incident(.syncFailure, about: Placement.self) { $0.status?.state == .pending }
            #expect(opened.spec.error.context?["cluster"] == fleet.away)
            #expect(opened.status?.plan != nil)
            try await fleet.member.kubectl("delete quota few -n \(fleet.space)")
            let healed = try await fleet.incident(.syncFailure, about: Placement.self, until: \.isFinal)
            try await fleet.expectSelfHealed(healed)
            #expect(try await fleet.recoveries().count == 1)
            try await fleet.placement { $0.condition(ConditionType.ready) == "True Ready" }
            try await fleet.unplace()
        }
    }
}

extension PlacingFleet {
    fileprivate func expectSelfHealed(_ recovery: Recovery) async throws {
        #expect(recovery.state == .completed, "\(recovery.status?.message ?? "")")
        #expect(recovery.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
        #expect(recovery.status?.attempts ?? 0 == 0)
        #expect(try await history.states(recovery) == [.pending, .completed])
    }

    /// Places one copy, on the hub, and lets it go to both members from then on.
    func placeAtHome(_ manifests: String) async throws {
        try await hub.kubectl("label membercluster \(home) use=\(space)")
        try await place(manifests, count: 1, selector: "use: \(space)")
        try await placement { $0.condition(ConditionType.ready) == "True Ready" }
        try await hub.kubectl("label membercluster \(away) use=\(space)")
    }

    /// Places a Deployment on the hub, fills its one node (of one CPU) with something else, and asks for more than is left;
    /// runs `body`, and takes away what fills the node.
    func whileHomeIsFull(_ body: () async throws -> Void) async throws {
        try await placeAtHome(Manifest.web(cpu: "100m"))
        try await hub.apply(Manifest.deployment("filler", cpu: "850m"), in: space)
        try await cleaningUp {
            try await hub.kubectl("delete deployment filler -n \(space)")
            try await hub.kubectl("wait pods -l app=filler -n \(space) --for=delete --timeout=60s")
        } _: {
            try await hub.kubectl("wait deployment/filler -n \(space) --for=condition=Available --timeout=60s")
            try await place(Manifest.web(cpu: "300m"), count: 1, selector: "use: \(space)")
            try await placement { $0.copy(home)?.ready == false && $0.copy(home)?.state == .synced }
            try await body()
        }
    }

    /// Whether the copy was ready on the other member before the decision for the first one, and its objects, were given up.
    func expectMadeBeforeBreak() async throws {
        try await history.placements.catchUp()
        let decided = history.placements.course("web") { placement in
            placement.status?.decisions.map { $0.map { $0.cluster + ($0.leaving == true ? " leaving" : "") } }
        }
        #expect(decided.suffix(3) == [[home], [away, "\(home) leaving"], [away]])
        let left = try await AuditLog(hub).successfulWrites {
            $0.namespace == space && $0.name == "web" && $0.resource == "deployments" && $0.verb == "delete"
        }
        let arrived = try await member.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
        let available = arrived.content.value(at: ["status", "conditions"])?.arrayValue?.first {
            $0["type"] == "Available" && $0["status"] == "True"
        }
        let since = try #require(available?["lastTransitionTime"]?.stringValue.flatMap(RFC3339.date(from:)))
        #expect(left.count == 1 && since <= (left.first?.time ?? .distantPast))
    }
}
