/// Leaves `apiVersion` and `kind` out of an object's bytes, as lists of built-in kinds show their items.
///
/// It works on the bytes that the store keeps (keys sorted, no blanks) and copies what lies between.
enum TypeRemoval {
    private static let version = Array("\"apiVersion\":".utf8)
    private static let kind = Array("\"kind\":".utf8)

    /// Appends the object without the two members.
    static func append(_ object: [UInt8], to bytes: inout [UInt8]) {
        let span = object.span
        guard span.count > 1, span[0] == UInt8(ascii: "{") else {
            bytes += object
            return
        }
        bytes.append(UInt8(ascii: "{"))
        var index = 1
        var isFirst = true
        var pending = 2
        while index < span.count - 1 {
            // Behind the second of the two everything is copied as it is.
            let end = pending > 0 ? memberEnd(span, from: index) : span.count - 1
            if pending > 0, begins(span, at: index, with: version) || begins(span, at: index, with: kind) {
                pending -= 1
            } else {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                bytes += object[index..<end]
            }
            index = end + 1
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func begins(_ span: Span<UInt8>, at index: Int, with prefix: [UInt8]) -> Bool {
        guard index + prefix.count <= span.count else { return false }
        for offset in prefix.indices where span[index + offset] != prefix[offset] { return false }
        return true
    }

    /// The index of the comma or brace behind the member that begins at `index`.
    private static func memberEnd(_ span: Span<UInt8>, from start: Int) -> Int {
        var index = start
        var depth = 0
        while index < span.count {
            switch span[index] {
            case UInt8(ascii: "\""): index = stringEnd(span, from: index)
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return index }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return index
            default: break
            }
            index += 1
        }
        return span.count - 1
    }

    /// The index of the closing quote.
    private static func stringEnd(_ span: Span<UInt8>, from start: Int) -> Int {
        var index = start + 1
        while index < span.count, span[index] != UInt8(ascii: "\"") {
            index += span[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return index
    }
}
