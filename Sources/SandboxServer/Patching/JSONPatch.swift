package import JSON

/// A JSON patch, RFC 6902, as the API server applies it.
///
/// It differs from the RFC where the server does: negative indices count from the end, `replace` adds a member that is
/// missing, and a member that is missing is taken for null by `test` and `copy`.
package struct JSONPatch: Sendable {
    /// The most operations that the API server takes.
    static let maximumOperations = 10_000

    private let operations: [JSONObject]

    /// Reads a patch; operations are checked when they are applied.
    ///
    /// - Throws: ``APIFailure`` 400 for anything but an array of objects, 413 for too many operations.
    package init(_ document: JSONValue) throws(APIFailure) {
        let elements: [JSONValue]
        switch document {
        case .array(let values): elements = values
        case .null: elements = []
        default: throw Self.undecodable(document, "[]handlers.jsonPatchOp")
        }
        var operations: [JSONObject] = []
        for element in elements {
            guard case .object(let operation) = element else {
                throw Self.undecodable(element, "handlers.jsonPatchOp")
            }
            for key in ["op", "path", "from"] {
                guard let value = operation[key], value.stringValue == nil, !value.isNull else { continue }
                throw Self.undecodable(value, "struct field jsonPatchOp.\(key) of type string", preposition: "")
            }
            operations.append(operation)
        }
        guard operations.count <= Self.maximumOperations else {
            throw APIFailure(
                code: 413,
                reason: "RequestEntityTooLarge",
                message: "Request entity too large: The allowed maximum operations in a JSON patch is "
                    + "\(Self.maximumOperations), got \(operations.count)"
            )
        }
        self.operations = operations
    }

    private static func undecodable(
        _ value: JSONValue,
        _ target: String,
        preposition: String = "value of type "
    ) -> APIFailure {
        .badRequest("error decoding patch: json: cannot unmarshal \(value.goKind) into Go \(preposition)\(target)")
    }

    /// The document after all operations.
    ///
    /// - Throws: ``APIFailure`` 422 when one of them cannot be carried out, a `test` included. The server does not say
    ///   which: the text is the one of all answers without a reason of their own.
    package func applied(to document: JSONValue) throws(APIFailure) -> JSONValue {
        var result = document
        for operation in operations {
            do {
                try Self.apply(operation, to: &result)
            } catch {
                throw .unexplained
            }
        }
        return result
    }

    /// An operation that cannot be carried out.
    private struct Inapplicable: Error {}

    private static func apply(_ operation: JSONObject, to document: inout JSONValue) throws(Inapplicable) {
        let value = operation["value"] ?? .null
        let path = try pointer(operation["path"])
        switch operation["op"]?.stringValue {
        case "add": try add(value, at: path, to: &document)
        case "remove": _ = try remove(path, from: &document)
        case "replace": try replace(path, with: value, in: &document)
        case "test":
            guard try read(path, in: document) == value else { throw Inapplicable() }
        case "move":
            let moved = try remove(pointer(operation["from"]), from: &document)
            try add(moved, at: path, to: &document)
        case "copy":
            let copied = try read(pointer(operation["from"]), in: document)
            try add(copied, at: path, to: &document)
        default: throw Inapplicable()
        }
    }
}

extension JSONPatch {
    /// The keys of a JSON pointer, RFC 6901; none for the whole document.
    private static func pointer(_ text: JSONValue?) throws(Inapplicable) -> ArraySlice<String> {
        guard let text = text?.stringValue, text.isEmpty || text.hasPrefix("/") else { throw Inapplicable() }
        return text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(unescaped)[...]
    }

    private static func unescaped(_ key: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in key.unicodeScalars {
            switch (isEscaped, character) {
            case (false, "~"): isEscaped = true
            case (false, _): result.unicodeScalars.append(character)
            case (true, "0"), (true, "1"):
                result += character == "0" ? "~" : "/"
                isEscaped = false
            case (true, _):
                result += "~"
                isEscaped = character == "~"
                if !isEscaped { result.unicodeScalars.append(character) }
            }
        }
        return isEscaped ? result + "~" : result
    }

    /// The position that a key names in an array of `count` elements or, to insert at, gaps.
    private static func index(_ key: String, below count: Int) throws(Inapplicable) -> Int {
        guard let index = Int(key), index < count, index >= -count else { throw Inapplicable() }
        return index < 0 ? index + count : index
    }

    private static func read(_ path: ArraySlice<String>, in value: JSONValue) throws(Inapplicable) -> JSONValue {
        guard let key = path.first else { return value }
        switch value {
        case .object(let members):
            guard let member = members[key] else {
                if path.count == 1 { return .null }
                throw Inapplicable()
            }
            return try read(path.dropFirst(), in: member)
        case .array(let elements):
            return try read(path.dropFirst(), in: elements[index(key, below: elements.count)])
        default: throw Inapplicable()
        }
    }

    /// Changes the object or array that holds what a path points to.
    private static func change<Result>(
        _ path: ArraySlice<String>,
        in value: inout JSONValue,
        _ body: (_ key: String, _ container: inout JSONValue) throws(Inapplicable) -> Result
    ) throws(Inapplicable) -> Result {
        guard let key = path.first else { throw Inapplicable() }
        guard path.count > 1 else { return try body(key, &value) }
        switch value {
        case .object(var members):
            guard var member = members[key] else { throw Inapplicable() }
            value = .null
            let result = try change(path.dropFirst(), in: &member, body)
            members[key] = member
            value = .object(members)
            return result
        case .array(var elements):
            let position = try index(key, below: elements.count)
            value = .null
            let result = try change(path.dropFirst(), in: &elements[position], body)
            value = .array(elements)
            return result
        default: throw Inapplicable()
        }
    }

    private static func add(
        _ added: JSONValue,
        at path: ArraySlice<String>,
        to document: inout JSONValue
    ) throws(Inapplicable) {
        try change(path, in: &document) { key, container throws(Inapplicable) in
            switch container {
            case .object: container[key] = .some(added)
            case .array(var elements):
                let position = key == "-" ? elements.count : try index(key, below: elements.count + 1)
                elements.insert(added, at: position)
                container = .array(elements)
            default: throw Inapplicable()
            }
        }
    }

    private static func remove(
        _ path: ArraySlice<String>,
        from document: inout JSONValue
    ) throws(Inapplicable) -> JSONValue {
        try change(path, in: &document) { key, container throws(Inapplicable) in
            switch container {
            case .object:
                guard let removed = container[key] else { throw Inapplicable() }
                container[key] = nil
                return removed
            case .array(var elements):
                let removed = elements.remove(at: try index(key, below: elements.count))
                container = .array(elements)
                return removed
            default: throw Inapplicable()
            }
        }
    }

    private static func replace(
        _ path: ArraySlice<String>,
        with value: JSONValue,
        in document: inout JSONValue
    ) throws(Inapplicable) {
        guard !path.isEmpty else {
            document = value
            return
        }
        try change(path, in: &document) { key, container throws(Inapplicable) in
            switch container {
            case .object: container[key] = .some(value)
            case .array(var elements):
                elements[try index(key, below: elements.count)] = value
                container = .array(elements)
            default: throw Inapplicable()
            }
        }
    }
}
