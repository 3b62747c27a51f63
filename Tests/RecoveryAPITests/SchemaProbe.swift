import FoundationEssentials
import JSON
import KubernetesCore

@testable import RecoveryAPI

/// What a type or a schema says about one field, in terms that both can express.
struct FieldShape: Equatable {
    /// string, integer, boolean, date-time, int-or-string, array, map, object, free or metadata.
    var kind: String
    var isOptional = false
    /// The words of an enumeration, sorted.
    var words: [String]?
}

/// Records everything that a Decodable type asks for: the shape of its JSON, found without any JSON.
///
/// `[]` stands for the elements of an array and `*` for the values of a map.
final class SchemaProbe {
    private(set) var fields: [String: FieldShape] = [:]
    private var optionals: Set<String> = []

    /// The fields of a type, by path from its root.
    static func fields<T: Decodable>(of type: T.Type) throws -> [String: FieldShape] {
        let probe = SchemaProbe()
        _ = try probe.value(T.self, at: "")
        probe.foldFreeMaps()
        for path in probe.optionals { probe.fields[path]?.isOptional = true }
        probe.fields[""] = nil
        probe.fields["metadata"] = nil
        return probe.fields
    }

    func markOptional(_ path: String) { optionals.insert(path) }

    func record(_ path: String, _ kind: String, words: [String]? = nil) {
        fields[path] = FieldShape(kind: kind, words: words?.sorted())
    }

    /// Makes some value of a type and notes what it is.
    func value<T: Decodable>(_ type: T.Type, at path: String) throws -> T {
        if let date = Date(timeIntervalSince1970: 0) as? T { return noting(date, path, "date-time") }
        if let free = JSONValue.null as? T { return noting(free, path, "free") }
        if let metadata = ObjectMeta() as? T { return noting(metadata, path, "metadata") }
        if let count = CountOrPercent.count(0) as? T { return noting(count, path, "int-or-string") }
        let words = Self.words(of: type)
        let value = try T(from: ProbeDecoder(probe: self, path: path, text: words?.first ?? "probe"))
        if let words { record(path, "string", words: words) }
        return value
    }

    private func noting<T>(_ value: T, _ path: String, _ kind: String) -> T {
        record(path, kind)
        return value
    }

    /// The words of an enumeration, open or closed.
    private static func words(of type: any Any.Type) -> [String]? {
        if let vocabulary = type as? any Vocabulary.Type { return vocabulary.words }
        if type == Condition.Status.self { return ["True", "False", "Unknown"] }
        if type == LabelSelector.Requirement.Operator.self { return ["In", "NotIn", "Exists", "DoesNotExist"] }
        guard let closed = type as? any CaseIterable.Type else { return nil }
        return closedWords(closed)
    }

    private static func closedWords<T: CaseIterable>(_ type: T.Type) -> [String]? {
        type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
    }

    /// A map with free values is a free object to a schema.
    private func foldFreeMaps() {
        for (path, shape) in fields where shape.kind == "map" && fields["\(path).*"]?.kind == "free" {
            fields["\(path).*"] = nil
            fields[path]?.kind = "free"
        }
    }
}

/// Hands out containers that make values up.
private struct ProbeDecoder: Decoder {
    let probe: SchemaProbe
    let path: String
    let text: String
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        probe.record(path, "object")
        return KeyedDecodingContainer(ProbeKeyedContainer(probe: probe, path: path))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        probe.record(path, "array")
        return ProbeUnkeyedContainer(probe: probe, path: path)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        ProbeSingleValueContainer(probe: probe, path: path, text: text)
    }
}

private struct ProbeKeyedContainer<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let probe: SchemaProbe
    let path: String
    var codingPath: [any CodingKey] { [] }

    /// Only maps ask which keys there are.
    var allKeys: [Key] {
        probe.record(path, "map")
        return Key(stringValue: "*").map { [$0] } ?? []
    }

    /// Only optional fields are asked for before they are decoded.
    func contains(_ key: Key) -> Bool {
        probe.markOptional(child(key))
        return true
    }

    func decodeNil(forKey key: Key) throws -> Bool { false }

    func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T { try probe.value(type, at: child(key)) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try ProbeDecoder(probe: probe, path: child(key), text: "probe").container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try ProbeDecoder(probe: probe, path: child(key), text: "probe").unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { ProbeDecoder(probe: probe, path: path, text: "probe") }
    func superDecoder(forKey key: Key) throws -> any Decoder {
        ProbeDecoder(probe: probe, path: child(key), text: "probe")
    }

    private func child(_ key: Key) -> String { path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)" }
}

/// An array of one element.
private struct ProbeUnkeyedContainer: UnkeyedDecodingContainer {
    let probe: SchemaProbe
    let path: String
    var codingPath: [any CodingKey] { [] }
    var count: Int? { 1 }
    var isAtEnd: Bool { currentIndex > 0 }
    var currentIndex = 0

    init(probe: SchemaProbe, path: String) {
        self.probe = probe
        self.path = path
    }

    mutating func decodeNil() throws -> Bool { false }

    mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
        currentIndex += 1
        return try probe.value(type, at: "\(path)[]")
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try superDecoder().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        currentIndex += 1
        return ProbeDecoder(probe: probe, path: "\(path)[]", text: "probe")
    }
}

private struct ProbeSingleValueContainer: SingleValueDecodingContainer {
    let probe: SchemaProbe
    let path: String
    let text: String
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }
    func decode(_ type: Bool.Type) throws -> Bool { noting(false, "boolean") }
    func decode(_ type: String.Type) throws -> String { noting(text, "string") }
    func decode(_ type: Double.Type) throws -> Double { noting(0, "number") }
    func decode(_ type: Float.Type) throws -> Float { noting(0, "number") }
    func decode(_ type: Int.Type) throws -> Int { noting(0, "integer") }
    func decode(_ type: Int8.Type) throws -> Int8 { noting(0, "integer") }
    func decode(_ type: Int16.Type) throws -> Int16 { noting(0, "integer") }
    func decode(_ type: Int32.Type) throws -> Int32 { noting(0, "integer") }
    func decode(_ type: Int64.Type) throws -> Int64 { noting(0, "integer") }
    func decode(_ type: UInt.Type) throws -> UInt { noting(0, "integer") }
    func decode(_ type: UInt8.Type) throws -> UInt8 { noting(0, "integer") }
    func decode(_ type: UInt16.Type) throws -> UInt16 { noting(0, "integer") }
    func decode(_ type: UInt32.Type) throws -> UInt32 { noting(0, "integer") }
    func decode(_ type: UInt64.Type) throws -> UInt64 { noting(0, "integer") }
    func decode<T: Decodable>(_ type: T.Type) throws -> T { try probe.value(type, at: path) }

    private func noting<T>(_ value: T, _ kind: String) -> T {
        probe.record(path, kind)
        return value
    }
}
