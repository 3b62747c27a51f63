import Foundation
import JSON
import Testing
import YAML

/// The recorded answers of a real server.
enum SchemaFixtures {
    private static func bytes(_ name: String) throws -> [UInt8] {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures/kube-1.36.2")
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// A YAML file.
    static func yaml(_ name: String) throws -> JSONValue {
        try YAMLDocument.parse(bytes(name), source: name)
    }

    /// A recorded request and its response, whole.
    static func recording(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(name + ".json"))
    }

    /// The bodies of a recorded request and its response.
    static func exchange(_ name: String) throws -> (request: JSONValue, response: JSONValue) {
        let document = try recording(name)
        return (try #require(document["request"]?["body"]), try #require(document["response"]?["body"]))
    }
}
