internal import FoundationEssentials
package import JSON

/// Does to objects of built-in kinds what Go's decoding into structs and encoding out of them does: wrong types are
/// refused in its words, what is as good as absent goes away, amounts and bytes are checked.
package struct TypedDecoding: Sendable {
    private let types: TypeTable
    /// The full name of the type of the whole object.
    private let root: String

    /// Decodes objects of a version of a built-in kind.
    package init(group: String, version: String, kind: String) {
        self.init(BuiltinCatalogue.typeName(group: group, version: version, kind: kind))
    }

    private init(_ root: String) {
        types = BuiltinCatalogue.types
        self.root = root
    }

    /// Decodes `metadata` alone, which custom resources share with all others.
    package static let metadata = TypedDecoding("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")

    /// What the decoder says of a value that does not fit its field; nil when everything fits.
    package func mismatch(_ object: JSONValue, path: String = "") -> String? {
        mismatch(object, .named(root), owner: Self.short(root), path: path)
    }

    /// The object without nulls and without zeros that mean nothing, and with amounts as the server writes them.
    ///
    /// Fields that the type does not have are left as they are.
    package func normalized(_ object: JSONValue) -> JSONValue {
        normalized(object, .named(root))
    }

    private static func short(_ name: String) -> String {
        name.split(separator: ".").last.map { String($0) } ?? name
    }

    // MARK: what does not fit

    private func mismatch(_ value: JSONValue, _ type: TypeTable.TypeName, owner: String, path: String) -> String? {
        switch (type, value) {
        case (_, .null): return nil
        case (.named(let name), .object(let members)):
            guard let object = types.objects[name] else { return nil }
            for field in object.allFields {
                guard let member = members[field.name] else { continue }
                let inner = path.isEmpty ? field.name : "\(path).\(field.name)"
                if let text = mismatch(member, field.type, owner: Self.short(name), path: inner) { return text }
            }
            return nil
        case (.list(let element), .array(let elements)):
            return elements.lazy.compactMap { mismatch($0, element, owner: owner, path: path) }.first
        case (.map(let element), .object(let members)):
            return members.values.lazy.compactMap { mismatch($0, element, owner: owner, path: path) }.first
        case (.scalar(let scalar), _):
            return mismatch(value, scalar) { found, wanted in
                "json: cannot unmarshal \(found) into Go struct field \(owner).\(path) of type \(wanted)"
            }
        default:
            return "json: cannot unmarshal \(value.goKind) into Go "
                + (path.isEmpty ? "value" : "struct field \(owner).\(path)") + " of type \(goType(type))"
        }
    }

    private func mismatch(_ value: JSONValue, _ scalar: TypeTable.Scalar, _ text: (String, String) -> String) -> String?
    {
        switch (scalar, value) {
        case (.any, _), (.object, _), (.string, .string), (.bool, .bool), (.double, .number): return nil
        case (.intOrString, .string), (.intOrString, .number): return nil
        case (.int32, .number(let number)):
            let fits = number.int64.map { Int32(exactly: $0) != nil } ?? false
            return fits ? nil : text("number \(number.literal)", "int32")
        case (.int64, .number(let number)): return number.int64 == nil ? text("number \(number.literal)", "int64") : nil
        case (.bytes, .string(let encoded)):
            return Base64.firstProblem(encoded).map { "illegal base64 data at input byte \($0)" }
        case (.quantity, .string(let amount)): return CanonicalQuantity.text(amount) == nil ? Self.noQuantity : nil
        case (.quantity, .number(let amount)):
            return CanonicalQuantity.text(amount.literal) == nil ? Self.noQuantity : nil
        case (.quantity, _): return Self.noQuantity
        case (.time, .string(let time)), (.microTime, .string(let time)):
            guard RFC3339.date(from: time) == nil else { return nil }
            let layout = scalar == .time ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00"
            return "parsing time \"\(time)\" as \"\(layout)\": cannot parse \"\(time)\" as \"2006\""
        case (.time, _), (.microTime, _):
            return "json: cannot unmarshal \(value.goKind) into Go value of type string"
        case (.intOrString, _): return text(value.goKind, "int32")
        default: return text(value.goKind, goType(.scalar(scalar)))
        }
    }

    private static let noQuantity =
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

    private func goType(_ type: TypeTable.TypeName) -> String {
        switch type {
        case .named(let name): name.split(separator: ".").suffix(2).joined(separator: ".")
        case .list(let element): "[]\(goType(element))"
        case .map(.scalar(.quantity)): "v1.ResourceList"
        case .map(let element): "map[string]\(goType(element))"
        case .scalar(.bytes): "[]uint8"
        case .scalar(.double): "float64"
        case .scalar(let scalar): scalar.rawValue
        }
    }

    // MARK: the form that is kept

    private func normalized(_ value: JSONValue, _ type: TypeTable.TypeName) -> JSONValue {
        switch (type, value) {
        case (.named(let name), .object(let members)):
            guard let object = types.objects[name] else { return value }
            return .object(normalized(members, object))
        case (.list(let element), .array(let elements)): return .array(elements.map { normalized($0, element) })
        case (.map(let element), .object(let members)):
            return .object(JSONObject(members.map { ($0.key, normalized($0.value, element)) }))
        case (.scalar(.quantity), .string(let text)): return .string(CanonicalQuantity.text(text) ?? text)
        case (.scalar(.quantity), .number(let number)):
            return .string(CanonicalQuantity.text(number.literal) ?? number.literal)
        default: return value
        }
    }

    private func normalized(_ members: JSONObject, _ object: TypeTable.Object) -> JSONObject {
        var members = members
        for field in object.allFields {
            guard let member = members[field.name] else { continue }
            let value = normalized(member, field.type)
            members[field.name] = field.isAsGoodAsAbsent(value) ? nil : value
        }
        return members
    }
}

extension TypeTable.Field {
    /// Whether the server makes no difference between a value and nothing.
    fileprivate func isAsGoodAsAbsent(_ value: JSONValue) -> Bool {
        if value.isNull { return type != .scalar(.any) }
        guard !keepsZero else { return false }
        switch (type, value) {
        case (.scalar(.any), _), (.scalar(.object), _), (.scalar(.quantity), _), (.named, _): return false
        case (.scalar, .string(let text)): return text.isEmpty
        case (.scalar, .number(let number)): return number.double == 0
        case (.scalar, .bool(let flag)): return !flag
        case (.list, .array(let elements)): return elements.isEmpty && !showsNull
        case (.map, .object(let members)): return members.isEmpty
        default: return false
        }
    }
}

/// Base64 as Go reads it.
enum Base64 {
    /// The index of the byte at which decoding fails, line ends counted; nil when it succeeds.
    static func firstProblem(_ text: String) -> Int? {
        var count = 0
        var start = 0
        var padding = 0
        for (index, byte) in text.utf8.enumerated() where byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
            if count.isMultiple(of: 4) { start = index }
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                guard padding == 0 else { return index }
            case UInt8(ascii: "="):
                guard count % 4 >= 2 else { return index }
                padding += 1
            default: return index
            }
            count += 1
        }
        return count.isMultiple(of: 4) ? nil : start
    }
}
