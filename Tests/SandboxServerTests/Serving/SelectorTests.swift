import JSON
import Testing

@testable import SandboxServer

@Suite("Selectors")
struct SelectorTests {
    private static let nameRule =
        "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
        + "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

    @Test(
        "label selectors select",
        arguments: [
            ("", true), ("app=web", true), ("app==web", true), ("app=api", false), ("app!=web", false),
            ("app!=api", true), ("missing!=x", true), ("app", true), ("!app", false), ("!missing", true),
            ("missing", false), ("app in (web,api)", true), ("app in (api)", false), ("app notin (api)", true),
            ("app notin (web)", false), ("missing notin (x)", true), ("missing in (x)", false), ("size>4", true),
            ("size>5", false), ("size<6", true), ("app>1", false), ("app=web,size=5", true),
            ("app=web,size=6", false), (" app  =  web , !missing ", true), ("empty=", true), ("empty in (,x)", true),
            ("example.com/tier=front", true), ("in=1", true), ("notin in (2)", true), ("empty,app", true),
        ]
    )
    func labels(text: String, isSelected: Bool) throws {
        let labels = [
            "app": "web", "size": "5", "empty": "", "example.com/tier": "front", "in": "1", "notin": "2",
        ]
        #expect(try LabelSelector(parsing: text).matches(labels) == isSelected)
    }

