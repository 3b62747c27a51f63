import HTTPServer
import Synchronization
public import Telemetry

/// Named checks behind one health endpoint, answered as controller-runtime does.
///
/// - `/healthz`: 200 `ok`, or 500 with one line for each check: `[+]ping ok`, `[-]caches failed: reason withheld`.
/// - `?verbose` shows the lines also when all is well, `?exclude=name` (repeatable) leaves a check out.
/// - `/healthz/<check>`: one check; 404 when there is none of that name.
///
/// Checks are quick looks at state and do no IO: a probe must not hang. Without any check there is `ping`.
public final class HealthChecks: Sendable {
    /// A check; throws when unhealthy.
    public typealias Check = @Sendable () throws -> Void

    private struct Result {
        var name: String
        var isHealthy: Bool
        var isExcluded = false

        var line: String {
            if isExcluded { return "[+]\(name) excluded: ok\n" }
            return isHealthy ? "[+]\(name) ok\n" : "[-]\(name) failed: reason withheld\n"
        }
    }

    private let checks = Mutex<[String: Check]>([:])
    private let logger: Logger

    /// Makes a set with no checks.
    ///
    /// - Parameter logger: Gets the reasons, which the answers withhold, at level debug.
    public init(logger: Logger = .disabled) {
        self.logger = logger
    }

    /// Adds a check, or replaces the one of that name.
    public func add(_ name: String, _ check: @escaping Check) {
        checks.withLock { $0[name] = check }
    }

    /// Whether all checks pass.
    public var isHealthy: Bool {
        results(excluded: []).allSatisfy(\.isHealthy)
    }

    /// The answer for the whole set, called `name` in its last line.
    func answer(name: String, query: [(name: String, value: String)]) -> HTTPServerResponse {
        let excluded = Set(query.filter { $0.name == "exclude" }.map(\.value))
        let results = results(excluded: excluded)
        let isHealthy = results.allSatisfy(\.isHealthy)
        if isHealthy && !query.contains(where: { $0.name == "verbose" }) { return .text("ok") }
        var text = results.map(\.line).joined()
        let unknown = excluded.subtracting(results.map(\.name)).sorted().map { "\"\($0)\"" }
        if !unknown.isEmpty {
            let names = unknown.joined(separator: ", ")
            text += "warn: some health checks cannot be excluded: no matches for \(names)\n"
        }
        text += "\(name) check \(isHealthy ? "passed" : "failed")\n"
        return .text(text, status: isHealthy ? 200 : 500)
    }

    /// The answer for one check.
    func answer(check name: String) -> HTTPServerResponse {
        guard let check = all()[name] else { return .text("404 page not found\n", status: 404) }
        guard passes(name, check) else { return .text("internal server error: check failed\n", status: 500) }
        return .text("ok")
    }

    private func results(excluded: Set<String>) -> [Result] {
        all().sorted { $0.key < $1.key }.map { name, check in
            if excluded.contains(name) { return Result(name: name, isHealthy: true, isExcluded: true) }
            return Result(name: name, isHealthy: passes(name, check))
        }
    }

    private func all() -> [String: Check] {
        let known = checks.withLock { $0 }
        return known.isEmpty ? ["ping": {}] : known
    }

    private func passes(_ name: String, _ check: Check) -> Bool {
        do {
            try check()
            return true
        } catch {
            logger.debug("health check failed", ["check": name, "error": "\(error)"])
            return false
        }
    }
}
