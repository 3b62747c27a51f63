import Foundation
import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Printer columns")
struct JSONPathTests {
    private static func object() throws -> JSONValue {
        let text = """
            metadata: {annotations: {x.io/y: hello}, creationTimestamp: 2026-11-21T00:00:00Z}
            spec:
              a: text
              list: [{k: x, v: 1}, {k: "y", v: 2}, {k: z}]
              obj: {b: 1, a: {c: d}}
              "n": 5
              f: 1.5
              big: 1234567.5
              t: true
              nul: null
              html: {x: <a&b>}
              empty: []
            """
        return try YAMLDocument.parse(Array(text.utf8), source: "test")
    }

    @Test(
        "cells are what a real server prints",
        arguments: [
            ("string", ".spec.a", "text"), ("string", ".spec.list[*].k", "x"), ("string", ".spec.list[0].k", "x"),
            ("string", ".spec.list[-1].k", "z"), ("string", ".spec.list[0:2].k", "x"),
            ("string", ".spec.list[-2:].k", "y"), ("string", ".spec.list[::2].k", "x"),
            ("string", #".spec.list[?(@.k=="y")].v"#, "2"), ("string", ".spec.list[?(@.k=='z')].v", .null),
            ("string", ".spec.obj", #"{"a":{"c":"d"},"b":1}"#),
            ("string", ".spec.list", #"[{"k":"x","v":1},{"k":"y","v":2},{"k":"z"}]"#),
            ("integer", ".spec.n", 5), ("number", ".spec.f", 1.5), ("boolean", ".spec.t", true),
            ("string", ".spec.n", "5"), ("string", ".spec.f", "1.5"), ("string", ".spec.big", "1.2345675e+06"),
            ("integer", ".spec.a", .null), ("integer", ".spec.f", 1), ("date", ".spec.a", "<invalid>"),
            ("date", ".metadata.creationTimestamp", "5m"), ("date", ".metadata.deletionTimestamp", .null),
            ("string", "..k", "x"), ("string", ".spec['a']", "text"),
            ("string", #".metadata.annotations.x\.io/y"#, "hello"),
            ("string", #".metadata.annotations['x\.io/y']"#, "hello"), ("string", ".spec['a','n']", "text"),
            ("string", ".spec.list[0,2].k", "x"), ("string", ".spec.list[?(@.v)].k", "x"),
            ("string", ".spec.list[?(@.v>1)].k", "y"), ("string", ".spec.list[?(@.v!=1)].k", "y"),
            ("string", ".spec.list[?(@.v<=1)].k", "x"), ("string", ".spec.t", "true"),
            ("string", ".spec.nul", "<no value>"), ("string", ".spec.html", "{\"x\":\"\\u003ca\\u0026b\\u003e\"}"),
            ("string", ".spec.none.deeper", .null), ("string", ".spec.a.deeper", .null),
            ("string", ".spec.list[9].k", .null), ("string", ".spec.list[-9].k", .null),
            ("string", ".spec.empty[0]", .null),
            ("string", ".spec.a[0]", .null), ("string", ".spec.list[?(@.k==1)].v", .null),
            ("string", ".spec.list[0:9].k", .null),
            ("string", "{", .null), ("string", ".spec.list[?(@.k==", .null), ("string", ".spec[", .null),
            ("boolean", ".spec.a", .null),
        ] as [(String, String, JSONValue)]
    )
    func cells(type: String, path: String, expected: JSONValue) throws {
        let column = ResourceDefinition.PrinterColumn(
            name: "x",
            type: type,
            format: "",
            description: "",
            priority: 0,
            cell: .path(path)
        )
        let now = try #require(RFC3339.date(from: "2026-11-21T00:05:00Z"))
        #expect(column.value(of: try Self.object(), now: now) == expected)
    }

    @Test("hostile paths neither trap nor take long", .timeLimit(.minutes(1)))
    func hostile() throws {
        let object = try Self.object()
        let paths = [
            String(repeating: "..", count: 10_000) + "k", String(repeating: "[?(", count: 10_000),
            String(repeating: "[?(@.a", count: 1000) + String(repeating: ")]", count: 1000),
            ".a[9223372036854775807]", ".spec.list[-9223372036854775808:9223372036854775807:9223372036854775807]",
            ".spec.list[99999999999999999999]", ".spec.list[0:3:0]", ".spec.list[0:3:-1]", "[", "]", ".", "..", "'",
            "\\", ".\\",
            "[?()]", "[?(==)]", "[?(@==@)]", "[,]", "['']", "[?(@.a=='b]", String(repeating: "['", count: 5000),
        ]
        for path in paths { _ = JSONPath(path)?.first(in: object) }
        var state: UInt64 = 3
        let alphabet = Array(".[]*?()@$='\"\\,:-1ak<! ".unicodeScalars)
        for _ in 0..<20_000 {
            var path = "."
            for _ in 0..<14 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                path.unicodeScalars.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            _ = JSONPath(path)?.first(in: object)
        }
    }
}
