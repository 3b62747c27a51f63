import Foundation
import JSON
import Testing

@testable import SandboxServer

/// What the tests of patching share.
enum PatchingFixtures {
    /// The time of the recorded answers.
    static let now = Date(timeIntervalSince1970: 1_795_236_464)

    /// A context for objects of a built-in kind.
    static func builtin(
        _ plural: String,
        group: String = "",
        subresource: String = "",
        at now: Date = now
    ) throws -> ManagedFields.Context {
        let id = ResourceID(group: group, plural: plural)
        let definition = try #require(BuiltinCatalogue.definitions.first { $0.id == id })
        return .init(definition, try #require(definition.versions.first), subresource: subresource, now: now)
    }

    /// A context for custom objects of the kind `Thing`, whose schema is given as an `openAPIV3Schema`.
    static func custom(
        _ properties: JSONValue,
        hasStatus: Bool = false,
        subresource: String = "",
        at now: Date = now
    ) -> ManagedFields.Context {
        var schema = Schema(openAPI: ["type": "object", "properties": properties])
        schema.properties["metadata"] = .objectMeta
        schema.properties["apiVersion"] = Schema(.string)
        schema.properties["kind"] = Schema(.string)
        var version = ResourceDefinition.Version(name: "v1", schema: schema)
        version.hasStatus = hasStatus
        var definition = ResourceDefinition(
            id: ResourceID(group: "example.com", plural: "things"),
            singular: "thing",
            kind: "Thing",
            isNamespaced: true,
            versions: [version],
            storageVersion: "v1"
        )
        definition.isCustom = true
        return .init(definition, version, subresource: subresource, now: now)
    }

    /// A custom object.
    static func thing(_ members: JSONObject = [:], metadata: JSONObject = [:]) -> JSONValue {
        var object = members
        object["apiVersion"] = "example.com/v1"
        object["kind"] = "Thing"
        object["metadata"] = .object(metadata.merging(["name": "t"]) { $1 })
        return .object(object)
    }

    /// What a manager owns, as FieldsV1; nil when it has no entry.
    static func fields(of manager: String, in object: JSONValue) -> JSONValue? {
        object.managedFields?.arrayValue?.first { $0["manager"]?.stringValue == manager }?["fieldsV1"]
    }

    /// The entries of an object with all times made one, to compare with what a server has recorded.
    static func timeless(_ object: JSONValue) -> [JSONValue] {
        (object.managedFields?.arrayValue ?? []).map { entry in
            var entry = entry
            entry["time"] = nil
            return entry
        }
    }
}
