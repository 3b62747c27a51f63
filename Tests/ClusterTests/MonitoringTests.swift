import Foundation
import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import YAML

/// What is shipped for Prometheus and Grafana, judged by Prometheus' own tools and by what a controller exports.
@Suite(
    "Monitoring",
    .serialized,
    .enabled(if: hasControlPlane),
    .enabled(if: PrometheusPrograms.areThere, Comment(rawValue: PrometheusPrograms.skipped)),
    .timeLimit(.minutes(10))
)
struct MonitoringTests {
    @Test("promtool accepts the alert rules, and each one fires when it should and not before")
    func rules() async throws {
        let folder = try PrometheusPrograms.workFolder()
        try await PrometheusPrograms.writeRules(to: "\(folder)/rules.yaml")
        try await Shell.run("\(PrometheusPrograms.promtool) check rules \(folder)/rules.yaml")
        let tests = "\(ControlPlane.root)Tests/ClusterTests/Fixtures/alerts-test.yaml"
        try await Shell.run(
            "cp \(tests) \(folder) && \(PrometheusPrograms.promtool) test rules \(folder)/alerts-test.yaml"
        )
        let tested = try String(contentsOfFile: tests, encoding: .utf8)
        let readme = try String(contentsOfFile: "\(ControlPlane.root)README.md", encoding: .utf8)
        for alert in try Self.alerts() {
            let name = try #require(alert["alert"]?.stringValue)
            #expect(tested.contains("alertname: \(name)\n    exp_alerts:\n"), "\(name) has no test in which it fires")
            #expect(alert.value(at: ["annotations", "summary"])?.stringValue?.isEmpty == false)
            #expect(alert.value(at: ["annotations", "description"])?.stringValue?.isEmpty == false)
            #expect(alert.value(at: ["annotations", "runbook"]) == .string("README.md, section Monitoring, \(name)"))
            #expect(readme.contains("`\(name)`"), "README.md says nothing about \(name)")
        }
    }

    @Test("the reader of queries finds metrics and labels that do not exist")
    func queries() {
        let exported = ["a_total": [["state": "On"]], "b_bucket": [["le": "1"], ["le": "+Inf"]]]
        let right =
            #"histogram_quantile(0.9, sum by (le) (rate(b_bucket{job=~"$job"}[5m]))) > 1e3 or a_total{state="On"}"#
        #expect(PromQuery(right).problems(exported: exported) == [])
        #expect(PromQuery("sum(rate(c_total[1m]))").problems(exported: exported) == ["no metric c_total"])
        #expect(PromQuery("sum by (x) (a_total)").problems(exported: exported) == ["no label x to group by"])
        #expect(PromQuery("a_total{kind=\"y\"}").problems(exported: exported).contains("no label kind at a_total"))
        #expect(
            PromQuery("a_total{state=~\"On|Off\"}").problems(exported: exported) == ["no state=Off at a_total"]
        )
    }

    @Test("promtool finds one name wrong in what a controller exports; rules and dashboard ask for nothing else")
    func metrics() async throws {
        let space = "monitoring"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let flags = "--namespace \(space) --controller-namespace \(space) --leader-elect"
        let kubeconfig = try await plane.grantShippedRoles(in: space, ["strategy-generic"])
        try await ControllerProcess.with(plane, flags, kubeconfig: kubeconfig) { controller in
            try await work(plane, space)
            let folder = try PrometheusPrograms.workFolder()
            let text = try await controller.get("/metrics")
            try text.write(toFile: "\(folder)/metrics", atomically: true, encoding: .utf8)
            let found = await Shell.result(of: "\(PrometheusPrograms.promtool) check metrics <\(folder)/metrics")
            let lines = found.output.split(separator: "\n").map(String.init)
            #expect(
                lines == [#"tmc_active_recoveries_total non-counter metrics should not have "_total" suffix"#]
            )
            var exported: [String: [[String: String]]] = [:]
            for sample in try ExpositionParser(text).families.values.flatMap(\.samples) {
                exported[sample.name, default: []].append(sample.labels)
            }
            for alert in try Self.alerts() {
                let query = PromQuery(try #require(alert["expr"]?.stringValue))
                #expect(query.problems(exported: exported) == [], "\(alert["alert"]?.stringValue ?? "")")
            }
            for panel in try Self.panels() {
                for target in panel["targets"]?.arrayValue ?? [] {
                    let query = PromQuery(try #require(target["expr"]?.stringValue))
                    #expect(!query.selectors.isEmpty)
                    #expect(query.problems(exported: exported) == [], "\(panel["title"]?.stringValue ?? "")")
                    let legend = target["legendFormat"]?.stringValue ?? ""
                    let shown = legend.matches(of: /\{\{([a-z_]+)\}\}/).map { String($0.output.1) }
                    #expect(shown.allSatisfy { query.groupings.contains($0) || $0 == "instance" }, "\(legend)")
                }
            }
        }
    }

    @Test("kustomize makes the three objects that an operator and Grafana's sidecar look for")
    func kustomize() async throws {
        let text = try await Shell.run("kubectl kustomize \(ControlPlane.root)manifests/monitoring")
        let kinds = text.matches(of: /(?m)^kind: (.+)$/).map { String($0.output.1) }
        #expect(kinds.sorted() == ["ConfigMap", "PrometheusRule", "ServiceMonitor"])
        #expect(text.contains("grafana_dashboard: \"1\""))
    }

    // MARK: Traffic

    /// Has a Recovery of each kind of end, and one that is held, so that every metric has been counted.
    private func work(_ plane: ControlPlane, _ space: String) async throws {
        try await plane.kubectl("create configmap there -n \(space)")
        try await plane.apply(recovery(space, "good", "targetRef: {apiVersion: v1, kind: ConfigMap, name: there}"))
        try await plane.apply(recovery(space, "bad", "targetRef: {apiVersion: v1, kind: ConfigMap, name: missing}"))
        try await plane.apply(recovery(space, "held", "suspend: true"))
        for (name, state) in [("good", RecoveryState.completed), ("bad", .failed)] {
            let key = ObjectKey(namespace: space, name: name)
            let ended = try await plane.wait(for: Recovery.self, key, until: \.isFinal)
            #expect(ended.state == state)
        }
        _ = try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: "held")) {
            $0.status?.conditions?[type: ConditionType.admitted]?.reason == "Suspended"
        }
    }

    private func recovery(_ space: String, _ name: String, _ more: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(space)}
        spec:
          error: {type: InternalError, retryable: true}
          maxAttempts: 1
          parameters: {waitSeconds: 0}
          \(more)
        """
    }

    // MARK: Manifests

    private static func alerts() throws -> [JSONValue] {
        let path = "\(ControlPlane.root)manifests/monitoring/prometheusrule.yaml"
        let manifest = try YAMLDocument.parse(Array(try Data(contentsOf: URL(filePath: path))), source: path)
        let groups = try #require(manifest.value(at: ["spec", "groups"])?.arrayValue)
        let alerts = groups.flatMap { $0["rules"]?.arrayValue ?? [] }
        #expect(alerts.count >= 10)
        return alerts
    }

    private static func panels() throws -> [JSONValue] {
        let path = "\(ControlPlane.root)manifests/monitoring/dashboard.json"
        let dashboard = try JSONValue(parsing: Array(try Data(contentsOf: URL(filePath: path))))
        let panels = try #require(dashboard["panels"]?.arrayValue)
        #expect(panels.count >= 10)
        return panels
    }
}
