/// Writes a value as UTF-8 JSON with sorted keys.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private let isPretty: Bool
    private var depth = 0

    init(isPretty: Bool) {
        self.isPretty = isPretty
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let value): bytes.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let value): bytes.append(contentsOf: value.literal.utf8)
        case .string(let value): write(value)
        case .array(let elements): write(elements)
        case .object(let members): write(members)
        }
    }

    private mutating func write(_ elements: [JSONValue]) {
        container(UInt8(ascii: "["), UInt8(ascii: "]"), elements) { writer, element in
            writer.write(element)
        }
    }

    private mutating func write(_ members: JSONObject) {
        container(UInt8(ascii: "{"), UInt8(ascii: "}"), members) { writer, member in
            writer.write(member.key)
            writer.bytes.append(UInt8(ascii: ":"))
            if writer.isPretty { writer.bytes.append(UInt8(ascii: " ")) }
            writer.write(member.value)
        }
    }

    private mutating func container<Elements: Collection>(
        _ open: UInt8,
        _ close: UInt8,
        _ elements: Elements,
        _ body: (inout JSONWriter, Elements.Element) -> Void
    ) {
        bytes.append(open)
        depth += 1
        for (position, element) in elements.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            newLine()
            body(&self, element)
        }
        depth -= 1
        if !elements.isEmpty { newLine() }
        bytes.append(close)
    }

    private mutating func newLine() {
        guard isPretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    /// Writes a string, escaping only what must be.
    mutating func write(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        let span = text.utf8Span.span
        var runStart = 0
        for index in 0..<span.count {
            let byte = span[index]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
            append(span.extracting(runStart..<index))
            escape(byte)
            runStart = index + 1
        }
        append(span.extracting(runStart..<span.count))
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func append(_ span: Span<UInt8>) {
        // The buffer lives as long as the closure, and the array copies it.
        unsafe span.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case let control where control < 0x20:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(UInt8(ascii: "0") + control >> 4)
            bytes.append(contentsOf: String(control & 0xF, radix: 16).utf8)
        default: bytes.append(byte)
        }
    }
}

extension JSONValue {
    /// The document as UTF-8, with sorted keys: the same bytes for equal documents whose numbers have equal texts.
    ///
    /// The pretty form breaks lines and indents by two spaces.
    public func serialized(pretty: Bool = false) -> [UInt8] {
        var writer = JSONWriter(isPretty: pretty)
        writer.write(self)
        return writer.bytes
    }

    /// The document as text: `serialized()`.
    public var text: String { String(decoding: serialized(), as: UTF8.self) }
}
