internal import JSON

/// What `fieldValidation` tells about a request body: fields that occur twice and fields that nobody knows.
///
/// With `Strict` the request fails and lists all problems; with `Warn` each problem is a warning of its own.
///
/// ```swift
/// let duplicates = StrictDecoding.duplicateFields(in: body)
/// let unknown = StrictDecoding.unknownFields(schema.prune(&object))
/// let problems = duplicates + unknown
/// ```
package enum StrictDecoding {
    /// The server reports no more problems than this of one kind.
    private static let maxProblems = 100

    /// The sentences about members that occur twice, in the order of the document: `duplicate field "spec.a"`.
    ///
    /// Of bytes that are no valid JSON, whatever was found before the fault.
    package static func duplicateFields(in bytes: [UInt8]) -> [String] {
        var scanner = DuplicateScanner(bytes: bytes)
        return scanner.scan().prefix(maxProblems).map { "duplicate field \($0.goQuoted)" }
    }

    /// The sentences about unknown members: `unknown field "spec.a"`.
    package static func unknownFields(_ paths: [String]) -> [String] {
        paths.prefix(maxProblems).map { "unknown field \($0.goQuoted)" }
    }
}

/// Reads a document for the keys that occur twice in an object.
private struct DuplicateScanner {
    private let bytes: [UInt8]
    private var index = 0
    private var found: [String] = []
    private var seen: Set<String> = []

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The containers that are open, from the outside in.
    private enum Container {
        case object(keys: Set<String>, key: String)
        case array(index: Int)
    }

    /// The paths of all members that occur again.
    mutating func scan() -> [String] {
        var open: [Container] = []
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "{"): open.append(.object(keys: [], key: ""))
            case UInt8(ascii: "["): open.append(.array(index: 0))
            case UInt8(ascii: "}"), UInt8(ascii: "]"): if !open.isEmpty { open.removeLast() }
            case UInt8(ascii: ","):
                if case .array(let position) = open.last { open[open.count - 1] = .array(index: position + 1) }
            case UInt8(ascii: "\""):
                guard let text = string() else { return found }
                if isKey() { note(text, in: &open) }
                continue
            default: break
            }
            index += 1
        }
        return found
    }

    /// Steps over a string and gives it; nil where the document ends inside it.
    private mutating func string() -> String? {
        let start = index
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return nil }
        index += 1
        let raw = bytes[start..<index]
        guard raw.contains(UInt8(ascii: "\\")) else {
            return String(decoding: raw.dropFirst().dropLast(), as: UTF8.self)
        }
        do {
            return try JSONValue(parsing: raw).stringValue
        } catch {
            return nil
        }
    }

    /// Whether a colon follows.
    private func isKey() -> Bool {
        bytes[index...].first { !$0.isSpace } == UInt8(ascii: ":")
    }

    private mutating func note(_ key: String, in open: inout [Container]) {
        guard case .object(var keys, _) = open.last else { return }
        open.removeLast()
        let isNew = keys.insert(key).inserted
        open.append(.object(keys: keys, key: key))
        guard !isNew else { return }
        let path = path(open)
        if seen.insert(path).inserted { found.append(path) }
    }

    private func path(_ open: [Container]) -> String {
        var path = ""
        for container in open {
            switch container {
            case .object(_, let key): path += path.isEmpty ? key : ".\(key)"
            case .array(let index): path += "[\(index)]"
            }
        }
        return path
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
