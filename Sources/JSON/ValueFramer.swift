/// Finds where one JSON value ends, over any number of chunks, without building or copying anything.
///
/// It follows strings and nesting only; whether the value is valid inside is for the parser to say. The splitters and
/// the parser's skipping share it. `begin` starts a value at its first byte, `scan` is then called with each chunk
/// until it returns the end.
struct ValueFramer: Sendable {
    /// What a byte outside of strings means.
    private enum Mode: Sendable {
        /// In a number or a literal outside of all containers; it ends before the first byte that cannot be in it.
        case scalar
        /// Between the strings of a container.
        case structure
        case string
        /// In a string, right after a backslash.
        case escape
    }

    private let maxDepth: Int
    private var mode = Mode.structure
    private var depth = 0

    init(maxDepth: Int) {
        self.maxDepth = maxDepth
    }

    /// Starts a value whose first byte is `byte`, and says whether a value can start so.
    ///
    /// `scan` begins with that same byte.
    mutating func begin(with byte: UInt8) -> Bool {
        depth = 0
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""):
            mode = .structure
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "t"), UInt8(ascii: "f"),
            UInt8(ascii: "n"):
            mode = .scalar
        default:
            return false
        }
        return true
    }

    /// Whether the end of the input would complete the value.
    var endsWithInput: Bool { mode == .scalar }

    /// Goes on with the value that began or continues at `start`, and gives the index behind it, or nil when the
    /// bytes do not complete it.
    ///
    /// `base` is the stream offset of `bytes[0]`, for errors.
    mutating func scan(_ bytes: Span<UInt8>, from start: Int, base: Int) throws(JSONError) -> Int? {
        if mode == .scalar { return Self.scalarEnd(bytes, from: start) }
        var index = start
        if mode == .escape, index < bytes.count {
            index += 1
            mode = .string
        }
        while index < bytes.count {
            guard mode == .string else {
                guard try structure(bytes, &index, base: base) else { continue }
                return index
            }
            index = ByteSearch.firstStringEnd(bytes, from: index)
            guard index < bytes.count else { return nil }
            guard bytes[index] == UInt8(ascii: "\"") else {
                index += 2
                guard index <= bytes.count else {
                    mode = .escape
                    return nil
                }
                continue
            }
            mode = .structure
            index += 1
            if depth == 0 { return index }
        }
        return nil
    }

    /// Walks between strings up to the next one, the end of the value (true) or the end of the bytes.
    @inline(__always)
    private mutating func structure(_ bytes: Span<UInt8>, _ index: inout Int, base: Int) throws(JSONError) -> Bool {
        while index < bytes.count {
            let byte = bytes[index]
            index &+= 1
            switch byte {
            case UInt8(ascii: "\""):
                mode = .string
                return false
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth &+= 1
                guard depth <= maxDepth else { throw .tooDeep(maxDepth, at: base + index - 1) }
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth &-= 1
                if depth == 0 { return true }
            default:
                break
            }
        }
        return false
    }

    private static func scalarEnd(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        for index in start..<bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                continue
            default:
                return index
            }
        }
        return nil
    }
}

extension UInt8 {
    /// Whether JSON allows this byte between tokens.
    @inline(__always)
    var isJSONSpace: Bool {
        self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09
    }
}

extension JSONError {
    static func tooDeep(_ maxDepth: Int, at offset: Int) -> JSONError {
        JSONError(kind: .tooDeep, offset: offset, message: "nested deeper than \(maxDepth)")
    }

    static func tooLarge(_ maxBytes: Int, at offset: Int) -> JSONError {
        JSONError(kind: .tooLarge, offset: offset, message: "larger than \(maxBytes) bytes")
    }

    static func unexpectedEnd(at offset: Int) -> JSONError {
        JSONError(kind: .unexpectedEnd, offset: offset, message: "the input ends inside a value")
    }

    static func unexpectedByte(_ expected: String, at offset: Int) -> JSONError {
        JSONError(kind: .unexpectedByte, offset: offset, message: "expected \(expected)")
    }
}
