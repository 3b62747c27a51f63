import JSON
import Testing

@testable import KubernetesCore

struct ThreeWayMergeTests {
    /// Base, ours, theirs, the merged object, the fields of ours, the fields in conflict.
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var base: JSONValue
        var ours: JSONValue
        var theirs: JSONValue
        var merged: JSONValue
        var fields: [String] = []
        var conflicts: [String] = []

        init(
            _ name: String,
            _ base: JSONValue,
            _ ours: JSONValue,
            _ theirs: JSONValue,
            _ merged: JSONValue,
            fields: [String] = [],
            conflicts: [String] = []
        ) {
            (testDescription, self.base, self.ours, self.theirs, self.merged) = (name, base, ours, theirs, merged)
            (self.fields, self.conflicts) = (fields, conflicts)
        }
    }

    static func web(_ image: JSONValue, _ more: [String: JSONValue] = [:]) -> JSONValue {
        .object(more.merging(["name": "web", "image": image]) { $1 })
    }

    static let cases: [Case] = [
        Case("nothing", ["a": 1], ["a": 1], ["a": 1], ["a": 1]),
        Case("ours", ["a": 1], ["a": 2], ["a": 1], ["a": 2], fields: ["a"]),
        Case("theirs", ["a": 1], ["a": 1], ["a": 2], ["a": 2]),
        Case("same change", ["a": 1], ["a": 2], ["a": 2], ["a": 2]),
        Case("both", ["a": 1], ["a": 2], ["a": 3], ["a": 3], conflicts: ["a"]),
        Case(
            "disjoint",
            ["a": 1, "b": 1],
            ["a": 2, "b": 1],
            ["a": 1, "b": 3],
            ["a": 2, "b": 3],
            fields: ["a"]
        ),
        Case("ours deleted", ["a": 1, "b": 1], ["b": 1], ["a": 1, "b": 2], ["b": 2], fields: ["a"]),
        Case("theirs deleted", ["a": 1, "b": 1], ["a": 1, "b": 2], ["b": 1], ["b": 2], fields: ["b"]),
        Case("both deleted", ["a": 1], [:], [:], [:]),
        Case("deleted and changed", ["a": 1], [:], ["a": 2], ["a": 2], conflicts: ["a"]),
        Case("changed and deleted", ["a": 1], ["a": 2], [:], [:], conflicts: ["a"]),
        Case("both added maps", [:], ["m": ["x": 1]], ["m": ["y": 2]], ["m": ["x": 1, "y": 2]], fields: ["m.x"]),
        Case("type changed", ["a": ["x": 1]], ["a": "s"], ["a": ["x": 2]], ["a": ["x": 2]], conflicts: ["a"]),
        Case(
            "annotation",
            ["metadata": ["annotations": [:]]],
            ["metadata": ["annotations": ["a.b/c": "1"]]],
            ["metadata": ["annotations": ["d": "2"]]],
            ["metadata": ["annotations": ["a.b/c": "1", "d": "2"]]],
            fields: [#"metadata.annotations["a.b/c"]"#]
        ),
        Case(
            "deep",
            ["a": ["b": ["c": 1, "d": 1]]],
            ["a": ["b": ["c": 2, "d": 1]]],
            ["a": ["b": ["c": 1, "d": 2]]],
            ["a": ["b": ["c": 2, "d": 2]]],
            fields: ["a.b.c"]
        ),
        Case(
            "containers by name",
            ["containers": [web("1"), ["name": "side"]]],
            ["containers": [web("2"), ["name": "side"]]],
            ["containers": [["name": "side", "x": 1], web("1")]],
            ["containers": [["name": "side", "x": 1], web("2")]],
            fields: ["containers[name=web].image"]
        ),
        Case(
            "same container",
            ["containers": [web("1")]],
            ["containers": [web("2", ["tty": true])]],
            ["containers": [web("3")]],
            ["containers": [web("3", ["tty": true])]],
            fields: ["containers[name=web].tty"],
            conflicts: ["containers[name=web].image"]
        ),
        Case(
            "env inside containers",
            ["containers": [web("1", ["env": [["name": "A", "value": "1"]]])]],
            ["containers": [web("1", ["env": [["name": "A", "value": "2"]]])]],
            ["containers": [web("1", ["env": [["name": "A", "value": "1"], ["name": "B", "value": "3"]]])]],
            [
                "containers": [
                    web("1", ["env": [["name": "A", "value": "2"], ["name": "B", "value": "3"]]])
                ]
            ],
            fields: ["containers[name=web].env[name=A].value"]
        ),
        Case(
            "element added by each",
            ["volumes": [["name": "a"]]],
            ["volumes": [["name": "a"], ["name": "b"]]],
            ["volumes": [["name": "a"], ["name": "c"]]],
            ["volumes": [["name": "a"], ["name": "b"], ["name": "c"]]],
            fields: ["volumes[name=b]"]
        ),
        Case(
            "element deleted",
            ["volumes": [["name": "a"], ["name": "b"]]],
            ["volumes": [["name": "b"]]],
            ["volumes": [["name": "a"], ["name": "b", "x": 1]]],
            ["volumes": [["name": "b", "x": 1]]],
            fields: ["volumes[name=a]"]
        ),
        Case(
            "element deleted and changed",
            ["volumes": [["name": "a"]]],
            ["volumes": []],
            ["volumes": [["name": "a", "x": 1]]],
            ["volumes": [["name": "a", "x": 1]]],
            conflicts: ["volumes[name=a]"]
        ),
        Case(
            "ports of containers, protocol by default",
            ["ports": [["containerPort": 80]]],
            ["ports": [["containerPort": 80, "name": "http"]]],
            ["ports": [["containerPort": 80, "protocol": "TCP"], ["containerPort": 80, "protocol": "UDP"]]],
            [
                "ports": [
                    ["containerPort": 80, "protocol": "TCP", "name": "http"], ["containerPort": 80, "protocol": "UDP"],
                ]
            ],
            fields: ["ports[containerPort=80,protocol=TCP].name"]
        ),
        Case(
            "ports of services",
            ["ports": [["port": 80]]],
            ["ports": [["port": 80, "targetPort": 1]]],
            ["ports": [["port": 80], ["port": 443]]],
            ["ports": [["port": 80, "targetPort": 1], ["port": 443]]],
            fields: ["ports[port=80,protocol=TCP].targetPort"]
        ),
        Case(
            "conditions by type",
            ["conditions": [["type": "A", "status": "True"]]],
            ["conditions": [["type": "A", "status": "False"]]],
            ["conditions": [["type": "A", "status": "True"], ["type": "B", "status": "True"]]],
            ["conditions": [["type": "A", "status": "False"], ["type": "B", "status": "True"]]],
            fields: ["conditions[type=A].status"]
        ),
        Case(
            "tolerations are one value",
            ["tolerations": [["key": "a"]]],
            ["tolerations": [["key": "b"]]],
            ["tolerations": [["key": "c"]]],
            ["tolerations": [["key": "c"]]],
            conflicts: ["tolerations"]
        ),
        Case(
            "unknown list of named objects",
            ["gadgets": [["name": "a"]]],
            ["gadgets": [["name": "a", "x": 1]]],
            ["gadgets": [["name": "a", "y": 1]]],
            ["gadgets": [["name": "a", "x": 1, "y": 1]]],
            fields: ["gadgets[name=a].x"]
        ),
        Case(
            "repeated keys make a list one value",
            ["volumes": [["name": "a"], ["name": "a"]]],
            ["volumes": [["name": "b"]]],
            ["volumes": [["name": "c"]]],
            ["volumes": [["name": "c"]]],
            conflicts: ["volumes"]
        ),
        Case(
            "elements without key make a list one value",
            ["volumes": [["x": 1]]],
            ["volumes": [["name": "b"]]],
            ["volumes": [["name": "c"]]],
            ["volumes": [["name": "c"]]],
            conflicts: ["volumes"]
        ),
        Case(
            "lists of scalars are one value",
            ["args": ["a"]],
            ["args": ["b"]],
            ["args": ["c"]],
            ["args": ["c"]],
            conflicts: ["args"]
        ),
        Case(
            "an atomic list changed by us",
            ["args": ["a"]],
            ["args": ["b"]],
            ["args": ["a"]],
            ["args": ["b"]],
            fields: ["args"]
        ),
        Case(
            "finalizers are a set",
            ["metadata": ["finalizers": ["a", "b"]]],
            ["metadata": ["finalizers": ["b", "c"]]],
            ["metadata": ["finalizers": ["a", "b", "d"]]],
            ["metadata": ["finalizers": ["b", "d", "c"]]],
            fields: [#"metadata.finalizers["a"]"#, #"metadata.finalizers["c"]"#]
        ),
        Case(
            "finalizers from nothing",
            ["metadata": [:]],
            ["metadata": ["finalizers": ["a"]]],
            ["metadata": ["finalizers": ["b"]]],
            ["metadata": ["finalizers": ["b", "a"]]],
            fields: [#"metadata.finalizers["a"]"#]
        ),
    ]

    @Test(arguments: cases)
    func `merges`(_ test: Case) {
        let result = ThreeWayMerge.merge(base: test.base, ours: test.ours, theirs: test.theirs)
        #expect(result.merged == test.merged)
        #expect(result.mergedFields == test.fields)
        #expect(result.conflicts.map(\.path) == test.conflicts)
    }

    @Test func `a conflict tells all three values, and ours can win`() {
        let (base, ours, theirs): (JSONValue, JSONValue, JSONValue) = (["a": 1], ["a": 2], [:])
        let result = ThreeWayMerge.merge(base: base, ours: ours, theirs: theirs, preferring: .ours)
        #expect(result.merged == ["a": 2])
        #expect(result.conflicts == [.init(path: "a", base: 1, ours: 2, theirs: nil)])
        let deleted = ThreeWayMerge.merge(base: base, ours: theirs, theirs: ours, preferring: .ours)
        #expect(deleted.merged == [:])
    }

    @Test func `what belongs to the server is theirs`() {
        let ours: JSONValue = [
            "metadata": [
                "resourceVersion": "1", "uid": "x", "generation": 1, "creationTimestamp": "a", "managedFields": [1],
                "deletionTimestamp": "b", "deletionGracePeriodSeconds": 1, "selfLink": "c", "labels": ["a": "1"],
            ], "status": ["ready": false],
        ]
        let theirs: JSONValue = [
            "metadata": ["resourceVersion": "2", "uid": "x", "generation": 2], "status": ["ready": true],
        ]
        for base in [[:], ours, theirs] {
            let result = ThreeWayMerge.merge(base: base, ours: ours, theirs: theirs)
            var metadata = result.merged["metadata"]
            metadata?["labels"] = nil
            #expect(metadata == theirs["metadata"])
            #expect(result.merged["status"] == theirs["status"])
            #expect(result.conflicts.isEmpty)
        }
    }

    @Test func `status is merged when asked for`() {
        let result = ThreeWayMerge.merge(
            base: ["status": ["a": 1, "b": 1]],
            ours: ["status": ["a": 2, "b": 1]],
            theirs: ["status": ["a": 1, "b": 2]],
            includingStatus: true
        )
        #expect(result.merged == ["status": ["a": 2, "b": 2]])
        #expect(result.mergedFields == ["status.a"])
    }

    @Test func `the side that reordered a list decides its order`() {
        let (a, b, c): (JSONValue, JSONValue, JSONValue) = (["name": "a"], ["name": "b"], ["name": "c"])
        func merge(_ ours: [JSONValue], _ theirs: [JSONValue]) -> JSONValue? {
            ThreeWayMerge.merge(
                base: ["volumes": [a, b]],
                ours: ["volumes": .array(ours)],
                theirs: ["volumes": .array(theirs)]
            ).merged["volumes"]
        }
        #expect(merge([b, a], [a, b, c]) == [b, c, a])
        #expect(merge([a, b, c], [b, a]) == [b, c, a])
        #expect(merge([c, a, b], [a, b]) == [c, a, b])
    }

    @Test func `a reordered list counts as changed`() {
        let (a, b): (JSONValue, JSONValue) = (["name": "a"], ["name": "b"])
        let result = ThreeWayMerge.merge(base: ["env": [a, b]], ours: ["env": [b, a]], theirs: ["env": [a, b]])
        #expect(result.merged == ["env": [b, a]] && result.mergedFields == ["env"])
    }

    @Test func `other lists can be given keys of their own`() {
        let keys = MergeListKeys(byField: ["routes": .keyed([.init("path")]), "tags": .set])
        let result = ThreeWayMerge.merge(
            base: ["routes": [["path": "/a"]], "tags": ["x"]],
            ours: ["routes": [["path": "/a", "n": 1]], "tags": ["x", "y"]],
            theirs: ["routes": [["path": "/a", "m": 1]], "tags": []],
            listKeys: keys
        )
        #expect(result.merged == ["routes": [["path": "/a", "n": 1, "m": 1]], "tags": ["y"]])
    }

    @Test(
        arguments: [
            (["a": 1], ["a": 0, "b": 2], ["a": 1, "b": 2]),
            (["a": .null], ["a": 0, "b": 2], ["b": 2]),
            (["a": ["x": 1]], ["a": ["y": 2]], ["a": ["x": 1, "y": 2]]),
            (["a": ["x": .null]], [:], ["a": [:]]),
            (
                ["containers": [["name": "b", "x": 1], ["name": "c"]]],
                ["containers": [["name": "a"], ["name": "b", "y": 1]]],
                ["containers": [["name": "a"], ["name": "b", "x": 1, "y": 1], ["name": "c"]]]
            ),
            (["finalizers": ["b", "c"]], ["finalizers": ["a", "b"]], ["finalizers": ["a", "b", "c"]]),
            (["args": ["b"]], ["args": ["a"]], ["args": ["b"]]),
            (["args": ["b"]], [:], ["args": ["b"]]),
            (["a": "s"], ["a": ["x": 1]], ["a": "s"]),
        ] as [(JSONValue, JSONValue, JSONValue)]
    )
    func `a part is filled up from the base`(part: JSONValue, base: JSONValue, whole: JSONValue) {
        #expect(ThreeWayMerge.complete(part, from: base) == whole)
    }
}
