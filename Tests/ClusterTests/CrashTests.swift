import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Crashes and outages while Recoveries run: nothing is done twice, no attempt is lost, everything ends.
@Suite("Crashes on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(15)))
struct CrashTests {
    /// The moments at which the controller is killed, as they show in status.
    enum Moment: String, CaseIterable {
        case reserved
        case actionStarted
        case actionDone
        case waitingForRetry
    }

    @Test("kill -9 at any step: the same attempt goes on and nothing is done twice", arguments: Moment.allCases)
    func killed(at moment: Moment) async throws {
        let space = "crash-\(moment.rawValue.lowercased())"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.kubectl("create configmap target -n \(space)")
        var controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        if moment == .waitingForRetry {
            try await plane.apply(
                """
                apiVersion: recovery.tmc.io/v1alpha1
                kind: RecoveryPolicy
                metadata: {name: slow, namespace: \(space)}
                spec:
                  strategies:
                  - {name: Generic, maxAttempts: 2, timeoutSeconds: 1, backoff: {initialSeconds: 5}, parameters: {waitSeconds: 60}}
                """
            )
        }
        try await plane.apply(
            RecoveryManifest.touching(space, "web", wait: moment == .waitingForRetry ? 60 : 1, target: "target")
        )
        let key = ObjectKey(namespace: space, name: "web")
        let seen = try await plane.wait(for: Recovery.self, key) { recovery in
            let execution = recovery.status?.executions?.last
            let touch = execution?.result?.actions?.last { $0.name == "TouchTarget" }
            return switch moment {
            case .reserved: recovery.state == .inProgress
            case .actionStarted: touch != nil
            case .actionDone: touch?.result == .succeeded
            case .waitingForRetry: recovery.status?.nextAttemptTime != nil
            }
        }
        controller.crash()
        controller = try await ControllerProcess.start(plane, "--namespace \(space)")
        let ended = try await plane.wait(for: Recovery.self, key, until: \.isFinal)
        if moment == .waitingForRetry {
            #expect(ended.state == .failed && ended.status?.attempts == 2)
            #expect(ended.status?.executions?.first?.id == seen.status?.executions?.first?.id)
        } else {
            #expect(ended.state == .completed, "\(ended.status as Any)")
            #expect(ended.status?.attempts == 1)
            #expect(try await AuditLog(plane).touches(in: space) == ["target": 1])
            #expect(ended.status?.executions?.map(\.id) == seen.status?.executions?.map(\.id))
        }
        try await controller.stop()
    }

    @Test("the API server is killed and restarted under 200 pending Recoveries: all end, none twice")
    func apiServerRestarts() async throws {
        let space = "crash-apiserver"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let names = (0..<200).map { "r\($0)" }
        let objects = names.map { name in
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name), namespace: \(space)}\n---\n"
                + RecoveryManifest.touching(space, name, wait: 1, target: name)
        }
        try await plane.apply(objects.joined(separator: "\n---\n"))
        let controller = try await ControllerProcess.start(plane, "--namespace \(space) --max-concurrent-recoveries 20")
        _ = try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: "r0")) {
            $0.status?.state != nil
        }
        try await plane.stop("apiserver")
        try await plane.start("apiserver")
        for name in names {
            let key = ObjectKey(namespace: space, name: name)
            let ended = try await plane.wait(for: Recovery.self, key, within: .seconds(240), until: \.isFinal)
            #expect(ended.state == .completed, "\(name): \(ended.status?.message ?? "")")
        }
        let counts = try await AuditLog(plane).touches(in: space)
        #expect(counts.count == 200 && counts.values.allSatisfy { $0 == 1 }, "\(counts.filter { $0.value != 1 })")
        try await controller.stop()
    }

    @Test("two replicas: when the leader is killed the other takes over, and nothing runs twice")
    func failover() async throws {
        let space = "crash-failover"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await plane.kubectl("create configmap target -n \(space)")
        let flags = "--namespace \(space) --leader-elect --leader-election-id \(space)"
        let leader = try await ControllerProcess.start(plane, flags, name: "one")
        try await plane.apply(RecoveryManifest.touching(space, "web", wait: 8, target: "target"))
        let key = ObjectKey(namespace: space, name: "web")
        let begun = try await plane.wait(for: Recovery.self, key) { $0.state == .inProgress }
        let standby = try await ControllerProcess.start(plane, flags, name: "two")
        leader.crash()
        let ended = try await plane.wait(for: Recovery.self, key, within: .seconds(90), until: \.isFinal)
        #expect(ended.state == .completed)
        #expect(ended.status?.attempts == 1)
        #expect(try await AuditLog(plane).touches(in: space) == ["target": 1])
        let (first, last) = (begun.status?.executions?.last, ended.status?.executions?.last)
        #expect(first?.id == last?.id && first?.holder != last?.holder)
        #expect((last?.fencingToken ?? 0) > (first?.fencingToken ?? 0))
        try await standby.stop()
    }
}
