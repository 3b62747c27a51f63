import JSON
import Testing

struct JSONListSplitterTests {
    private func split(
        _ text: String,
        chunkSize: Int,
        limits: JSONLimits = .standard
    ) throws -> (items: [String], envelope: String) {
        var splitter = JSONListSplitter(limits: limits)
        var items: [[UInt8]] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: chunkSize) {
            items += try splitter.append(Array(bytes[start..<min(start + chunkSize, bytes.count)]))
        }
        let envelope = try splitter.finish()
        return (items.map { String(decoding: $0, as: UTF8.self) }, envelope.text)
    }

    @Test(
        "Items and envelope are the same for every size of chunk",
        arguments: [
            (
                #"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{"a":1},{"b":[{}]}]}"#,
                [#"{"a":1}"#, #"{"b":[{}]}"#], #"{"kind":"PodList","metadata":{"resourceVersion":"7"}}"#
            ),
            // The metadata may come behind the items.
            (#"{"items":[{"a":"]"}],"kind":"L"}"#, [#"{"a":"]"}"#], #"{"kind":"L"}"#),
            (#" { "items" : [ 1 , "x" , null , [ 2 ] ] , "k" : 3 } "#, ["1", #""x""#, "null", "[ 2 ]"], #"{"k":3}"#),
            (#"{"items":[]}"#, [], "{}"), (#"{"items":null,"k":1}"#, [], #"{"k":1}"#), ("{}", [], "{}"),
            // Only the items of the top level are the list's.
            (#"{"spec":{"items":[1]},"key items":["items"]}"#, [], #"{"key items":["items"],"spec":{"items":[1]}}"#),
            // A failed request answers with a Status in place of the list.
            (#"{"kind":"Status","code":410}"#, [], #"{"code":410,"kind":"Status"}"#),
        ]
    )
    func splitting(text: String, items: [String], envelope: String) throws {
        for size in 1...text.utf8.count {
            let result = try split(text, chunkSize: size)
            #expect(result.items == items)
            #expect(result.envelope == envelope)
        }
    }

    @Test(
        "What is no list is refused",
        arguments: [
            ("", .unexpectedEnd, 0), ("{", .unexpectedEnd, 1), (#"{"items":[1"#, .unexpectedEnd, 11),
            (#"{"items":[1]"#, .unexpectedEnd, 12),
            ("[]", .unexpectedByte, 0), ("{1", .unexpectedByte, 1), (#"{"a","#, .unexpectedByte, 4),
            (#"{"a":,"#, .unexpectedByte, 5),
            (#"{"a":1;"#, .unexpectedByte, 6), (#"{"a":1,}"#, .unexpectedByte, 7), (#"{,"#, .unexpectedByte, 1),
            (#"{"items":{}"#, .unexpectedByte, 9), (#"{"items":"x"}"#, .unexpectedByte, 9),
            (#"{"items":[,]}"#, .unexpectedByte, 10), (#"{"items":[1 2]}"#, .unexpectedByte, 12),
            (#"{"items":[1,]}"#, .unexpectedByte, 12), (#"{"items":[1}"#, .unexpectedByte, 11),
            ("{} x", .trailingContent, 3), ("{}{}", .trailingContent, 2),
            (#"{"items":[[[[[]]]]]}"#, .tooDeep, 13), (#"{"items":[123456789012345678901]}"#, .tooLarge, 30),
            (#"{"kind":"much too long"}"#, .tooLarge, 20),
        ] as [(String, JSONError.Kind, Int)]
    )
    func refusals(text: String, kind: JSONError.Kind, offset: Int) {
        for size in 1...max(1, text.utf8.count) {
            let error = #expect(throws: JSONError.self) {
                try split(text, chunkSize: size, limits: JSONLimits(maxDepth: 3, maxBytes: 20))
            }
            #expect(error?.kind == kind)
            #expect(error?.offset == offset)
        }
    }

    @Test func `An item is handed out before the list is complete`() throws {
        var splitter = JSONListSplitter()
        #expect(try splitter.append(Array(#"{"items":[{"a":1},{"#.utf8)) == [Array(#"{"a":1}"#.utf8)])
    }

    @Test func `A list of random values is the same as parsed whole`() throws {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            let items = (0..<Int.random(in: 0..<6, using: &random)).map { _ in
                JSONValue.random(depth: 3, using: &random)
            }
            let metadata = JSONValue.random(depth: 2, using: &random)
            let list: JSONValue = ["metadata": metadata, "items": .array(items), "kind": "L"]
            var splitter = JSONListSplitter()
            var found: [JSONValue] = []
            for chunk in list.serialized().randomChunks(upTo: 11, using: &random) {
                found += try splitter.append(chunk).map { try JSONValue(parsing: $0) }
            }
            #expect(found == items)
            #expect(try splitter.finish() == ["metadata": metadata, "kind": "L"])
        }
    }
}
