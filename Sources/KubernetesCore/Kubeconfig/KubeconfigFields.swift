import FoundationEssentials
import JSON

/// The fields of one mapping in a kubeconfig, read with errors that name file and field.
///
/// As in client-go, null and the empty string count as absent, and unknown fields are of no interest.
struct KubeconfigFields {
    /// The text that a mapping comes from.
    struct Source {
        var file: String
        /// The line of each value by its path.
        var lines: [String: Int]
    }

    let source: Source
    /// The path for messages, in which entries have their names.
    let path: String
    /// The path in the text, in which they have their index.
    private let position: String
    private let members: JSONObject

    init(
        _ value: JSONValue,
        _ source: Source,
        path: String = "",
        position: String = ""
    ) throws(KubeconfigError) {
        self.source = source
        self.path = path
        self.position = position
        switch value {
        case .object(let members): self.members = members
        case .null: members = [:]
        default:
            throw KubeconfigError(
                file: source.file,
                line: source.lines[position],
                field: path,
                message: "must be a mapping, not \(Self.type(of: value))"
            )
        }
    }

    /// The line where the mapping starts, where known.
    var line: Int? { source.lines[position] }

    /// An error about a field, on its line or else on that of the mapping.
    func error(_ field: String, _ message: String) -> KubeconfigError {
        let line = source.lines[Self.join(position, field)] ?? line
        return KubeconfigError(file: source.file, line: line, field: Self.join(path, field), message: message)
    }

    func string(_ field: String) throws(KubeconfigError) -> String? {
        switch members[field] {
        case nil, .null: return nil
        case .string(let text): return text.isEmpty ? nil : text
        case .some(let value): throw wrongType(field, value, "a string; put the value in quotes")
        }
    }

    /// A text that goes into a request header; what would end the header is refused.
    func headerText(_ field: String) throws(KubeconfigError) -> String? {
        guard let text = try string(field) else { return nil }
        try checkHeaderText(field, text)
        return text
    }

    private func checkHeaderText(_ field: String, _ text: String) throws(KubeconfigError) {
        guard text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else { return }
        throw error(field, "contains a line break or another control character; write it on one line")
    }

    func bool(_ field: String) throws(KubeconfigError) -> Bool {
        switch members[field] {
        case nil, .null: return false
        case .bool(let value): return value
        case .some(let value): throw wrongType(field, value, "true or false, without quotes")
        }
    }

    /// Bytes in base64; line breaks inside are allowed.
    func data(_ field: String) throws(KubeconfigError) -> [UInt8]? {
        guard let text = try string(field) else { return nil }
        let compact = text.filter { !$0.isNewline }
        guard let data = Data(base64Encoded: compact) else {
            throw error(field, "is not valid base64; encode the PEM file with `base64 -w0`")
        }
        return Array(data)
    }

    /// PEM in base64.
    func pem(_ field: String) throws(KubeconfigError) -> [UInt8]? {
        guard let bytes = try data(field) else { return nil }
        guard String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") else {
            throw error(field, "does not hold PEM; encode the PEM file, not DER, with `base64 -w0`")
        }
        return bytes
    }

    func strings(_ field: String) throws(KubeconfigError) -> [String] {
        var texts: [String] = []
        for (index, value) in try array(field).enumerated() {
            guard let text = value.stringValue else {
                throw wrongType("\(field)[\(index)]", value, "a string; put the value in quotes")
            }
            texts.append(text)
        }
        return texts
    }

    /// Texts that go into request headers.
    func headerTexts(_ field: String) throws(KubeconfigError) -> [String] {
        let texts = try strings(field)
        for (index, text) in texts.enumerated() { try checkHeaderText("\(field)[\(index)]", text) }
        return texts
    }

    /// A mapping of lists of texts that go into request headers.
    func headerTextLists(_ field: String) throws(KubeconfigError) -> [String: [String]] {
        guard let fields = try object(field) else { return [:] }
        var lists: [String: [String]] = [:]
        for key in fields.members.keys.sorted() { lists[key] = try fields.headerTexts(key) }
        return lists
    }

    func object(_ field: String) throws(KubeconfigError) -> KubeconfigFields? {
        guard let value = members[field], !value.isNull else { return nil }
        return try KubeconfigFields(
            value,
            source,
            path: Self.join(path, field),
            position: Self.join(position, field)
        )
    }

    /// The content of a named entry; people know it by its name.
    func content(_ field: String, path: String) throws(KubeconfigError) -> KubeconfigFields {
        try KubeconfigFields(
            members[field] ?? .null,
            source,
            path: "\(path).\(field)",
            position: Self.join(position, field)
        )
    }

    func objects(_ field: String) throws(KubeconfigError) -> [KubeconfigFields] {
        var list: [KubeconfigFields] = []
        for (index, value) in try array(field).enumerated() {
            let element = "\(field)[\(index)]"
            list.append(
                try KubeconfigFields(
                    value,
                    source,
                    path: Self.join(path, element),
                    position: Self.join(position, element)
                )
            )
        }
        return list
    }

    func json(_ field: String) -> JSONValue? { members[field] }

    private func array(_ field: String) throws(KubeconfigError) -> [JSONValue] {
        switch members[field] {
        case nil, .null: return []
        case .array(let values): return values
        case .some(let value): throw wrongType(field, value, "a list")
        }
    }

    private static func join(_ path: String, _ field: String) -> String {
        path.isEmpty ? field : "\(path).\(field)"
    }

    private func wrongType(_ field: String, _ value: JSONValue, _ expected: String) -> KubeconfigError {
        error(field, "must be \(expected) (found \(Self.type(of: value)))")
    }

    /// What a value is, without showing it.
    private static func type(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "a mapping"
        }
    }
}
