import FoundationEssentials
import HTTPServer
import JSON
import Synchronization
import Testing
import Timekeeping

@testable import SandboxServer

/// A clock that a test sets; who sleeps by it wakes only when cancelled.
final class SettableClock: TimeSource {
    private let time = Mutex(MonotonicInstant(nanoseconds: 1_000_000_000_000))

    func now() -> MonotonicInstant { time.withLock(\.self) }
    func wallTime() -> Date { Date(timeIntervalSince1970: 1_800_000_000) }
    func sleep(until deadline: MonotonicInstant) async throws { try await Latch().wait() }
    func advance(by duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}

/// An event as a client reads it.
struct ReadEvent: Equatable {
    var type: String
    var object: JSONValue

    var name: String { object.value(at: ["metadata", "name"])?.stringValue ?? "" }
    var revision: UInt64? { object.value(at: ["metadata", "resourceVersion"])?.stringValue.flatMap { UInt64($0) } }
    /// Type, name and revision.
    var summary: String { "\(type) \(name) \(revision ?? 0)" }
    var endsInitialEvents: Bool {
        object.value(at: ["metadata", "annotations", "k8s.io/initial-events-end"]) == "true"
    }
}

extension HTTPServerStream {
    /// The events that are buffered now.
    func events() throws -> [ReadEvent] {
        guard case .bytes(let chunks) = read() else { return [] }
        return try Array(chunks.joined()).split(separator: UInt8(ascii: "\n")).map { line in
            let value = try JSONValue(parsing: line)
            return ReadEvent(type: value["type"]?.stringValue ?? "", object: value["object"] ?? .null)
        }
    }
}

/// A store of config maps and its watches.
struct WatchBench {
    static let configMaps = ResourceID(group: "", plural: "configmaps")

    let store: ObjectStore
    let clock = SettableClock()
    let hub: WatchHub

    init(historyLimit: Int = 1000, maxBufferedBytes: Int = 4 << 20) {
        store = ObjectStore(historyLimit: historyLimit)
        hub = WatchHub(store: store, timeSource: clock, maxBufferedBytes: maxBufferedBytes)
    }

    @discardableResult
    func put(
        _ name: String,
        in namespace: String = "a",
        label: String = "",
        data: String = "",
        resource: ResourceID = configMaps
    ) -> UInt64 {
        let object: JSONValue = [
            "kind": "ConfigMap", "apiVersion": "v1", "data": ["d": .string(data)],
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "labels": ["l": .string(label)],
            ],
        ]
        return store.transaction { tx in
            tx.put(resource, ObjectName(namespace: namespace, name: name), object).revision
        }
    }

    @discardableResult
    func remove(_ name: String, in namespace: String = "a") -> UInt64 {
        store.transaction { tx in
            tx.remove(Self.configMaps, ObjectName(namespace: namespace, name: name))?.revision ?? 0
        }
    }

    func request(
        _ query: KeyValuePairs<String, String> = [:],
        namespace: String? = nil,
        representation: WatchRepresentation = .stored,
        fault: WatchFault = .none
    ) throws -> WatchRequest {
        WatchRequest(
            resource: Self.configMaps,
            namespace: namespace,
            apiVersion: "v1",
            kind: "ConfigMap",
            options: try ListOptions(
                query: [("watch", "1")] + query.map { ($0.key, $0.value) },
                labels: FieldLabels(Self.configMaps)
            ),
            representation: representation,
            fault: fault
        )
    }

    func watch(
        _ query: KeyValuePairs<String, String> = [:],
        namespace: String? = nil,
        representation: WatchRepresentation = .stored,
        fault: WatchFault = .none
    ) throws -> HTTPServerStream {
        try hub.watch(request(query, namespace: namespace, representation: representation, fault: fault))
    }
}
