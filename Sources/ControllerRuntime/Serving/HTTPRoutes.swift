public import HTTPServer
import Synchronization
public import Telemetry

/// The paths of a small HTTP server and who answers them.
///
/// ```swift
/// let routes = HTTPRoutes()
/// routes.addMetrics(registry)
/// routes.add("/status") { _ in .text("fine\n") }
/// let server = HTTPServer(address: ":8080", handler: routes.answer)
/// ```
///
/// Only GET and HEAD are served: nothing here changes anything.
public final class HTTPRoutes: Sendable {
    /// Answers the requests for one path, or for all paths below one.
    public typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

    private struct State {
        var exact: [String: Handler] = [:]
        /// By prefix, which ends in "/".
        var subtrees: [String: Handler] = [:]
    }

    private let state = Mutex(State())

    /// Makes routes that answer everything with 404.
    public init() {}

    /// Registers the handler of a path, instead of an earlier one; a path that ends in "/" is all that is below it.
    public func add(_ path: String, _ handler: @escaping Handler) {
        state.withLock { state in
            if path.hasSuffix("/") { state.subtrees[path] = handler } else { state.exact[path] = handler }
        }
    }

    /// Serves the metrics of `registry` at `/metrics`.
    public func addMetrics(_ registry: MetricsRegistry) {
        add("/metrics") { _ in
            HTTPServerResponse(
                status: 200,
                headers: [HTTPServerHeader(name: "Content-Type", value: MetricsRegistry.contentType)],
                body: Array(registry.exposition().utf8)
            )
        }
    }

    /// Serves a set of checks at `path` and each of them at `path/<check>`.
    public func addHealth(_ path: String, _ checks: HealthChecks) {
        let name = String(path.drop { $0 == "/" })
        add(path) { checks.answer(name: name, query: $0.query) }
        add(path + "/") { checks.answer(check: String($0.path.dropFirst(path.count + 1))) }
    }

    /// Serves the probes of Kubernetes: `/livez` and its old name `/healthz`, and `/readyz`.
    ///
    /// - Parameters:
    ///   - live: What only a restart can repair; never whether the API server answers.
    ///   - ready: Whether the process does its work, such as caches that have synced.
    public func addProbes(live: HealthChecks, ready: HealthChecks) {
        addHealth("/livez", live)
        addHealth("/healthz", live)
        addHealth("/readyz", ready)
    }

    /// Answers a request; the handler of an `HTTPServer`.
    public func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        guard let handler = handler(for: request.path) else {
            return .text("404 page not found\n", status: 404)
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = HTTPServerResponse.text("405 method not allowed\n", status: 405)
            response.headers.append(HTTPServerHeader(name: "Allow", value: "GET, HEAD"))
            return response
        }
        return await handler(request)
    }

    /// The handler of exactly this path, else that of the longest subtree around it.
    private func handler(for path: String) -> Handler? {
        state.withLock { state in
            if let exact = state.exact[path] { return exact }
            let around = state.subtrees.filter { path.hasPrefix($0.key) }
            return around.max { $0.key.utf8.count < $1.key.utf8.count }?.value
        }
    }
}
