import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Synchronization
import TestSupport
import Testing

/// Alerts that a real Prometheus raises and a real Alertmanager passes on, as detectors of policies.
@Suite(
    "Alerts of a real Prometheus",
    .serialized,
    .enabled(if: hasControlPlane),
    .enabled(if: PrometheusPrograms.areThere, Comment(rawValue: PrometheusPrograms.skipped)),
    .timeLimit(.minutes(10))
)
struct AlertingTests {
    /// Who sends the alert to the controller.
    enum Sender: String, CaseIterable {
        /// Prometheus, as to an Alertmanager.
        case prometheus
        /// An Alertmanager, to a webhook.
        case alertmanager
    }

    @Test(
        "a firing alert leads to a restart that completes, and a resolved one closes what it had opened",
        arguments: Sender.allCases
    )
    func alert(from sender: Sender) async throws {
        let space = "alerts-\(sender.rawValue)"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let exporter = try Exporter()
        defer { exporter.server.stop() }
        let folder = try PrometheusPrograms.workFolder()
        try await prepare(plane, space)
        let port = try ControllerProcess.freePort()
        try "a-secret-of-the-test\n".write(toFile: "\(folder)/token", atomically: true, encoding: .utf8)
        let flags =
            "--namespace \(space) --alert-receiver-bind-address 127.0.0.1:\(port) "
            + "--alert-receiver-token-file \(folder)/token"
        try await ControllerProcess.with(plane, flags) { controller in
            let senders = try await start(sender, space, folder, exporter, receiver: "127.0.0.1:\(port)")
            defer { for process in senders { process.stop() } }
            exporter.set("0.9")
            try await firing(plane, space)
            exporter.set("0.01")
            try await resolved(plane, space)
            // Neither the log nor an answer to somebody with another token shows the right one.
            let answer = try await Shell.run(
                "curl -s -H 'Authorization: Bearer another' -d '[]' http://127.0.0.1:\(port)/api/v2/alerts"
            )
            #expect(answer == "401 unauthorized\n")
            #expect(try !controller.logText().contains("a-secret-of-the-test"))
        }
    }

    /// The one policy has acted, the other one has said what it would do.
    private func firing(_ plane: ControlPlane, _ space: String) async throws {
        let restarted = try await recovery(plane, space, of: "acts", until: \.isFinal)
        #expect(restarted.state == .completed, "\(restarted.status?.message ?? "")")
        #expect(restarted.status?.executions?.map(\.strategy) == ["Restart"])
        #expect(restarted.spec.error.message?.contains("more than half of the requests fail") == true)
        let web = try await plane.client.get(.deployments, ObjectKey(namespace: space, name: "web"))
        let stamp = ["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"]
        #expect(web.content.value(at: stamp) != nil)
        let observed = try await recovery(plane, space, of: "watches") { $0.status?.plan != nil }
        #expect(observed.status?.conditions?[type: ConditionType.admitted]?.reason == ConditionReason.observeOnly)
        #expect(observed.status?.attempts == nil)
    }

    /// What was only observed is over, and no second Recovery was opened for the same alert.
    private func resolved(_ plane: ControlPlane, _ space: String) async throws {
        let closed = try await recovery(plane, space, of: "watches", until: \.isFinal)
        #expect(closed.state == .completed)
        #expect(closed.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.selfHealed)
        _ = try await plane.wait(for: RecoveryPolicy.self, ObjectKey(namespace: space, name: "acts")) {
            $0.status?.unhealthy == 0 && $0.status?.matched == 1
        }
        #expect(try await plane.client.list(Recovery.self, namespace: space).items.count == 2)
    }

    /// The only Recovery of a policy, as soon as it is as expected.
    private func recovery(
        _ plane: ControlPlane,
        _ space: String,
        of policy: String,
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        let name = try await Shell.run(
            """
            for i in $(seq 300); do
                name=$(kubectl --kubeconfig \(plane.kubeconfig) get recoveries -n \(space) \
                    -l \(MetadataName.policy)=\(policy) -o 'jsonpath={.items[0].metadata.name}' 2>/dev/null)
                [[ $name ]] && { printf %s "$name"; exit; }
                sleep 0.2
            done
            exit 1
            """
        )
        let key = ObjectKey(namespace: space, name: name)
        return try await plane.wait(for: Recovery.self, key, within: .seconds(120), until: isReached)
    }

