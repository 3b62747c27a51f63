import JSON
import Testing

@testable import SandboxServer

@Suite("StrictDecoding")
struct StrictDecodingTests {
    @Test(
        "finds members that occur twice",
        arguments: [
            (#"{}"#, []), (#"{"a":1,"b":1}"#, []), (#"{"a":1,"a":2}"#, ["a"]), (#"{"a":1,"a":2,"a":3}"#, ["a"]),
            (#"{"a":{"b":1,"b":2}}"#, ["a.b"]), (#"{"a":[{"b":1},{"b":1,"b":2}]}"#, ["a[1].b"]),
            (#"{"a":[[{"b":1,"b":2}]]}"#, ["a[0][0].b"]), (#"{"a":"x\"","b":{"a":1}}"#, []),
            (#"{"a":"a","b":"a","c":["a","a"]}"#, []), (#"{"\u0061":1, "a" : 2}"#, ["a"]),
            (#"{"a":{"c":1},"a":{"c":1,"c":2},"d":0,"d":0}"#, ["a", "a.c", "d"]),
            (#"{"a.b":1,"a.b":2}"#, ["a.b"]), (#"[{"a":1,"a":1}]"#, ["[0].a"]),
        ] as [(String, [String])]
    )
    func duplicates(document: String, paths: [String]) {
        let problems = StrictDecoding.duplicateFields(in: Array(document.utf8))
        #expect(problems == paths.map { "duplicate field \"\($0)\"" })
    }

    @Test("bytes that are no JSON do no harm")
    func anyBytes() {
        var state: UInt64 = 7
        let alphabet = Array(#"{}[]",:\a1 u"#.utf8)
        for _ in 0..<20_000 {
            var bytes: [UInt8] = []
            for _ in 0..<16 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            _ = StrictDecoding.duplicateFields(in: bytes)
        }
    }

    @Test("no more than a hundred problems are told")
    func limit() {
        let members = (0..<300).map { "\"k\($0)\":1,\"k\($0)\":2" }.joined(separator: ",")
        #expect(StrictDecoding.duplicateFields(in: Array("{\(members)}".utf8)).count == 100)
        #expect(StrictDecoding.unknownFields((0..<300).map { "f\($0)" }).count == 100)
    }
}