    @Test(
        "broken label selectors are refused in the real server's words",
        arguments: [
            ("n in", "unable to parse requirement: found '' expected: '('"),
            ("n in (a", "unable to parse requirement: found '', expected: ',' or ')'"),
            (
                "n in ()",
                "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"
            ),
            ("n in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"),
            ("n x", "unable to parse requirement: found 'x', expected: in, notin, =, ==, !=, gt, lt"),
            ("=a", "found '=', expected: !, identifier, or 'end of string'"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("a=b,,c", "found ',', expected: identifier after ','"),
            (
                "a>b",
                "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer"
            ),
            ("-a", "unable to parse requirement: key: Invalid value: \"-a\": name part \(nameRule)"),
            (
                "a/",
                "unable to parse requirement: key: Invalid value: \"a/\": name part must be non-empty; name part \(nameRule)"
            ),
            (
                "a=-",
                "unable to parse requirement: values[0][a]: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ),
        ]
    )
    func brokenLabels(text: String, message: String) throws {
        let failure = try #require(throws: APIFailure.self) { try LabelSelector(parsing: text) }
        #expect(failure.message == message)
        #expect(failure.code == 400 && failure.reason == "BadRequest")
    }

    @Test(
        "field selectors select",
        arguments: [
            ("metadata.name=web-1", true), ("metadata.name!=web-1", false), ("metadata.namespace=a", true),
            ("spec.nodeName=node-1", true), ("spec.nodeName==node-2", false), ("spec.nodeName!=node-2", true),
            ("status.phase=Running,metadata.namespace=a", true), ("status.phase=", false), ("status.podIP=", true),
            ("spec.hostNetwork=false", true), ("spec.nodeName=node-1,status.phase=Failed", false), ("", true),
        ]
    )
    func fields(text: String, isSelected: Bool) throws {
        let pod: JSONValue = ["spec": ["nodeName": "node-1"], "status": ["phase": "Running"]]
        let stored = StoredObject(pod, name: ObjectName(namespace: "a", name: "web-1"), revision: 1)
        let pods = FieldLabels(ResourceID(group: "", plural: "pods"))
        let options = try ListOptions(query: [("fieldSelector", text)], labels: pods)
        #expect(options.matches(stored) == isSelected)
    }

    @Test(
        "events of both shapes are found by the fields of both groups",
        arguments: ["", "events.k8s.io"],
        ["involvedObject", "regarding"]
    )
    func events(group: String, stored: String) throws {
        let reference: JSONValue = ["kind": "Pod", "name": "web-1"]
        let event = StoredObject([stored: reference, "reason": "Killing"], name: ObjectName(name: "e"), revision: 1)
        let field = group.isEmpty ? "involvedObject" : "regarding"
        let options = try ListOptions(
            query: [("fieldSelector", "\(field).name=web-1,reason=Killing")],
            labels: FieldLabels(ResourceID(group: group, plural: "events"))
        )
        #expect(options.matches(event))
    }

    @Test(
        "fields that a resource cannot be selected by are refused",
        arguments: [
            (
                "configmaps", nil, "data.k=1",
                "\"data.k\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
            ),
            ("pods", nil, "spec.x=1", "field label not supported: spec.x"),
            ("nodes", nil, "metadata.namespace=1", "field label not supported: metadata.namespace"),
            ("widgets", ["spec.color"], "spec.size=1", "field label not supported: spec.size"),
            ("pods", nil, "spec.nodeName", "invalid selector: 'spec.nodeName'; can't understand 'spec.nodeName'"),
        ] as [(String, [String]?, String, String)]
    )
    func unknownFields(plural: String, custom: [String]?, text: String, message: String) throws {
        let labels = FieldLabels(ResourceID(group: "", plural: plural), custom: custom)
        let failure = try #require(throws: APIFailure.self) {
            try ListOptions(query: [("fieldSelector", text)], labels: labels)
        }
        #expect(failure.code == 400 && failure.message == message)
    }

    @Test("custom resources are selected by their selectable fields, and values may hold escaped characters")
    func customFields() throws {
        let labels = FieldLabels(ResourceID(group: "x.io", plural: "widgets"), custom: [".spec.color"])
        let widget = StoredObject(["spec": ["color": "a,b=c"]], name: ObjectName(name: "w"), revision: 1)
        let options = try ListOptions(query: [("fieldSelector", "spec.color=a\\,b\\=c")], labels: labels)
        #expect(options.matches(widget))
        #expect(throws: APIFailure.self) { try FieldSelector(parsing: "spec.color=a\\b") }
    }

    // MARK: options

    @Test(
        "options that cannot be read or do not go together are refused",
        arguments: [
            (["limit": "x"], 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
            (
                ["timeoutSeconds": "99999999999999999999"], 400,
                "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"
            ),
            (
                ["resourceVersionMatch": "Exact"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            ),
            (
                ["resourceVersionMatch": "x", "resourceVersion": "1"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"x\": supported values: \"Exact\", \"NotOlderThan\", \"\""
            ),
            (
                ["resourceVersionMatch": "Exact", "resourceVersion": "0"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""
            ),
            (
                ["sendInitialEvents": "true"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"
            ),
            (
                ["watch": "1", "sendInitialEvents": "true"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            ),
            (
                ["watch": "1", "resourceVersionMatch": "NotOlderThan"], 422,
                "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            ),
        ] as [([String: String], Int, String)]
    )
    func refusedOptions(query: [String: String], code: Int, message: String) throws {
        let failure = try #require(throws: APIFailure.self) {
            try ListOptions(
                query: query.map { ($0.key, $0.value) },
                labels: FieldLabels(ResourceID(group: "", plural: "pods"))
            )
        }
        #expect(failure.code == code && failure.message == message)
    }

    @Test(
        "recorded refusals of a real server are given word for word",
        arguments: [
            "35-list-continue-bad", "37-list-label-bad", "39-list-field-bad", "40-list-rv-and-continue",
            "86-watch-bad-rv",
        ]
    )
    func recorded(name: String) throws {
        let (query, status) = try Recorded.list(name)
        let configMaps = ResourceID(group: "", plural: "configmaps")
        let failure = try #require(throws: APIFailure.self) {
            let options = try ListOptions(query: query, labels: FieldLabels(configMaps))
            if options.isWatch {
                _ = try options.parsedRevision()
            } else {
                _ = try ObjectStore().list(configMaps, namespace: "fix", options: options)
            }
        }
        #expect(failure.status == status)
    }

    @Test("true and false of a query are what Go takes them for", arguments: ["1", "true", "yes", ""])
    func booleans(text: String) throws {
        let pods = FieldLabels(ResourceID(group: "", plural: "pods"))
        #expect(try ListOptions(query: [("watch", text)], labels: pods).isWatch)
        #expect(try !ListOptions(query: [("watch", "False")], labels: pods).isWatch)
        #expect(try !ListOptions(query: [("watch", "0")], labels: pods).isWatch)
    }

    @Test("a watch of one object is a watch with a field selector")
    func oneObject() throws {
        let pods = FieldLabels(ResourceID(group: "", plural: "pods"))
        let web = StoredObject([:], name: ObjectName(namespace: "a", name: "web"), revision: 1)
        #expect(try ListOptions(query: [], labels: pods, name: "web").matches(web))
        #expect(try !ListOptions(query: [], labels: pods, name: "api").matches(web))
        #expect(throws: APIFailure.badRequest("fieldSelector metadata.name doesn't match requested name")) {
            try ListOptions(query: [("fieldSelector", "metadata.name=web")], labels: pods, name: "api")
        }
    }
}

/// Recorded list requests.
enum Recorded {
    /// The query and the answer of a recorded request.
    static func list(_ name: String) throws -> (query: [(name: String, value: String)], response: JSONValue) {
        let recording = try SchemaFixtures.recording(name)
        let path = try #require(recording.value(at: ["request", "path"])?.stringValue)
        let query = try #require(path.split(separator: "?").last).split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            let value = parts.count > 1 ? parts[1] : ""
            return (name: parts[0], value: value.replacing("%20", with: " ").replacing("%3D", with: "="))
        }
        return (query, try #require(recording.value(at: ["response", "body"])))
    }
}
