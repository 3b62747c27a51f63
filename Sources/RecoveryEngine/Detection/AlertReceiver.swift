internal import FoundationEssentials
package import HTTPServer
internal import JSON
internal import RecoveryDecision
internal import Synchronization
package import Telemetry
package import Timekeeping

/// Takes alerts as an Alertmanager does: `POST /api/v2/alerts` from Prometheus, `POST /webhook` from an Alertmanager.
///
/// ```swift
/// let server = HTTPServer(address: ":9095", gate: engine.alerts.refusal, handler: engine.alerts.answer)
/// ```
///
/// Only the leader takes them, as only the leader acts; others answer 503, and senders come again.
package final class AlertReceiver: Sendable {
    /// What the receiver works with.
    package struct Environment: Sendable {
        /// The bearer token that senders have to show; nil refuses everybody.
        package var token: @Sendable () -> String?
        package var mayLead: @Sendable () -> Bool
        package var timeSource: any TimeSource
        package var logger: Logger
    }

    private let environment: Environment
    private let board = Mutex(AlertBoard())
    private let listener = Mutex<(@Sendable () -> Void)?>(nil)

    /// Makes a receiver that has heard of no alert.
    package init(_ environment: Environment) {
        self.environment = environment
    }

    /// The alerts now.
    var alerts: AlertBoard { board.withLock { $0 } }

    /// Has `body` called after each request that was taken; it must not wait.
    func onAlerts(_ body: @escaping @Sendable () -> Void) {
        listener.withLock { $0 = body }
    }

    /// A new leader begins without the alerts that it heard of in an earlier term: it does not know how they went on.
    func clear() {
        board.withLock { $0 = AlertBoard() }
    }

    /// Answers a request; the handler of an `HTTPServer`.
    package func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        refusal(request) ?? take(request.body)
    }

    /// Why a request is not taken, which its head tells; the gate of an `HTTPServer`.
    package func refusal(_ request: HTTPServerRequest) -> HTTPServerResponse? {
        guard ["/api/v2/alerts", "/webhook"].contains(request.path) else {
            return .text("404 page not found\n", status: 404)
        }
        guard isAuthorized(request) else {
            var response = HTTPServerResponse.text("401 unauthorized\n", status: 401)
            response.headers.append(HTTPServerHeader(name: "WWW-Authenticate", value: "Bearer"))
            return response
        }
        guard request.method == "POST" else {
            var response = HTTPServerResponse.text("405 method not allowed\n", status: 405)
            response.headers.append(HTTPServerHeader(name: "Allow", value: "POST"))
            return response
        }
        guard environment.mayLead() else {
            var response = HTTPServerResponse.text("503 not the leader\n", status: 503)
            response.headers.append(HTTPServerHeader(name: "Retry-After", value: "5"))
            return response
        }
        return nil
    }

    private func take(_ body: [UInt8]) -> HTTPServerResponse {
        let alerts: [ReceivedAlert]
        do {
            alerts = try ReceivedAlert.all(in: try JSONValue(parsing: body))
        } catch {
            return .text("400 \(error)\n", status: 400)
        }
        let now = environment.timeSource.wallTime()
        let lost = board.withLock { $0.receive(alerts, now: now) }
        if lost > 0 { environment.logger.warning("too many alerts", ["lost": String(lost)]) }
        listener.withLock { $0 }?()
        return .text("")
    }

    private func isAuthorized(_ request: HTTPServerRequest) -> Bool {
        guard let token = environment.token(), !token.isEmpty else { return false }
        let shown = request.headers.filter { $0.name.lowercased() == "authorization" }
        guard shown.count == 1, let value = shown.first?.value, value.prefix(7).lowercased() == "bearer " else {
            return false
        }
        return Self.areEqual(Array(value.dropFirst(7).utf8), Array(token.utf8))
    }

    /// Compares in a time that tells nothing about how much is right.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = left.count == right.count ? UInt8(0) : 1
        for index in left.indices {
            difference |= left[index] ^ (right.isEmpty ? 1 : right[index % right.count])
        }
        return difference == 0
    }
}
