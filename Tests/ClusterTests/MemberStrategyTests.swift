import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

/// ResourceConflict and Generic about an object on a member, which others write at the same time.
@Suite("ResourceConflict and Generic on a member", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct MemberStrategyTests {
    private static let written = [
        "ReadLatest Succeeded", "CompareVersions Succeeded", "WriteMergedObject Started", "WriteMergedObject Succeeded",
    ]
    private static let applied = ["ReadLatest Succeeded", "ApplyServerSide Started", "ApplyServerSide Succeeded"]

    @Test("written while others write without a pause: what was wanted is there, and no write of anybody is lost")
    func concurrentWriters() async throws {
        try await PlacingFleet.with("conflicts") { fleet in
            for (resolution, steps) in [
                ("ThreeWayMerge", Self.written), ("TakeOurs", Self.written), ("ServerSideApply", Self.applied),
            ] {
                let name = resolution.lowercased()
                let key = try await makeSettings(fleet, name)
                let writers = Writers(fleet.member.client, key, count: 2)
                // Of the version that the failed write was made from; who has taken a new field by now, nobody had then.
                try await conflict(
                    fleet,
                    name,
                    """
                    resolution: \(resolution)
                    desired: {data: {mine: "9"}}
                    base: {data: {a: "1"}}
                    """
                )
                let ended = try await fleet.ended(name)
                let counts = try await writers.stop()
                #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
                #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
                #expect(try await fleet.history.actions(ended) == steps)
                let data = try await fleet.member.client.get(.configMaps, key).content["data"]
                #expect(data?["mine"] == "9" && data?["a"] == "1")
                for (writer, count) in counts { #expect(data?[writer]?.stringValue == String(count), "\(resolution)") }
            }
        }
    }

    @Test("what nobody but a person may decide: fields in conflict, TakeTheirs, Manual, and the command that is named")
    func decisions() async throws {
        try await PlacingFleet.with("decisions") { fleet in
            // Somebody else has changed the same field.
            let merged = try await refused(fleet, "ThreeWayMerge", "base: {data: {a: \"1\"}}")
            #expect(merged.actions == ["ReadLatest Succeeded", "CompareVersions Failed"])
            #expect(merged.status?.escalation?.nextSteps?.first?.hasPrefix("Decide data.a: it was \"1\"") == true)
            let applied = try await refused(fleet, "ServerSideApply")
            #expect(applied.actions == ["ReadLatest Succeeded", "ApplyServerSide Failed"])
            #expect(applied.status?.message?.contains("other field managers own .data.a") == true)
            let manual = try await refused(fleet, "Manual")
            #expect(manual.actions == ["ReadLatest Succeeded"])
            let steps = manual.status?.escalation?.nextSteps ?? []
            let command = try #require(steps.first { $0.hasPrefix("Or write it by hand: on member cluster") })
            try await fleet.member.kubectl(try #require(command.components(separatedBy: ": kubectl ").last))
            try await fleet.object(ConfigMapObject.self, "manual", on: fleet.member) { $0.data?["a"] == "9" }

            let key = try await makeSettings(fleet, "taketheirs", a: "5")
            let before = try await fleet.member.client.get(.configMaps, key)
            try await conflict(fleet, "taketheirs", "resolution: TakeTheirs\ndesired: {data: {a: \"9\"}}")
            let ended = try await fleet.ended("taketheirs")
            #expect(ended.state == .completed && ended.actions == ["ReadLatest Succeeded"])
            #expect(ended.status?.message?.contains("given up: data.a") == true)
            #expect(try await fleet.member.client.get(.configMaps, key) == before)
        }
    }

    /// A conflict about a field that somebody else has set to 5; nothing may be written.
    private func refused(_ fleet: PlacingFleet, _ resolution: String, _ more: String = "") async throws -> Recovery {
        let name = resolution.lowercased()
        let key = try await makeSettings(fleet, name, a: "5")
        try await conflict(fleet, name, "resolution: \(resolution)\ndesired: {data: {a: \"9\"}}\n\(more)")
        let ended = try await fleet.ended(name)
        #expect(ended.state == .failed && ended.status?.attempts == 1, "\(ended.status?.message ?? "")")
        #expect(ended.status?.escalation?.nextSteps?.contains { $0.contains("resolution TakeOurs") } == true)
        #expect(try await fleet.member.client.get(.configMaps, key).content["data"]?["a"] == "5")
        return ended
    }

    @Test("Generic waits, looks at hub and member, touches the target there, and finds it healthy")
    func generic() async throws {
        try await PlacingFleet.with("generic-member") { fleet in
            let key = try await makeSettings(fleet, "target")
            try await fleet.report(
                "touch",
                .componentUnhealthy,
                "clusterRef: {name: \(fleet.away)}\n\(target("target", fleet))\nparameters: {waitSeconds: 1}"
            )
            let ended = try await fleet.ended("touch")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(ended.status?.executions?.last?.strategy == "Generic")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(ended) == [
                    "CheckHubHealth Succeeded", "CheckMemberHealth Succeeded", "TouchTarget Started",
                    "TouchTarget Succeeded", "CheckTargetHealth Succeeded",
                ]
            )
            let touched = try await fleet.member.client.get(.configMaps, key)
            #expect(touched.annotations[MetadataName.touchedAt] != nil)
        }
    }

    private func makeSettings(_ fleet: PlacingFleet, _ name: String, a: String = "1") async throws -> ObjectKey {
        try await fleet.member.kubectl("create configmap \(name) -n \(fleet.space) --from-literal=a=\(a)")
        return ObjectKey(namespace: fleet.space, name: name)
    }

    private func conflict(_ fleet: PlacingFleet, _ name: String, _ parameters: String) async throws {
        let indented = parameters.replacing("\n", with: "\n  ")
        try await fleet.report(
            name,
            .resourceConflict,
            "clusterRef: {name: \(fleet.away)}\n\(target(name, fleet))\nparameters:\n  \(indented)"
        )
    }

    private func target(_ name: String, _ fleet: PlacingFleet) -> String {
        "targetRef: {apiVersion: v1, kind: ConfigMap, name: \(name), namespace: \(fleet.space)}"
    }
}

/// Clients that count up a field each, in the version that they have read, as fast as they can.
private final class Writers: Sendable {
    private let end = Latch()
    private let task: Task<[String: Int], any Error>

    init(_ client: KubernetesClient, _ key: ObjectKey, count: Int) {
        task = Task { [end] in
            try await withThrowingTaskGroup(of: (String, Int).self) { group in
                for number in 0..<count {
                    group.addTask {
                        var done = 0
                        while !end.isOpen {
                            var object = try await client.get(.configMaps, key)
                            object.content.set(.string(String(done + 1)), at: ["data", "writer\(number)"])
                            do {
                                _ = try await client.update(.configMaps, object)
                                done += 1
                            } catch let error as ClientError where error.apiError?.isConflict == true {
                                // Somebody was faster: from the latest version again.
                            }
                        }
                        return ("writer\(number)", done)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
        }
    }

    /// Ends them; returns how often each has written.
    func stop() async throws -> [String: Int] {
        end.open()
        return try await task.value
    }
}
