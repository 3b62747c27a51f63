import Foundation
import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("Custom resources as a real server answered")
struct CustomResourceFixtureTests {
    private static func recovery() throws -> Schema {
        let crd = try SchemaFixtures.yaml("crd-in-use.yaml")
        let version = try #require(try CustomResources.definition(of: crd).version("v1alpha1"))
        return version.schema
    }

    @Test(
        "the causes are those of the answer",
        arguments: ["68-cr-missing-required", "69-cr-wrong-type"]
    )
    func causes(name: String) throws {
        let (request, response) = try SchemaFixtures.exchange(name)
        let causes = try Self.recovery().validate(request)
        let expected = try #require(response["details"]?["causes"]?.arrayValue)
        let actual = causes.map {
            ["field": .string($0.field), "message": .string($0.message), "reason": .string($0.reason)] as JSONValue
        }
        #expect(actual == expected)
    }

    @Test("defaults are filled in", arguments: ["67-cr-create-defaulted", "70-cr-pruned-warn"])
    func defaults(name: String) throws {
        var (object, response) = try SchemaFixtures.exchange(name)
        let schema = try Self.recovery()
        let unknown = schema.prune(&object)
        schema.applyDefaults(to: &object)
        #expect(object["spec"] == response["spec"])
        #expect(unknown == (name.hasPrefix("70") ? ["spec.error.zzz"] : []))
        #expect(schema.validate(object) == [])
    }

    @Test("strict decoding says what is unknown")
    func strict() throws {
        var (object, response) = try SchemaFixtures.exchange("71-cr-strict")
        let unknown = StrictDecoding.unknownFields(try Self.recovery().prune(&object))
        #expect(response["message"]?.stringValue?.hasSuffix(unknown.joined(separator: ", ")) == true)
    }
}
