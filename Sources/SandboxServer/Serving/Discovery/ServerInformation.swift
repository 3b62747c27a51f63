package import HTTPServer
package import JSON

/// What the server says of itself: its version and its health.
package enum ServerInformation {
    /// The Kubernetes release whose behaviour is shown.
    package static let gitVersion = "v1.36.2+sandbox"

    /// `/version`.
    package static let version: JSONValue = [
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": .string(gitVersion), "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swift", "platform": "linux/amd64",
    ]

    private static let checks = ["ping", "log", "storage-readiness", "crd-informer-synced", "shutdown"]

    /// `/healthz`, `/livez`, `/readyz` and the single checks below them; nil for other paths.
    package static func health(_ request: HTTPServerRequest) -> HTTPServerResponse? {
        let parts = request.path.split(separator: "/").map(String.init)
        guard let name = parts.first, ["healthz", "livez", "readyz"].contains(name) else { return nil }
        if parts.count == 2, checks.contains(parts[1]) { return .text("ok") }
        guard parts.count == 1 else { return nil }
        let excluded = request.query.filter { $0.name == "exclude" }.map(\.value)
        guard request.query.contains(where: { $0.name == "verbose" }) else { return .text("ok") }
        let lines = checks.map { excluded.contains($0) ? "[+]\($0) excluded: ok" : "[+]\($0) ok" }
        return .text((lines + ["\(name) check passed"]).joined(separator: "\n") + "\n")
    }
}
