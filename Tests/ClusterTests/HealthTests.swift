import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// The controller's own health while its API server goes away and comes back.
@Suite("Health on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct HealthTests {
    @Test("an outage of the API server shows in /health, metrics and log, on standbys too, and goes away with it")
    func outage() async throws {
        let space = "health-outage"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        try await occupyLease(plane, space)
        let config = "\(NSTemporaryDirectory())health-\(UUID().uuidString).yaml"
        try "healthCheckInterval: 1s\n".write(toFile: config, atomically: true, encoding: .utf8)
        let flags = "--namespace \(space) --config \(config)"
        let standbyFlags = flags + " --controller-namespace \(space) --leader-elect"
        let kubeconfig = try await plane.grantShippedRoles(in: space)
        let replicas = [
            try await ControllerProcess.start(plane, flags, name: "leader"),
            try await ControllerProcess.start(plane, standbyFlags, name: "standby", kubeconfig: kubeconfig),
        ]
        for replica in replicas {
            let health = try await replica.health(until: "Healthy")
            #expect(health["lastCheckTime"]?.stringValue != nil)
        }
        try await plane.stop("apiserver")
        for replica in replicas {
            let health = try await replica.health(until: "Unhealthy")
            #expect(health["message"]?.stringValue?.contains("TCP failed (ConnectionRefused)") == true, "\(health)")
            let failed = health["checks"]?.arrayValue?.filter { $0["status"] != "Healthy" }.map { $0["name"] }
            #expect(failed?.first == "hub")
            #expect(try await replica.get("/metrics").contains(#"tmc_health_check_success{check="hub"} 0"#))
            #expect(try await replica.get("/livez", from: replica.probeAddress) == "ok")
            #expect(try await replica.get("/readyz", from: replica.probeAddress) == "ok")
        }
        try await plane.start("apiserver")
        for replica in replicas {
            _ = try await replica.health(until: "Healthy")
            #expect(try await replica.get("/metrics").contains(#"tmc_health_check_success{check="hub"} 1"#))
            let lines = try replica.logText().split(separator: "\n").filter { $0.contains("health is now") }
            #expect(lines.first?.contains("Unhealthy") == true && lines.last?.contains("Healthy") == true)
            // One for each change: the hub going, perhaps the caches falling behind, the hub coming, all well.
            #expect((2...4).contains(lines.count), "\(lines)")
            try await replica.stop()
        }
    }

    /// Lets somebody hold the lease for so long that nobody else ever leads.
    private func occupyLease(_ plane: ControlPlane, _ space: String) async throws {
        try await plane.apply(
            """
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: tmc-recovery-controller, namespace: \(space)}
            spec: {holderIdentity: somebody, leaseDurationSeconds: 3600, leaseTransitions: 1}
            """
        )
    }
}

extension ControllerProcess {
    /// Asks `/health` until it has this status.
    ///
    /// - Throws: `ShellError` with the last answer when that takes longer than half a minute.
    fileprivate func health(until status: String) async throws -> JSONValue {
        let answer = try await Shell.run(
            """
            for i in $(seq 150); do
                answer=$(curl -sS --max-time 10 http://\(metricsAddress)/health)
                [[ $answer == *'"status":"\(status)","timestamp"'* ]] && { echo "$answer"; exit; }
                sleep 0.2
            done
            echo "$answer"; exit 1
            """
        )
        return try JSONValue(parsing: Array(answer.utf8))
    }
}
