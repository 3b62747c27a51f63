import JSON
import Testing

/// What is kept of a document when it is parsed.
struct JSONProjectionTests {
    private func project(_ text: String, _ projection: JSONProjection) throws -> String {
        try JSONValue(parsing: text, projection: projection).text
    }

    @Test(
        "managedFields go wherever Kubernetes puts them, and nowhere else",
        arguments: [
            (#"{"metadata":{"managedFields":[{"a":[1]}],"name":"x"}}"#, #"{"metadata":{"name":"x"}}"#),
            (#"{"items":[{"metadata":{"name":"x","managedFields":[]}}]}"#, #"{"items":[{"metadata":{"name":"x"}}]}"#),
            (
                #"{"object":{"metadata":{"managedFields":null}},"type":"ADDED"}"#,
                #"{"object":{"metadata":{}},"type":"ADDED"}"#
            ),
            (#"{"metadata":{"m\u0061nagedFields":1}}"#, #"{"metadata":{}}"#),
            (
                #"{"spec":{"metadata":{"managedFields":1}},"managedFields":2}"#,
                #"{"managedFields":2,"spec":{"metadata":{"managedFields":1}}}"#
            ),
            (#"{"metadata":[{"managedFields":1}]}"#, #"{"metadata":[{"managedFields":1}]}"#),
        ]
    )
    func kubernetes(text: String, expected: String) throws {
        #expect(try project(text, .kubernetes) == expected)
    }

    @Test(
        "Dropping takes a whole value away",
        arguments: [
            (JSONProjection.all.dropping("a"), #"{"b":{"a":2}}"#),
            (.all.dropping("b", "a"), #"{"a":[1,{"x":2},[3]],"b":{}}"#),
            (.all.dropping("a", "*"), #"{"a":[],"b":{"a":2}}"#),
            (.all.dropping("a", "*", "x"), #"{"a":[1,{},[3]],"b":{"a":2}}"#),
            (.all.dropping("a", "x"), #"{"a":[1,{"x":2},[3]],"b":{"a":2}}"#),
            (.all.dropping("*"), "{}"),
            (.all.dropping("nothing"), #"{"a":[1,{"x":2},[3]],"b":{"a":2}}"#),
            (.all.dropping("a").dropping("b"), "{}"),
            (.all.dropping(), "null"),
        ]
    )
    func dropping(projection: JSONProjection, expected: String) throws {
        #expect(try project(#"{"a":[1,{"x":2},[3]],"b":{"a":2}}"#, projection) == expected)
    }

    @Test(
        "Keeping leaves only what is named",
        arguments: [
            (JSONProjection.all.keeping(["kind"]), #"{"kind":"K"}"#),
            (.all.keeping(["spec", "a"]), #"{"spec":{"a":{"x":[1,2]}}}"#),
            (.all.keeping(["kind"], ["list", "*", "n"]), #"{"kind":"K","list":[{"n":1},{}]}"#),
            (.all.keeping(["list", "*"]), #"{"list":[{"m":0,"n":1},{"m":3},4]}"#),
            (.all.keeping(["kind", "below"]), "{}"),
            (.all.keeping(["nothing"]), "{}"),
            (.all.keeping([]), #"{"kind":"K","list":[{"m":0,"n":1},{"m":3},4],"spec":{"a":{"x":[1,2]},"b":2}}"#),
            (.all.keeping(["kind"]).keeping(["spec", "b"]), #"{"kind":"K","spec":{"b":2}}"#),
            (.all.dropping("spec", "a").keeping(["spec"]), #"{"spec":{"b":2}}"#),
            (.all.keeping(["spec"]).dropping("spec", "a"), #"{"spec":{"b":2}}"#),
            (.all.dropping("spec").keeping(["spec", "a"], ["kind"]), #"{"kind":"K"}"#),
            (.all.keeping(["spec", "a"]).dropping("spec"), "null"),
            (.all.keeping(), "null"),
        ]
    )
    func keeping(projection: JSONProjection, expected: String) throws {
        let text = #"{"kind":"K","spec":{"a":{"x":[1,2]},"b":2},"list":[{"n":1,"m":0},{"m":3},4]}"#
        #expect(try project(text, projection) == expected)
    }

    @Test func `A named key wins over the star beside it`() throws {
        let projection = JSONProjection.all.dropping("a", "*", "x").dropping("a", "b", "y")
        #expect(
            try project(#"{"a":{"b":{"x":1,"y":2},"c":{"x":1,"y":2}}}"#, projection)
                == #"{"a":{"b":{"x":1},"c":{"y":2}}}"#
        )
    }

    @Test func `A projection can be moved to where the object is inside another`() throws {
        let projection = JSONProjection.all.keeping(["metadata"]).nested(under: "object")
        let event = #"{"type":"ADDED","object":{"metadata":{"name":"x"},"spec":{}}}"#
        #expect(try project(event, projection) == #"{"object":{"metadata":{"name":"x"}},"type":"ADDED"}"#)
        #expect(JSONProjection.all.nested(under: "object") == .all)
    }

    @Test(
        "A dropped value must be balanced and complete, in any shape",
        arguments: [
            ("1", true), ("-1.5e3", true), ("true", true), ("null", true), (#""a\"]}\\""#, true), ("[[{}],{}]", true),
            (#"{"a":["]","}"]}"#, true), ("{", false), ("[1", false), (#""a"#, false), (#""a\"#, false), ("x", false),
            ("", false), ("]", false),
        ]
    )
    func skipping(text: String, isValid: Bool) throws {
        let document = #"{"x":\#(text),"y":1}"#
        let projection = JSONProjection.all.dropping("x")
        if isValid {
            #expect(try project(document, projection) == #"{"y":1}"#)
        } else {
            #expect(throws: JSONError.self) { try project(document, projection) }
        }
    }

    @Test func `The depth limit counts through dropped values`() {
        let projection = JSONProjection.all.dropping("a", "x")
        let limits = JSONLimits(maxDepth: 4)
        #expect(throws: Never.self) {
            try JSONValue(parsing: #"{"a":{"x":[[1]]}}"#, projection: projection, limits: limits)
        }
        let error = #expect(throws: JSONError.self) {
            try JSONValue(parsing: #"{"a":{"x":[[[1]]]}}"#, projection: projection, limits: limits)
        }
        #expect(error?.kind == .tooDeep && error?.offset == 12)
    }
}
