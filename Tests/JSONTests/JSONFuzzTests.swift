import JSON
import Testing

/// Damaged documents: an error or a value, never a crash, and the same for every way of cutting the stream.
struct JSONFuzzTests {
    private static let documents: [[UInt8]] = [
        #"{"type":"ADDED","object":{"kind":"Pod","metadata":{"name":"web","managedFields":[{"f:a":{"f:b":{}}}]},"n":-1.5e3}}"#,
        #"{"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"managedFields":[1,"]"]}},{"s":"\u00e9\ud83d\ude00\\\""}]}"#,
        #"[null,true,false,0,-0.0,1E+2,"","é😀 and a longer run of text",[[[]]],{"":{}}]"#,
    ].map { Array($0.utf8) }

    /// The outcome of parsing, or the error, in a form that can be compared.
    private func outcome(_ bytes: [UInt8], _ projection: JSONProjection = .all) -> Result<JSONValue, JSONError> {
        Result { () throws(JSONError) in try JSONValue(parsing: bytes, projection: projection) }
    }

    /// The outcome of splitting: the values, and the error that ended the stream.
    private func split(_ chunks: [[UInt8]]) -> (values: [[UInt8]], error: JSONError?) {
        var splitter = JSONSplitter(limits: JSONLimits(maxDepth: 8))
        var values: [[UInt8]] = []
        do throws(JSONError) {
            for chunk in chunks {
                values += try splitter.append(chunk)
            }
            if let last = try splitter.finish() { values.append(last) }
            return (values, nil)
        } catch {
            return (values, error)
        }
    }

    private func splitList(_ chunks: [[UInt8]]) -> (items: [[UInt8]], envelope: Result<JSONValue, JSONError>) {
        var splitter = JSONListSplitter(limits: JSONLimits(maxDepth: 8))
        var items: [[UInt8]] = []
        return (
            items,
            Result { () throws(JSONError) in
                for chunk in chunks {
                    items += try splitter.append(chunk)
                }
                return try splitter.finish()
            }
        )
    }

    @Test(arguments: 0..<4)
    func `What parses is written and parsed again to the same value`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<2_000 {
            let bytes = Self.documents[round % Self.documents.count].mutated(using: &random)
            switch outcome(bytes) {
            case .success(let value):
                #expect(outcome(value.serialized()) == .success(value))
            case .failure(let error):
                #expect((0...bytes.count).contains(error.offset))
            }
        }
    }

    @Test(arguments: 0..<4)
    func `Dropping while parsing is the same as removing afterwards`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<2_000 {
            let bytes = Self.documents[round % Self.documents.count].mutated(using: &random)
            let projected = outcome(bytes, .kubernetes)
            guard case .success(var value) = outcome(bytes) else { continue }
            value.removeManagedFields()
            #expect(projected == .success(value))
        }
    }

    @Test(arguments: 0..<4)
    func `The chunks of a damaged stream do not matter`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for round in 0..<1_000 {
            let first = Self.documents[round % Self.documents.count]
            let bytes = (first + [0x0A] + Self.documents[(round + 1) % Self.documents.count]).mutated(using: &random)
            let whole = split([bytes])
            let pieces = split(bytes.randomChunks(upTo: 13, using: &random))
            #expect(pieces.error == whole.error)
            // A value before the error may be handed out or not, depending on the chunk that the error is in.
            if whole.error == nil { #expect(pieces.values == whole.values) }
            let list = splitList([bytes])
            let listPieces = splitList(bytes.randomChunks(upTo: 13, using: &random))
            #expect(listPieces.envelope == list.envelope)
            if case .success = list.envelope { #expect(listPieces.items == list.items) }
        }
    }
}

extension JSONValue {
    /// What `JSONProjection.kubernetes` drops, taken out of a finished value.
    fileprivate mutating func removeManagedFields() {
        removeMember("metadata", "managedFields")
        if var object = self["object"] {
            object.removeMember("metadata", "managedFields")
            self["object"] = object
        }
        guard case .array(var items) = self["items"] else { return }
        for position in items.indices {
            items[position].removeMember("metadata", "managedFields")
        }
        self["items"] = .array(items)
    }

    private mutating func removeMember(_ outer: String, _ inner: String) {
        guard var object = self[outer] else { return }
        object[inner] = nil
        self[outer] = object
    }
}
