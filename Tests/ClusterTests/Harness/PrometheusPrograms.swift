import Foundation
import TestSupport

/// The programs that `hack/lib/prometheus` fetches.
enum PrometheusPrograms {
    private static let environment = ProcessInfo.processInfo.environment
    private static let folder =
        "\(environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/tmc-recovery/prometheus/usr"

    static let promtool = "\(folder)/bin/promtool"
    static let prometheus = "\(folder)/bin/prometheus"
    static let alertmanager = "\(folder)/bin/prometheus-alertmanager"
    /// Where Alertmanager has to run, to find its templates.
    static let templates = "\(folder)/share/prometheus/alertmanager"

    /// Whether they are on this machine.
    static let areThere = [promtool, prometheus, alertmanager].allSatisfy {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    static let skipped: String = "SKIPPED: no Prometheus (hack/lib/prometheus); nothing is proven about monitoring"

    /// A new folder for what one test needs.
    static func workFolder() throws -> String {
        let path = "\(NSTemporaryDirectory())monitoring-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    /// The shipped rules as a rule file, made as the README says.
    static func writeRules(to path: String) async throws {
        let manifest = "\(ControlPlane.root)manifests/monitoring/prometheusrule.yaml"
        try await Shell.run("sed '1,/^spec:$/d; s/^  //' \(manifest) >\(path)")
    }
}
