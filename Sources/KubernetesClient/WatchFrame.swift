import JSON
import KubernetesCore

/// The two parts of a watch event, `{"type": ..., "object": ...}`, with the object still as bytes.
struct WatchFrame {
    let type: String
    let object: [UInt8]

    private static let head = Array(#"{"type":""#.utf8)
    private static let middle = Array(#"","object":"#.utf8)

    /// Takes a frame apart.
    ///
    /// API servers write the two fields in this order and without blanks, so the object can be cut out; any other
    /// spelling goes through a JSON value.
    init(_ frame: [UInt8]) throws {
        if let parts = Self.cut(frame) {
            self = parts
            return
        }
        let value = try JSONValue(parsing: frame)
        guard let type = value["type"]?.stringValue, let object = value["object"] else {
            throw ObjectFormatError("watch event without type or object")
        }
        self.init(type: type, object: object.serialized())
    }

    private init(type: String, object: [UInt8]) {
        self.type = type
        self.object = object
    }

    private static func cut(_ frame: [UInt8]) -> WatchFrame? {
        guard frame.starts(with: head), frame.last == UInt8(ascii: "}") else { return nil }
        let afterHead = frame[head.count...]
        guard let quote = afterHead.prefix(16).firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let type = afterHead[..<quote]
        let rest = frame[quote...]
        guard rest.starts(with: middle), type.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) })
        else { return nil }
        let object = rest.dropFirst(middle.count).dropLast()
        // Further fields would follow the object's brace; an object that is no object is left to the parser.
        guard object.first == UInt8(ascii: "{"), object.last == UInt8(ascii: "}") else { return nil }
        return WatchFrame(type: String(decoding: type, as: UTF8.self), object: Array(object))
    }
}
