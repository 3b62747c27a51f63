import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Defaults and unknown fields")
struct SchemaChangesTests {
    private static func yaml(_ text: String) throws -> JSONValue {
        try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    private static let defaults = """
        {type: object, properties: {
          a: {type: string, default: x},
          b: {type: object, properties: {c: {type: integer, default: 1}, d: {type: string}}},
          e: {type: object, default: {}, properties: {f: {type: string, default: y}}},
          g: {type: array, items: {type: object, properties: {h: {type: boolean, default: true}}}},
          i: {type: object, additionalProperties: {type: object, properties: {j: {type: string, default: z}}}},
          k: {type: string, nullable: true, default: n},
          l: {type: array, items: {type: string, default: s}},
          m: {x-kubernetes-preserve-unknown-fields: true}}}
        """

    @Test(
        "missing members get their defaults, nulls too unless they are allowed",
        arguments: [
            ("{}", "{a: x, e: {f: y}, k: n}"),
            ("{a: q, e: {f: r}, k: t}", "{a: q, e: {f: r}, k: t}"),
            ("{a: null, e: null, k: null}", "{a: x, e: {f: y}, k: null}"),
            ("{b: {}}", "{a: x, b: {c: 1}, e: {f: y}, k: n}"),
            ("{b: {d: null}}", "{a: x, b: {c: 1}, e: {f: y}, k: n}"),
            ("{b: null}", "{a: x, e: {f: y}, k: n}"),
            ("{g: [{}, {h: false}]}", "{a: x, e: {f: y}, g: [{h: true}, {h: false}], k: n}"),
            ("{i: {p: {}, q: null}}", "{a: x, e: {f: y}, i: {p: {j: z}}, k: n}"),
            ("{l: [null, t]}", "{a: x, e: {f: y}, k: n, l: [s, t]}"),
            ("{m: {n: null}}", "{a: x, e: {f: y}, k: n, m: {n: null}}"),
            ("{b: text, g: 5}", "{a: x, b: text, e: {f: y}, g: 5, k: n}"),
        ]
    )
    func applyDefaults(value: String, expected: String) throws {
        var value = try Self.yaml(value)
        Schema(openAPI: try Self.yaml(Self.defaults)).applyDefaults(to: &value)
        #expect(value == (try Self.yaml(expected)))
    }

    @Test("values that are no objects stay what they are", arguments: ["null", "5", "a", "[1]"])
    func otherValues(value: String) throws {
        var changed = try Self.yaml(value)
        let schema = Schema(openAPI: try Self.yaml(Self.defaults))
        schema.applyDefaults(to: &changed)
        #expect(schema.prune(&changed) == [])
        #expect(changed == (try Self.yaml(value)))
    }

    private static let known = """
        {type: object, properties: {
          spec: {type: object, properties: {
            a: {type: string},
            list: {type: array, items: {type: object, properties: {b: {type: string}}}},
            map: {type: object, additionalProperties: {type: object, properties: {c: {type: string}}}},
            any: {type: object, additionalProperties: true},
            free: {type: object, x-kubernetes-preserve-unknown-fields: true,
                   properties: {d: {type: object, properties: {e: {type: string}}}}},
            inner: {type: object, x-kubernetes-embedded-resource: true, properties: {f: {type: string}}},
            open: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}}}}
        """

    @Test(
        "unknown members go away, and their paths are told",
        arguments: [
            ("{spec: {a: x}}", "{spec: {a: x}}", []),
            ("{spec: {z: 1, a: x}, y: 2}", "{spec: {a: x}}", ["spec.z", "y"]),
            ("{spec: {list: [{b: x}, {q: 1}]}}", "{spec: {list: [{b: x}, {}]}}", ["spec.list[1].q"]),
            ("{spec: {map: {k: {c: x, d: y}}}}", "{spec: {map: {k: {c: x}}}}", ["spec.map.k.d"]),
            ("{spec: {any: {k: 1}}}", "{spec: {any: {k: 1}}}", []),
            ("{spec: {any: {k: {l: 1}}}}", "{spec: {any: {k: {}}}}", ["spec.any.k.l"]),
            (
                "{spec: {free: {x: {y: [1]}, d: {e: x, z: 1}}}}", "{spec: {free: {x: {y: [1]}, d: {e: x}}}}",
                ["spec.free.d.z"]
            ),
            (
                "{apiVersion: v1, kind: A, metadata: {name: x, foo: 1}}",
                "{apiVersion: v1, kind: A, metadata: {name: x}}", ["metadata.foo"]
            ),
            (
                "{spec: {inner: {apiVersion: v1, kind: B, metadata: {name: n, bar: 1}, f: x, g: y}}}",
                "{spec: {inner: {apiVersion: v1, kind: B, metadata: {name: n}, f: x}}}",
                ["spec.inner.g", "spec.inner.metadata.bar"]
            ),
            (
                "{spec: {open: {metadata: {labels: {a: b}, bar: 1}, x: {y: z}}}}",
                "{spec: {open: {metadata: {labels: {a: b}}, x: {y: z}}}}", ["spec.open.metadata.bar"]
            ),
        ] as [(String, String, [String])]
    )
    func prune(value: String, expected: String, paths: [String]) throws {
        var value = try Self.yaml(value)
        let unknown = Schema(openAPI: try Self.yaml(Self.known)).prune(&value)
        #expect(value == (try Self.yaml(expected)))
        #expect(Set(unknown) == Set(paths))
        #expect(unknown == unknown.sorted())
    }
}
