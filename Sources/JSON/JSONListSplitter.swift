/// Cuts a Kubernetes list into its items while it arrives, so that no more than one item is held.
///
/// ```swift
/// var list = JSONListSplitter()
/// for try await chunk in body {
///     for item in try list.append(chunk) { store(try JSONValue(parsing: item, projection: .kubernetes)) }
/// }
/// let resourceVersion = try list.finish()["metadata"]?["resourceVersion"]?.stringValue
/// ```
public struct JSONListSplitter: Sendable {
    /// Where in the list the next byte stands.
    private enum Place: Sendable {
        case start
        /// Behind the opening brace.
        case firstKey
        /// Behind a comma.
        case key
        case insideKey
        case colon
        case value
        case insideValue
        /// Behind a member.
        case comma
        /// Behind the bracket that opens `items`.
        case firstElement
        case element
        case insideElement
        /// Behind an element.
        case elementComma
        /// Behind the list.
        case end
    }

    private let limits: JSONLimits
    private var framer: ValueFramer
    private var place = Place.start
    /// The list without its elements; becomes the envelope.
    private var envelope: [UInt8] = []
    /// What has arrived of the current element.
    private var element: [UInt8] = []
    /// Where in the envelope the current key starts.
    private var keyStart = 0
    /// Whether the current member is `items`.
    private var isItems = false
    /// The stream offset of the next chunk.
    private var offset = 0

    /// Makes a splitter; the limits hold for each item and for the rest of the list.
    public init(limits: JSONLimits = .standard) {
        self.limits = limits
        framer = ValueFramer(maxDepth: limits.maxDepth)
    }

    /// Takes the next bytes and returns the elements of the top-level `items` that they complete, in order.
    ///
    /// - Throws: `JSONError` whose offset counts from the start of the stream; the splitter is unusable then.
    public mutating func append(_ chunk: [UInt8]) throws(JSONError) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        let bytes = chunk.span
        var index = 0
        while index < bytes.count {
            if isInside {
                let end = try framer.scan(bytes, from: index, base: offset)
                let part = chunk[index..<(end ?? chunk.count)]
                if place == .insideElement {
                    try element.append(part, limits, at: offset + index)
                } else {
                    try envelope.append(part, limits, at: offset + index)
                }
                guard let end else { break }
                leaveValue(&elements)
                index = end
            } else {
                let byte = bytes[index]
                if !byte.isJSONSpace { try step(byte, at: offset + index) }
                if !isInside { index += 1 }
            }
        }
        offset += chunk.count
        return elements
    }

    /// Ends the list and returns the rest of it, without `items`: kind, apiVersion and metadata.
    ///
    /// - Throws: `JSONError` when the list is incomplete; offsets of other errors count without the items.
    public mutating func finish() throws(JSONError) -> JSONValue {
        guard place == .end else { throw .unexpectedEnd(at: offset) }
        var list = try JSONValue(parsing: envelope.take(), limits: limits)
        list["items"] = nil
        return list
    }

    private var isInside: Bool {
        place == .insideKey || place == .insideValue || place == .insideElement
    }

    /// Handles the end of a key, a member's value or an element.
    private mutating func leaveValue(_ elements: inout [[UInt8]]) {
        switch place {
        case .insideKey:
            isItems = envelope[keyStart...].elementsEqual(#""items""#.utf8)
            place = .colon
        case .insideElement:
            elements.append(element.take())
            place = .elementComma
        default:
            place = .comma
        }
    }

    /// Handles a byte between values; one that opens a value is left for the framer.
    private mutating func step(_ byte: UInt8, at offset: Int) throws(JSONError) {
        switch (place, byte) {
        case (.start, UInt8(ascii: "{")):
            try keep(byte, then: .firstKey, at: offset)
        case (.firstKey, UInt8(ascii: "}")), (.comma, UInt8(ascii: "}")):
            try keep(byte, then: .end, at: offset)
        case (.firstKey, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            keyStart = envelope.count
            try enter(.insideKey, with: byte, at: offset)
        case (.colon, UInt8(ascii: ":")):
            try keep(byte, then: .value, at: offset)
        case (.value, UInt8(ascii: "[")) where isItems:
            try keep(byte, then: .firstElement, at: offset)
        case (.value, let first) where !isItems || first == UInt8(ascii: "n"):
            try enter(.insideValue, with: byte, at: offset)
        case (.comma, UInt8(ascii: ",")):
            try keep(byte, then: .key, at: offset)
        case (.firstElement, UInt8(ascii: "]")), (.elementComma, UInt8(ascii: "]")):
            try keep(byte, then: .comma, at: offset)
        case (.firstElement, _), (.element, _):
            try enter(.insideElement, with: byte, at: offset)
        case (.elementComma, UInt8(ascii: ",")):
            place = .element
        case (.end, _):
            throw JSONError(kind: .trailingContent, offset: offset, message: "something follows the list")
        default:
            throw .unexpectedByte(expectation, at: offset)
        }
    }

    private mutating func keep(_ byte: UInt8, then next: Place, at offset: Int) throws(JSONError) {
        try envelope.append([byte], limits, at: offset)
        place = next
    }

    private mutating func enter(_ next: Place, with byte: UInt8, at offset: Int) throws(JSONError) {
        guard framer.begin(with: byte) else { throw .unexpectedByte("a value", at: offset) }
        place = next
    }

    private var expectation: String {
        switch place {
        case .start: "a list object"
        case .firstKey, .key: "a key"
        case .colon: "a colon"
        case .value: "an array of items"
        case .elementComma: "a comma or the end of the items"
        default: "a comma or the end of the list"
        }
    }
}
