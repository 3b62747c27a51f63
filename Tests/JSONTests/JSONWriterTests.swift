import JSON
import Testing

struct JSONWriterTests {
    @Test(
        "A value has one text",
        arguments: [
            (.null, "null"), (true, "true"), (false, "false"), (0, "0"), (-5, "-5"), (1.5, "1.5"), (2.0, "2"),
            ("", "\"\""), ("a\"b\\c/", #""a\"b\\c/""#), ("\u{8}\u{C}\n\r\t", #""\b\f\n\r\t""#),
            ("\u{0}\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""), ("é😀", "\"é😀\""), ([], "[]"), ([:], "{}"),
            (["b": 1, "a": [.null, [:]], "c": "x"], #"{"a":[null,{}],"b":1,"c":"x"}"#),
            (["a\"": 1], #"{"a\"":1}"#),
        ] as [(JSONValue, String)]
    )
    func text(value: JSONValue, text: String) {
        #expect(value.text == text)
    }

    @Test func `The pretty form breaks lines and leaves empty containers together`() {
        let value: JSONValue = ["a": [1, ["b": .null]], "c": [:], "d": []]
        let expected = """
            {
              "a": [
                1,
                {
                  "b": null
                }
              ],
              "c": {},
              "d": []
            }
            """
        #expect(String(decoding: value.serialized(pretty: true), as: UTF8.self) == expected)
    }

    @Test func `Equal objects have equal bytes whatever the order of their making`() {
        let keys = ["b", "a", "é", "Z", "aa", "", "0", "\n"]
        let forward = JSONValue.object(JSONObject(keys.map { (key: $0, value: 1) }))
        let backward = JSONValue.object(JSONObject(keys.reversed().map { (key: $0, value: 1) }))
        #expect(forward.serialized() == backward.serialized())
    }
}
