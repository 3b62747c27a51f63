import FoundationEssentials
import JSON
import KubernetesCore

/// Whether an event tells of normal operation or of trouble.
public enum EventType: String, Sendable, Hashable {
    /// Something went as it should.
    case normal = "Normal"
    /// Something that a person may have to look at.
    case warning = "Warning"
}

/// What ``EventRecorder/record(_:reason:message:about:)`` was told.
struct RecordedEvent: Sendable, Hashable {
    /// The longest message, in bytes: what the newer events API allows.
    static let maxMessageBytes = 1024
    /// The longest reason, in bytes.
    static let maxReasonBytes = 128

    let type: EventType
    let reason: String
    var message: String
    let about: ObjectReference
    let time: Date

    init(_ type: EventType, reason: String, message: String, about: ObjectReference, time: Date) {
        self.type = type
        self.reason = Self.cut(reason, to: Self.maxReasonBytes)
        self.message = Self.cut(message, to: Self.maxMessageBytes)
        self.about = about
        self.time = time
    }

    /// Events of cluster-scoped objects live in `default`.
    var namespace: String {
        guard let namespace = about.namespace, !namespace.isEmpty else { return "default" }
        return namespace
    }

    /// The start of `text` in at most `limit` bytes, cut between characters.
    static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var cut = ""
        var bytes = 3
        for character in text {
            bytes += character.utf8.count
            guard bytes <= limit else { break }
            cut.append(character)
        }
        return cut + "..."
    }
}

/// One write of an event to the server: the first of its kind, or a repetition of one that is there.
struct EventWrite: Sendable, Hashable {
    var event: RecordedEvent
    var name: String
    /// How often it has happened, this time included.
    var count: Int64
    var firstTime: Date

    /// Whether an earlier write made the object.
    var isRepetition: Bool { count > 1 }

    /// The whole object (core/v1 Event), from `component` on `host`.
    func object(component: String, host: String) -> JSONValue {
        let source: [String: JSONValue] = ["component": .string(component)]
        return [
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": ["name": .string(name), "namespace": .string(event.namespace)],
            "involvedObject": involvedObject,
            "reason": .string(event.reason),
            "message": .string(event.message),
            "type": .string(event.type.rawValue),
            "source": .object(host.isEmpty ? source : source.merging(["host": .string(host)]) { $1 }),
            "firstTimestamp": Self.stamp(firstTime),
            "lastTimestamp": Self.stamp(event.time),
            "count": .number(JSONNumber(count)),
            "reportingComponent": .string(component),
            "reportingInstance": .string(host),
        ]
    }

    /// The merge patch that tells an existing object of one more time.
    var patch: JSONValue {
        [
            "count": .number(JSONNumber(count)),
            "lastTimestamp": Self.stamp(event.time),
            "message": .string(event.message),
        ]
    }

    private var involvedObject: JSONValue {
        let about = event.about
        let fields: [(String, String?)] = [
            ("apiVersion", about.apiVersion), ("kind", about.kind), ("namespace", about.namespace),
            ("name", about.name), ("uid", about.uid), ("resourceVersion", about.resourceVersion),
            ("fieldPath", about.fieldPath),
        ]
        var object: [String: JSONValue] = [:]
        for case (let name, let value?) in fields where !value.isEmpty {
            object[name] = .string(value)
        }
        return .object(object)
    }

    private static func stamp(_ date: Date) -> JSONValue {
        Timestamp.format(date).map { .string($0) } ?? .null
    }
}