    /// A Deployment that is available, a policy that restarts it, and one that only looks on.
    private func prepare(_ plane: ControlPlane, _ space: String) async throws {
        try await plane.apply(
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, namespace: \(space)}
            spec:
              replicas: 1
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec: {containers: [{name: web, image: "web:1"}]}
            ---
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: acts, namespace: \(space)}
            spec:
              mode: Auto
              detection:
                alerts:
                - matchLabels: {alertname: WebErrors, team: shop}
                  errorType: ComponentUnhealthy
                  severity: High
                  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
              strategies: [{name: Restart, maxAttempts: 1, timeoutSeconds: 120}]
            ---
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: watches, namespace: \(space)}
            spec:
              mode: Observe
              detection:
                alerts: [{matchLabels: {alertname: WebErrors}, errorType: WebErrors}]
              strategies: [{name: Generic, maxAttempts: 1}]
            """
        )
        try await plane.kubectl("wait -n \(space) --for=condition=Available --timeout=120s deployment/web")
    }

    /// Starts Prometheus, and an Alertmanager where that is the sender, and waits until the exporter is scraped.
    private func start(
        _ sender: Sender,
        _ space: String,
        _ folder: String,
        _ exporter: Exporter,
        receiver: String
    ) async throws -> [BackgroundProcess] {
        var processes: [BackgroundProcess] = []
        var target = receiver
        if sender == .alertmanager {
            target = "127.0.0.1:\(try ControllerProcess.freePort())"
            try """
            route: {receiver: recovery, group_wait: 1s, group_interval: 1s, repeat_interval: 1m}
            receivers:
            - name: recovery
              webhook_configs:
              - url: http://\(receiver)/webhook
                http_config: {authorization: {credentials_file: \(folder)/token}}
            """.write(toFile: "\(folder)/alertmanager.yml", atomically: true, encoding: .utf8)
            processes.append(
                try await BackgroundProcess.start(
                    "env -C \(PrometheusPrograms.templates) \(PrometheusPrograms.alertmanager) "
                        + "--config.file \(folder)/alertmanager.yml --storage.path \(folder)/alertmanager "
                        + "--cluster.listen-address= --web.listen-address \(target)",
                    log: "\(folder)/alertmanager.log",
                    readyAt: "http://\(target)/-/ready"
                )
            )
        }
        try """
        groups:
        - name: web
          rules:
          - alert: WebErrors
            expr: web_error_ratio > 0.5
            labels: {namespace: \(space), team: shop}
            annotations: {summary: more than half of the requests fail}
        """.write(toFile: "\(folder)/rules.yml", atomically: true, encoding: .utf8)
        try """
        global: {scrape_interval: 1s, evaluation_interval: 1s}
        rule_files: [rules.yml]
        scrape_configs:
        - {job_name: web, static_configs: [{targets: ["127.0.0.1:\(exporter.server.port)"]}]}
        alerting:
          alertmanagers:
          - authorization: {credentials_file: \(folder)/token}
            static_configs: [{targets: ["\(target)"]}]
        """.write(toFile: "\(folder)/prometheus.yml", atomically: true, encoding: .utf8)
        let address = "127.0.0.1:\(try ControllerProcess.freePort())"
        do {
            processes.append(
                try await BackgroundProcess.start(
                    "\(PrometheusPrograms.prometheus) --config.file \(folder)/prometheus.yml "
                        + "--storage.tsdb.path \(folder)/data --web.listen-address \(address) "
                        + "--rules.alert.resend-delay 2s",
                    log: "\(folder)/prometheus.log",
                    readyAt: "http://\(address)/-/ready"
                )
            )
        } catch {
            for process in processes { process.stop() }
            throw error
        }
        return processes
    }
}

/// A program with one metric, as an application of the team would serve it.
private final class Exporter: Sendable {
    private final class Ratio: Sendable {
        let text = Mutex("0.01")
    }

    let server: LoopbackServer
    private let ratio: Ratio

    init() throws {
        let ratio = Ratio()
        self.ratio = ratio
        server = try LoopbackServer { connection in
            while connection.readRequest() != nil {
                let value = ratio.text.withLock { $0 }
                let body = "# TYPE web_error_ratio gauge\nweb_error_ratio \(value)\n"
                connection.answer(body, headers: ["Content-Type: text/plain; version=0.0.4"])
            }
        }
    }

    func set(_ value: String) {
        ratio.text.withLock { $0 = value }
    }
}
