import JSON
import KubernetesCore
import Testing

struct LabelSelectorTests {
    typealias Requirement = LabelSelector.Requirement

    @Test(
        arguments: [
            (LabelSelector(), [:], true),
            (LabelSelector(), ["a": "1"], true),
            (LabelSelector(matchLabels: ["a": "1"]), ["a": "1", "b": "2"], true),
            (LabelSelector(matchLabels: ["a": "1"]), ["a": "2"], false),
            (LabelSelector(matchLabels: ["a": "1", "b": "2"]), ["a": "1"], false),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .in, values: ["1", "2"])]), ["a": "2"], true),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .in, values: ["1"])]), [:], false),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .notIn, values: ["1"])]), ["a": "1"], false),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .notIn, values: ["1"])]), [:], true),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .exists)]), ["a": ""], true),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .exists)]), [:], false),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .doesNotExist)]), ["a": "1"], false),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .doesNotExist)]), ["b": "1"], true),
            (
                LabelSelector(
                    matchLabels: ["a": "1"],
                    matchExpressions: [.init(key: "b", operator: .exists)]
                ), ["a": "1"], false
            ),
        ] as [(LabelSelector, [String: String], Bool)]
    )
    func `all requirements must hold`(selector: LabelSelector, labels: [String: String], isMatch: Bool) {
        #expect(selector.matches(labels) == isMatch)
    }

    @Test func `the query has sorted labels and the server's words`() throws {
        let selector = LabelSelector(
            matchLabels: ["b": "2", "a": "1"],
            matchExpressions: [
                .init(key: "t", operator: .in, values: ["y", "x"]), .init(key: "u", operator: .notIn, values: ["z"]),
                .init(key: "v", operator: .exists), .init(key: "w", operator: .doesNotExist),
            ]
        )
        #expect(selector.queryString == "a=1,b=2,t in (x,y),u notin (z),v,!w")
        #expect(LabelSelector().queryString.isEmpty)
    }

    @Test func `reads and writes the wire form`() throws {
        let wire: JSONValue = [
            "matchLabels": ["a": "1"], "matchExpressions": [["key": "b", "operator": "In", "values": ["c"]]],
        ]
        let selector = try wire.decode(LabelSelector.self)
        #expect(!selector.isEmpty && LabelSelector(matchLabels: [:]).isEmpty)
        #expect(try JSONValue(encoding: selector) == wire)
        let unknown: JSONValue = ["matchExpressions": [["key": "b", "operator": "Like"]]]
        #expect(throws: DecodingError.self) { try unknown.decode(LabelSelector.self) }
    }

    @Test(
        arguments: [
            (LabelSelector(matchLabels: ["a": "1"]), []),
            (LabelSelector(matchLabels: ["-a": "1"]), ["matchLabels[-a]"]),
            (LabelSelector(matchLabels: ["a": "no space"]), ["matchLabels[a]"]),
            (LabelSelector(matchExpressions: [.init(key: "a", operator: .in)]), ["matchExpressions[0].values"]),
            (
                LabelSelector(matchExpressions: [.init(key: "a", operator: .notIn, values: [])]),
                ["matchExpressions[0].values"]
            ),
            (
                LabelSelector(matchExpressions: [
                    .init(key: "a", operator: .exists), .init(key: "", operator: .doesNotExist, values: ["x"]),
                ]), ["matchExpressions[1].key", "matchExpressions[1].values"]
            ),
            (
                LabelSelector(matchExpressions: [.init(key: "a", operator: .in, values: ["ok", "not/ok"])]),
                ["matchExpressions[0].values[1]"]
            ),
        ] as [(LabelSelector, [String])]
    )
    func `what the server would refuse is named by its path`(selector: LabelSelector, paths: [String]) {
        #expect(selector.violations().map(\.path) == paths)
        #expect(selector.violations().allSatisfy { !$0.message.isEmpty })
    }
}

struct FieldSelectorTests {
    @Test func `joins terms and escapes values`() {
        let selector = FieldSelector.equals("metadata.name", "a,b=c\\d").and(.notEquals("status.phase", "Failed"))
        #expect(selector.queryString == #"metadata.name=a\,b\=c\\d,status.phase!=Failed"#)
        #expect(FieldSelector().queryString.isEmpty)
    }
}

struct NameRulesTests {
    static let long = String(repeating: "a", count: 63)

    @Test(arguments: [
        ("a", true), ("a-b-1", true), ("1a", true), (long, true), (long + "a", false), ("", false), ("A", false),
        ("-a", false), ("a-", false), ("a.b", false), ("a_b", false), ("ä", false), ("a\n", false),
    ])
    func `labels of DNS`(text: String, isValid: Bool) {
        #expect((NameRules.problem(label: text) == nil) == isValid)
    }

    @Test(arguments: [
        ("a", true), ("a.b-c.d", true), ("example.com", true), (String(repeating: "a.", count: 126) + "a", true),
        (String(repeating: "a.", count: 126) + "ab", false), ("", false), ("a..b", false), (".a", false), ("a.", false),
        ("A.b", false), ("a-.b", false), ("Bad_Name", false),
    ])
    func `subdomains of DNS`(text: String, isValid: Bool) {
        #expect((NameRules.problem(subdomain: text) == nil) == isValid)
    }

    @Test(arguments: [
        ("app", true), ("App_1.x-y", true), ("example.com/app", true), (long, true), (long + "a", false), ("", false),
        ("/app", false), ("a/b/c", false), ("Example.com/app", false), ("example.com/", false), ("-a", false),
    ])
    func `keys of labels`(text: String, isValid: Bool) {
        #expect((NameRules.problem(labelKey: text) == nil) == isValid)
    }

    @Test(arguments: [
        ("", true), ("A.b_c-1", true), (long, true), (long + "a", false), ("a b", false), ("-a", false), ("a/b", false),
    ])
    func `values of labels`(text: String, isValid: Bool) {
        #expect((NameRules.problem(labelValue: text) == nil) == isValid)
    }
}
