/// One line of an answer's head.
enum HeaderLine: Equatable {
    /// "HTTP/1.1 200 OK"
    case status(Int)
    /// "Name: value"
    case field(HTTPHeader)
    /// The empty line.
    case end
    /// A line without meaning here: folded, or no field at all.
    case ignored
    /// A status line without a status.
    case invalid

    init(_ bytes: UnsafeRawBufferPointer) {
        let line = unsafe Self.trim(bytes[...])
        if unsafe line.isEmpty {
            self = .end
        } else if unsafe bytes.starts(with: "HTTP/".utf8) {
            let status = unsafe line.drop { $0 != Self.blank }.drop { $0 == Self.blank }.prefix { $0 != Self.blank }
            self = unsafe Self.number(status).map(Self.status) ?? .invalid
        } else if let colon = unsafe line.firstIndex(of: UInt8(ascii: ":")), unsafe colon > line.startIndex,
            unsafe !Self.isBlank(bytes[0])
        {
            let name = unsafe String(decoding: line[..<colon], as: UTF8.self)
            let value = unsafe String(decoding: Self.trim(line[(colon + 1)...]), as: UTF8.self)
            self = .field(HTTPHeader(name: name, value: value))
        } else {
            self = .ignored
        }
    }

    private static let blank = UInt8(ascii: " ")

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == blank || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n")
    }

    private static func trim(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var bytes = unsafe bytes
        while let first = unsafe bytes.first, isBlank(first) { unsafe bytes = bytes.dropFirst() }
        while let last = unsafe bytes.last, isBlank(last) { unsafe bytes = bytes.dropLast() }
        return unsafe bytes
    }

    /// Three digits, as HTTP has them.
    private static func number(_ digits: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard unsafe digits.count == 3, let text = unsafe String(validating: digits, as: UTF8.self) else { return nil }
        return text.utf8.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) ? Int(text) : nil
    }
}
