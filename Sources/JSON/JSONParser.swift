/// Builds a value from the bytes of one document, in one pass, keeping only what the projection keeps.
///
/// It works on a span, so every read is bounds-checked or stands behind a check. Recursion is bounded by
/// `JSONLimits.maxDepth`.
struct JSONParser: ~Copyable {
    typealias Node = JSONProjection.Node

    let limits: JSONLimits
    var index = 0
    private var depth = 0
    /// What the open objects and arrays hold so far; each takes its own off the end when it closes, so that
    /// they are made once, in the right size, and nothing is copied.
    private var members = MoveStack<JSONObject.Arrival>()
    private var elements = MoveStack<JSONValue>()
    private let knownKeys = KnownKeys.shared

    init(limits: JSONLimits) {
        self.limits = limits
    }

    /// Parses the whole span as one document; a document that the projection drops is null.
    mutating func document(_ bytes: Span<UInt8>, projection: JSONProjection) throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.maxBytes else { throw .tooLarge(limits.maxBytes, at: limits.maxBytes) }
        let root = projection.root
        let value = try value(bytes, root, isKept: root?.isKept ?? true) ?? .null
        skipSpace(bytes)
        guard index == bytes.count else {
            throw JSONError(kind: .trailingContent, offset: index, message: "something follows the value")
        }
        return value
    }

    /// Parses or skips the next value, spaces before it included; nil when the value is dropped.
    ///
    /// `node` has the rules below this place; `isKept` says whether values without a rule of their own are kept.
    private mutating func value(
        _ bytes: Span<UInt8>,
        _ node: Node?,
        isKept: Bool
    ) throws(JSONError) -> JSONValue? {
        skipSpace(bytes)
        guard index < bytes.count else { throw .unexpectedEnd(at: index) }
        let byte = bytes[index]
        if !isKept {
            // Dropped, unless it may hold something that is kept.
            let mayHoldKept = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
            guard mayHoldKept, let node, node.keepsSomethingBelow else {
                try skip(bytes)
                return nil
            }
        }
        switch byte {
        case UInt8(ascii: "\""):
            index += 1
            return .string(try string(bytes))
        case UInt8(ascii: "{"):
            return try object(bytes, node, isKept: isKept)
        case UInt8(ascii: "["):
            return try array(bytes, node, isKept: isKept)
        case UInt8(ascii: "t"):
            try literal(bytes, "true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal(bytes, "false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal(bytes, "null")
            return .null
        default:
            return .number(try number(bytes))
        }
    }

    /// Parses from the opening brace to the closing one.
    private mutating func object(_ bytes: Span<UInt8>, _ node: Node?, isKept: Bool) throws(JSONError) -> JSONValue {
        try enter()
        let first = members.count
        var isMore = try !closes(bytes, with: UInt8(ascii: "}"))
        while isMore {
            let (key, prefix) = try self.key(bytes)
            let child = node?.children[key] ?? node?.children["*"]
            if let value = try value(bytes, child, isKept: child?.isKept ?? isKept) {
                JSONObject.Arrival(prefix: prefix, key: key, value: value).arrive(in: &members, from: first)
            }
            isMore = try continues(bytes, orCloses: UInt8(ascii: "}"))
        }
        depth -= 1
        return .object(JSONObject(takingFrom: first, of: &members))
    }

    /// Parses from the opening bracket to the closing one.
    private mutating func array(_ bytes: Span<UInt8>, _ node: Node?, isKept: Bool) throws(JSONError) -> JSONValue {
        try enter()
        let first = elements.count
        let child = node?.children["*"]
        let isElementKept = child?.isKept ?? isKept
        var isMore = try !closes(bytes, with: UInt8(ascii: "]"))
        while isMore {
            if let value = try value(bytes, child, isKept: isElementKept) { elements.push(value) }
            isMore = try continues(bytes, orCloses: UInt8(ascii: "]"))
        }
        depth -= 1
        return .array(elements.take(from: first) { $0 })
    }

    /// Steps over the opening byte of a container.
    private mutating func enter() throws(JSONError) {
        depth += 1
        guard depth <= limits.maxDepth else { throw .tooDeep(limits.maxDepth, at: index) }
        index += 1
    }

    /// Steps over the closing byte of a container when it follows its opening.
    private mutating func closes(_ bytes: Span<UInt8>, with close: UInt8) throws(JSONError) -> Bool {
        skipSpace(bytes)
        guard index < bytes.count else { throw .unexpectedEnd(at: index) }
        guard bytes[index] == close else { return false }
        index += 1
        return true
    }

    /// Steps over the comma (true) or the closing byte (false) behind an element.
    @inline(__always)
    private mutating func continues(_ bytes: Span<UInt8>, orCloses close: UInt8) throws(JSONError) -> Bool {
        skipSpace(bytes)
        guard index < bytes.count else { throw .unexpectedEnd(at: index) }
        let byte = bytes[index]
        guard byte == UInt8(ascii: ",") || byte == close else {
            throw .unexpectedByte("a comma or the end of the container", at: index)
        }
        index += 1
        return byte != close
    }

    /// Parses a key and the colon behind it, and gives the key with its sorting prefix.
    @inline(__always)
    private mutating func key(_ bytes: Span<UInt8>) throws(JSONError) -> (String, JSONObject.KeyPrefix) {
        skipSpace(bytes)
        guard index < bytes.count else { throw .unexpectedEnd(at: index) }
        guard bytes[index] == UInt8(ascii: "\"") else { throw .unexpectedByte("a key", at: index) }
        index += 1
        let start = index
        let isPlain = try scanPlain(bytes) && bytes[index] == UInt8(ascii: "\"")
        let prefix = isPlain ? JSONObject.KeyPrefix(bytes, at: start, count: index - start) : .unknown
        let key: String
        if isPlain, let known = knownKeys.find(bytes, at: start, count: index - start) {
            key = known
            index += 1
        } else {
            index = start
            key = try string(bytes)
        }
        skipSpace(bytes)
        guard index < bytes.count else { throw .unexpectedEnd(at: index) }
        guard bytes[index] == UInt8(ascii: ":") else { throw .unexpectedByte("a colon", at: index) }
        index += 1
        return (key, prefix)
    }

    /// Steps over the next value without building it.
    private mutating func skip(_ bytes: Span<UInt8>) throws(JSONError) {
        var framer = ValueFramer(maxDepth: limits.maxDepth - depth)
        guard framer.begin(with: bytes[index]) else { throw .unexpectedByte("a value", at: index) }
        if let end = try framer.scan(bytes, from: index, base: 0) {
            index = end
        } else {
            guard framer.endsWithInput else { throw .unexpectedEnd(at: bytes.count) }
            index = bytes.count
        }
    }

    private mutating func literal(_ bytes: Span<UInt8>, _ text: StaticString) throws(JSONError) {
        for position in 0..<text.utf8CodeUnitCount {
            guard index < bytes.count else { throw .unexpectedEnd(at: index) }
            // Bounds: position is below the length of the static text.
            guard unsafe bytes[index] == text.utf8Start[position] else {
                throw .unexpectedByte("\(text)", at: index)
            }
            index += 1
        }
    }

    @inline(__always)
    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count, bytes[index].isJSONSpace {
            index &+= 1
        }
    }
}
