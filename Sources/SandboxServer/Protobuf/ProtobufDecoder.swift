internal import FoundationEssentials
internal import JSON

/// Reads the objects that Kubernetes clients send as `application/vnd.kubernetes.protobuf`: kubectl does so for what
/// it makes itself.
///
/// Answers are always JSON, which such clients accept as well.
enum ProtobufDecoder {
    private static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0x00]
    private static let deepest = 64

    /// The object in a body, `apiVersion` and `kind` included.
    ///
    /// - Throws: ``ProtobufError`` for anything but an object of a known kind.
    static func object(_ body: [UInt8]) throws(ProtobufError) -> JSONValue {
        guard body.starts(with: magic) else {
            throw ProtobufError(
                message: "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
            )
        }
        var apiVersion = ""
        var kind = ""
        var raw = ArraySlice<UInt8>()
        var reader = ProtobufReader(body.dropFirst(magic.count))
        while let (number, value) = try reader.next() {
            guard case .bytes(let bytes) = value else { continue }
            switch number {
            case 1:
                var type = ProtobufReader(bytes)
                while let (number, value) = try type.next() {
                    guard case .bytes(let bytes) = value else { continue }
                    if number == 1 { apiVersion = try text(bytes) }
                    if number == 2 { kind = try text(bytes) }
                }
            case 2: raw = bytes
            default: break
            }
        }
        guard let name = typeName(apiVersion: apiVersion, kind: kind) else {
            throw ProtobufError(message: "no kind \"\(kind)\" is registered for version \"\(apiVersion)\"")
        }
        var object = try message(raw, name, depth: 0)
        object["apiVersion"] = .string(apiVersion)
        object["kind"] = .string(kind)
        return object
    }

    /// The full name of a kind's type: the last word of the prefix is the version, the one before it the group.
    private static func typeName(apiVersion: String, kind: String) -> String? {
        let parts = apiVersion.split(separator: "/").map(String.init)
        let group = parts.count == 2 ? parts[0].split(separator: ".").first.map(String.init) ?? "" : "core"
        let version = parts.last ?? ""
        let candidates = [
            "io.k8s.api.\(group).\(version).\(kind)",
            "io.k8s.apimachinery.pkg.apis.meta.v1.\(kind)",
        ]
        return candidates.first { ProtobufNumbers.all.types[$0] != nil && BuiltinCatalogue.types.objects[$0] != nil }
    }

    // MARK: messages

    private static func message(
        _ bytes: ArraySlice<UInt8>,
        _ type: String,
        depth: Int
    ) throws(ProtobufError) -> JSONValue {
        guard let object = BuiltinCatalogue.types.objects[type] else {
            throw ProtobufError(message: "unknown type \(type)")
        }
        var result = JSONObject()
        try read(bytes, numbersOf: type, fieldsOf: object, into: &result, depth: depth)
        return .object(result)
    }

    private static func read(
        _ bytes: ArraySlice<UInt8>,
        numbersOf type: String,
        fieldsOf object: TypeTable.Object,
        into result: inout JSONObject,
        depth: Int
    ) throws(ProtobufError) {
        guard depth < deepest else { throw ProtobufError(message: "nested too deeply") }
        var reader = ProtobufReader(bytes)
        while let (number, value) = try reader.next() {
            // Fields that are not known belong to releases to come.
            switch ProtobufNumbers.all.types[type]?[number] {
            case .named(let name):
                guard let field = object.fields.first(where: { $0.name == name }) else { continue }
                try set(field, value, in: &result, depth: depth)
            case .embedded(let other):
                guard case .bytes(let inner) = value else { throw wrongType(other) }
                try read(inner, numbersOf: other, fieldsOf: object, into: &result, depth: depth + 1)
            case nil: continue
            }
        }
    }

    private static func set(
        _ field: TypeTable.Field,
        _ value: ProtobufReader.Value,
        in result: inout JSONObject,
        depth: Int
    ) throws(ProtobufError) {
        switch field.type {
        case .list(let element):
            var elements = result[field.name]?.arrayValue ?? []
            elements += try self.elements(value, element, field.name, depth: depth)
            result[field.name] = .array(elements)
        case .map(let element):
            guard case .bytes(let entry) = value else { throw wrongType(field.name) }
            var members = result[field.name]?.objectValue ?? [:]
            let (key, member) = try pair(entry, element, depth: depth)
            members[key] = member
            result[field.name] = .object(members)
        case .named(let name):
            guard case .bytes(let inner) = value else { throw wrongType(field.name) }
            result[field.name] = try message(inner, name, depth: depth + 1)
        case .scalar(let scalar):
            guard let read = try ProtobufScalar.value(value, scalar) else { return }
            // What is not a pointer in Go is always sent, and means nothing when it is zero.
            if field.keepsZero || !ProtobufScalar.isZero(read) { result[field.name] = read }
        }
    }

    /// One element, or several numbers at once in the packed form.
    private static func elements(
        _ value: ProtobufReader.Value,
        _ type: TypeTable.TypeName,
        _ field: String,
        depth: Int
    ) throws(ProtobufError) -> [JSONValue] {
        if case .bytes(let bytes) = value, case .scalar(let scalar) = type, ProtobufScalar.isPackable(scalar) {
            var reader = ProtobufReader(bytes)
            var elements: [JSONValue] = []
            while !reader.isAtEnd {
                if let element = try ProtobufScalar.value(.varint(try reader.varint()), scalar) {
                    elements.append(element)
                }
            }
            return elements
        }
        return [try element(value, type, field, depth: depth)]
    }

    private static func element(
        _ value: ProtobufReader.Value,
        _ type: TypeTable.TypeName,
        _ field: String,
        depth: Int
    ) throws(ProtobufError) -> JSONValue {
        switch type {
        case .scalar(let scalar): return try ProtobufScalar.value(value, scalar) ?? .null
        case .named(let name):
            guard case .bytes(let bytes) = value else { throw wrongType(field) }
            return try message(bytes, name, depth: depth + 1)
        case .list(let inner):
            // A list inside a map is a message of its own with the list as its only field.
            guard case .bytes(let bytes) = value else { throw wrongType(field) }
            var reader = ProtobufReader(bytes)
            var elements: [JSONValue] = []
            while let (_, value) = try reader.next() {
                elements.append(try element(value, inner, field, depth: depth + 1))
            }
            return .array(elements)
        case .map: throw wrongType(field)
        }
    }

    private static func pair(
        _ bytes: ArraySlice<UInt8>,
        _ type: TypeTable.TypeName,
        depth: Int
    ) throws(ProtobufError) -> (String, JSONValue) {
        var reader = ProtobufReader(bytes)
        var key = ""
        var member: JSONValue?
        while let (number, value) = try reader.next() {
            if number == 1, case .bytes(let bytes) = value { key = try text(bytes) }
            if number == 2 { member = try element(value, type, key, depth: depth + 1) }
        }
        if let member { return (key, member) }
        return (key, try element(.bytes([]), type, key, depth: depth + 1))
    }

    private static func wrongType(_ field: String) -> ProtobufError {
        ProtobufError(message: "wrong wireType for field \(field)")
    }

    static func text(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ProtobufError(message: "a string is not valid UTF-8")
        }
        return text
    }
}
