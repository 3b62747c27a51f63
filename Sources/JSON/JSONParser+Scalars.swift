extension JSONParser {
    /// Parses a string from behind its opening quote to behind its closing one.
    mutating func string(_ bytes: Span<UInt8>) throws(JSONError) -> String {
        let start = index
        let isASCII = try scanPlain(bytes)
        guard bytes[index] != UInt8(ascii: "\"") else {
            defer { index += 1 }
            return try Self.text(bytes.extracting(start..<index), isASCII: isASCII, at: start)
        }
        return try escapedString(bytes, from: start)
    }

    /// Moves to the next quote or backslash.
    ///
    /// - Returns: whether all bytes on the way were ASCII.
    @inline(__always)
    mutating func scanPlain(_ bytes: Span<UInt8>) throws(JSONError) -> Bool {
        var high: UInt64 = 0
        while index &+ 8 <= bytes.count {
            let word = ByteSearch.word(bytes, at: index)
            let marks = ByteSearch.stringEnds(word) | ByteSearch.controls(word)
            if marks != 0 {
                let before = marks.trailingZeroBitCount & ~7
                high |= ByteSearch.nonASCII(word) & ((1 << before) &- 1)
                index &+= before / 8
                try refuseControl(bytes[index])
                return high == 0
            }
            high |= ByteSearch.nonASCII(word)
            index &+= 8
        }
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return high == 0 }
            try refuseControl(byte)
            high |= UInt64(byte & 0x80)
            index &+= 1
        }
        throw .unexpectedEnd(at: index)
    }

    @inline(__always)
    private func refuseControl(_ byte: UInt8) throws(JSONError) {
        guard byte >= 0x20 else {
            throw JSONError(kind: .controlCharacter, offset: index, message: "raw control character in a string")
        }
    }

    /// Copies bytes into a string of its own; the input is never kept alive by a value.
    @inline(__always)
    private static func text(_ bytes: Span<UInt8>, isASCII: Bool, at offset: Int) throws(JSONError) -> String {
        if isASCII {
            // Every byte has been seen to be ASCII.
            return unsafe String(copying: UTF8Span(unchecked: bytes, isKnownASCII: true))
        }
        do {
            return String(copying: try UTF8Span(validating: bytes))
        } catch {
            throw JSONError(
                kind: .invalidUTF8,
                offset: offset + error.byteOffsets.lowerBound,
                message: "invalid UTF-8 in a string"
            )
        }
    }

    /// Parses a string with escapes; the index is at the first backslash.
    private mutating func escapedString(_ bytes: Span<UInt8>, from start: Int) throws(JSONError) -> String {
        var text = try Self.text(bytes.extracting(start..<index), isASCII: false, at: start)
        while bytes[index] == UInt8(ascii: "\\") {
            text.unicodeScalars.append(try escape(bytes))
            let plainStart = index
            let isASCII = try scanPlain(bytes)
            text += try Self.text(bytes.extracting(plainStart..<index), isASCII: isASCII, at: plainStart)
        }
        index += 1
        return text
    }

    /// Parses one escape, or the two that make a surrogate pair.
    ///
    /// Half a pair is an error, where Go puts a replacement character: what is written back must be what was read.
    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let start = index
        guard index + 1 < bytes.count else { throw .unexpectedEnd(at: bytes.count) }
        let kind = bytes[index + 1]
        index += 2
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(kind)
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw .invalidEscape("unknown escape", at: start)
        }
        let unit = try hexUnit(bytes)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, index + 1 < bytes.count, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { throw .invalidEscape("half of a surrogate pair", at: start) }
        index += 2
        let low = try hexUnit(bytes)
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw .invalidEscape("half of a surrogate pair", at: start) }
        return scalar
    }

    /// Parses four hexadecimal digits.
    private mutating func hexUnit(_ bytes: Span<UInt8>) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw .unexpectedEnd(at: index) }
            let byte = bytes[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw .invalidEscape("expected four hexadecimal digits", at: index)
            }
            unit = unit << 4 | UInt32(digit)
            index += 1
        }
        return unit
    }

    /// Parses a number by the grammar of RFC 8259 and keeps its text.
    mutating func number(_ bytes: Span<UInt8>) throws(JSONError) -> JSONNumber {
        let start = index
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        let firstDigit = index
        let digits = skipDigits(bytes)
        guard digits > 0 else {
            if index == bytes.count { throw .unexpectedEnd(at: index) }
            if start == firstDigit { throw .unexpectedByte("a value", at: index) }
            throw .invalidNumber("expected a digit", at: index)
        }
        guard digits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
            throw .invalidNumber("leading zero", at: firstDigit)
        }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            try requireDigits(bytes)
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            try requireDigits(bytes)
        }
        return JSONNumber(checkedLiteral: try Self.text(bytes.extracting(start..<index), isASCII: true, at: start))
    }

    private mutating func skipDigits(_ bytes: Span<UInt8>) -> Int {
        let start = index
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
            index &+= 1
        }
        return index - start
    }

    private mutating func requireDigits(_ bytes: Span<UInt8>) throws(JSONError) {
        guard skipDigits(bytes) == 0 else { return }
        if index == bytes.count { throw .unexpectedEnd(at: index) }
        throw .invalidNumber("expected a digit", at: index)
    }
}

extension JSONError {
    fileprivate static func invalidEscape(_ message: String, at offset: Int) -> JSONError {
        JSONError(kind: .invalidEscape, offset: offset, message: message)
    }

    fileprivate static func invalidNumber(_ message: String, at offset: Int) -> JSONError {
        JSONError(kind: .invalidNumber, offset: offset, message: message)
    }
}
