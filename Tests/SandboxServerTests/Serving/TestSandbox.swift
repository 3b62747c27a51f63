import FoundationEssentials
import JSON
import Telemetry
import Timekeeping

@testable import HTTPServer
@testable import SandboxServer

/// A sandbox that is asked in-process, at a time that stands still.
struct TestSandbox {
    /// Tells always the same time.
    private struct StoppedTime: TimeSource {
        func now() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
        func wallTime() -> Date { Date(timeIntervalSince1970: 1_800_000_000) }
        func sleep(until deadline: MonotonicInstant) async throws { throw CancellationError() }
    }

    let server: SandboxServer

    init(_ configuration: SandboxConfiguration = SandboxConfiguration()) {
        server = SandboxServer(configuration: configuration, timeSource: StoppedTime(), logger: .disabled)
    }

    /// What came back.
    struct Reply {
        var status: Int
        var headers: [HTTPServerHeader]
        var bytes: [UInt8]

        /// The body as JSON; null when it is none.
        var body: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        var message: String? { body["message"]?.stringValue }
        var reason: String? { body["reason"]?.stringValue }

        func headers(_ name: String) -> [String] { headers.filter { $0.name == name }.map(\.value) }
    }

    /// Sends a request; `target` is path and query.
    func send(
        _ method: String,
        _ target: String,
        _ body: JSONValue? = nil,
        type: String = "application/json",
        headers: [String: String] = [:]
    ) async -> Reply {
        await send(method, target, bytes: body.map { $0.serialized() } ?? [], type: type, headers: headers)
    }

    /// Sends bytes.
    func send(
        _ method: String,
        _ target: String,
        bytes: [UInt8],
        type: String = "application/json",
        headers: [String: String] = [:]
    ) async -> Reply {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
            let words = pair.split(separator: "=", maxSplits: 1)
                .map { ASCII.decode(Array($0.utf8)[...], plusIsSpace: true) ?? "" }
            return (name: words[0], value: words.count > 1 ? words[1] : "")
        }
        var lines = headers.map { HTTPServerHeader(name: $0.key, value: $0.value) }
        if headers["User-Agent"] == nil { lines.append(HTTPServerHeader(name: "User-Agent", value: "tester/1.0")) }
        if !bytes.isEmpty { lines.append(HTTPServerHeader(name: "Content-Type", value: type)) }
        let response = await server.handle(
            HTTPServerRequest(method: method, path: parts[0], query: query, headers: lines, body: bytes)
        )
        server.controllers.settle()
        return Reply(status: response.status, headers: response.headers, bytes: response.body)
    }

    func get(_ target: String, headers: [String: String] = [:]) async -> Reply {
        await send("GET", target, headers: headers)
    }

    func post(_ target: String, _ body: JSONValue) async -> Reply { await send("POST", target, body) }
    func put(_ target: String, _ body: JSONValue) async -> Reply { await send("PUT", target, body) }
    func delete(_ target: String, _ body: JSONValue? = nil) async -> Reply { await send("DELETE", target, body) }

    func merge(_ target: String, _ body: JSONValue) async -> Reply {
        await send("PATCH", target, body, type: "application/merge-patch+json")
    }

    func apply(_ target: String, _ body: JSONValue) async -> Reply {
        await send("PATCH", target, body, type: "application/apply-patch+yaml")
    }
}

/// Objects that tests send.
enum Sample {
    static func configMap(_ name: String, _ data: [String: String] = [:], labels: [String: String] = [:]) -> JSONValue {
        var object: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)]]
        if !data.isEmpty { object["data"] = .strings(data) }
        if !labels.isEmpty { object.set(.strings(labels), at: ["metadata", "labels"]) }
        return object
    }

    static func deployment(_ name: String, replicas: Int = 1) -> JSONValue {
        [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
            "spec": [
                "replicas": .number(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": ["containers": [["name": "c", "image": "i:1"]]],
                ],
            ],
        ]
    }
}
