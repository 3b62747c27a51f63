// Foundation for the resource bundle.
import Foundation
import HTTPTransport
import JSON
import KubernetesCore
import Synchronization
import Telemetry
import TestSupport
import Timekeeping

@testable import KubernetesClient

/// A clock on which nobody waits: sleeping moves it to the deadline at once, and what was slept is kept.
final class HastyTime: TimeSource {
    private struct State {
        var now = MonotonicInstant(nanoseconds: 3_600_000_000_000)
        var slept: [Duration] = []
    }

    private let state = Mutex(State())

    var slept: [Duration] { state.withLock { $0.slept } }

    func now() -> MonotonicInstant { state.withLock { $0.now } }

    func wallTime() -> Date {
        Date(timeIntervalSince1970: 1_767_225_600 + Double(now().nanoseconds - 3_600_000_000_000) / 1e9)
    }

    func advance(by duration: Duration) {
        state.withLock { $0.now = $0.now.advanced(by: duration) }
    }

    func sleep(until deadline: MonotonicInstant) async throws {
        try Task.checkCancellation()
        state.withLock { state in
            state.slept.append(state.now.duration(to: deadline))
            state.now = max(state.now, deadline)
        }
    }
}

/// Files that a test writes without a disk.
final class FileTable: Sendable {
    private struct State {
        var files: [String: [UInt8]] = [:]
        var reads: [String: Int] = [:]
    }

    private let state = Mutex(State())

    init(_ files: [String: String] = [:]) {
        for (path, text) in files { self[path] = text }
    }

    subscript(path: String) -> String? {
        get { state.withLock { $0.files[path] }.map { String(decoding: $0, as: UTF8.self) } }
        set { state.withLock { $0.files[path] = newValue.map { Array($0.utf8) } } }
    }

    func reads(_ path: String) -> Int { state.withLock { $0.reads[path] ?? 0 } }

    func read(_ path: String) throws(FileReadError) -> [UInt8] {
        let content = state.withLock { state in
            state.reads[path, default: 0] += 1
            return state.files[path]
        }
        guard let content else { throw FileReadError(path: path, errno: 2) }
        return content
    }
}

/// Collects log lines.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    func logger(_ time: any TimeSource) -> Logger {
        Logger(level: .debug, timeSource: time) { line in
            self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
    }
}

/// A client on a scripted transport, with everything it was made of.
struct TestClient {
    var transport: ScriptedTransport
    var time = HastyTime()
    var files = FileTable()
    var log = LogLines()
    var registry = MetricsRegistry()
    var runner: any CommandRunner = ProcessCommandRunner()
    var client: KubernetesClient

    init(
        _ transport: ScriptedTransport,
        configuration: ClientConfiguration = .init(server: "https://api.test:6443"),
        files: FileTable = FileTable(),
        runner: any CommandRunner = ProcessCommandRunner(),
        userAgent: String? = "tests"
    ) {
        self.transport = transport
        self.files = files
        self.runner = runner
        var context = CredentialContext(
            timeSource: time,
            logger: log.logger(time),
            metrics: ClientMetrics(registry: registry)
        )
        context.readFile = { path throws(FileReadError) in try files.read(path) }
        context.commandRunner = runner
        context.environment = ["HOME": "/home/tests"]
        client = KubernetesClient(
            configuration: configuration,
            transport: transport,
            context: context,
            userAgent: userAgent,
            jitter: { 0.5 }
        )
    }

    init(_ answers: [ScriptedAnswer], configuration: ClientConfiguration = .init(server: "https://api.test:6443")) {
        self.init(ScriptedTransport(answers), configuration: configuration)
    }

    /// `METHOD target` of everything that was sent.
    var sent: [String] {
        transport.requests.map { "\($0.method) \($0.url.dropFirst("https://api.test:6443".count))" }
    }
}

extension HTTPRequest {
    func header(_ name: String) -> String? { headers.first(named: name) }

    var json: JSONValue? {
        guard let body else { return nil }
        return try? JSONValue(parsing: body)
    }
}

extension JSONValue {
    /// A small ConfigMap.
    static func configMap(_ name: String, version: String = "1") -> JSONValue {
        [
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": ["name": .string(name), "namespace": "ns", "resourceVersion": .string(version)],
        ]
    }
}

/// An answer that a real API server gave; see the name of the file for its version.
func recorded(_ name: String) throws -> (status: Int, body: JSONValue) {
    let file = Bundle.module.bundleURL.appending(path: "Fixtures/kube-1.36.2-\(name).json")
    let document = try JSONValue(parsing: Array(Data(contentsOf: file)))
    let answer = document["response"]
    return (Int(answer?["status"]?.intValue ?? 0), answer?["body"] ?? .null)
}

let somePEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"

/// A number that several threads count up.
final class CallCount: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    /// Counts up and returns the new number.
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
