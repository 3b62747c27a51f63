import Foundation
import Glibc
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// Leaders that lose their lease while they live.
@Suite("Leadership on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct LeadershipTests {
    @Test("a leader that wakes up after its lease has passed on ends at once, and writes nothing")
    func stoppedLeader() async throws {
        let space = "leadership-stopped"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let names = (0..<10).map { "r\($0)" }
        for name in ["first"] + names { try await plane.kubectl("create configmap \(name) -n \(space)") }
        let flags = "--namespace \(space) --controller-namespace \(space) --leader-elect"
        let (first, second) = (try await replica(plane, space, "one"), try await replica(plane, space, "two"))
        let old = try await ControllerProcess.start(plane, flags, name: "one", kubeconfig: first)
        // Whoever has carried something out leads.
        try await plane.apply(RecoveryManifest.touching(space, "first", wait: 0, target: "first"))
        try await plane.kubectl("wait --for=condition=Succeeded --timeout=60s -n \(space) recovery/first")
        let new = try await ControllerProcess.start(plane, flags, name: "two", kubeconfig: second)
        // Less than the lease: when the old leader wakes up, every one of its attempts is due to change something.
        let objects = names.map { RecoveryManifest.touching(space, $0, wait: 12, target: $0) }
        try await plane.apply(objects.joined(separator: "\n---\n"))
        let begun = try await all(names, plane, space) { $0.state == .inProgress }
        old.signal(SIGSTOP)
        let oldHolder = begun.first?.status?.executions?.last?.holder
        let taken = try await all(names, plane, space) { recovery in
            recovery.status?.executions?.last?.holder != oldHolder
        }
        #expect(taken.allSatisfy { !$0.isFinal }, "the old leader has to wake up while the new one works")
        old.signal(SIGCONT)
        try await old.waitUntilEnded(within: 5)
        let ended = try await all(names, plane, space, until: \.isFinal)
        for (before, after) in zip(begun, ended) {
            #expect(after.state == .completed && after.status?.attempts == 1, "\(after.status as Any)")
            #expect(before.status?.executions?.map(\.id) == after.status?.executions?.map(\.id))
        }
        try await expectSilence(of: "one", after: "two", plane, space)
        let touches = try await AuditLog(plane).touches(in: space)
        #expect(touches == Dictionary(uniqueKeysWithValues: (["first"] + names).map { ($0, 1) }))
        #expect(try old.logText().contains("lease"))
        try await new.stop()
    }

    /// A kubeconfig for a replica that the audit log tells from the others.
    private func replica(_ plane: ControlPlane, _ space: String, _ name: String) async throws -> String {
        try await plane.kubectl("create serviceaccount \(name) -n \(space)")
        try await plane.kubectl(
            "create clusterrolebinding \(space)-\(name) --clusterrole=cluster-admin --serviceaccount=\(space):\(name)"
        )
        return try await plane.kubeconfig(of: ObjectKey(namespace: space, name: name))
    }

    private func all(
        _ names: [String],
        _ plane: ControlPlane,
        _ space: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> [Recovery] {
        var found: [Recovery] = []
        for name in names {
            let key = ObjectKey(namespace: space, name: name)
            found.append(try await plane.wait(for: Recovery.self, key, within: .seconds(90), until: isReached))
        }
        return found
    }

    /// The account asked for no write at all once the other one had the lease.
    private func expectSilence(
        of old: String,
        after new: String,
        _ plane: ControlPlane,
        _ space: String
    ) async throws {
        let writes = try await AuditLog(plane).writes { $0.namespace == space }
        let (oldUser, newUser) = (
            ControlPlane.userName(ObjectKey(namespace: space, name: old)),
            ControlPlane.userName(ObjectKey(namespace: space, name: new))
        )
        let takeover = try #require(
            writes.first { $0.user == newUser && $0.resource == "leases" && $0.verb == "update" && $0.isDone }?.time
        )
        #expect(writes.contains { $0.user == oldUser && $0.time < takeover })
        let late = writes.filter { $0.user == oldUser && $0.time >= takeover }
        #expect(late.isEmpty)
    }
}
