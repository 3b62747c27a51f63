import Foundation
import JSON
import Testing
import YAML

/// The recorded answers of a real server.
enum SchemaFixtures {
    private static func bytes(_ name: String) throws -> [UInt8] {
        let folder = try #require(Bundle.module.resourceURL).appending(path: "Fixtures")
        return Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// A YAML file.
    static func yaml(_ name: String) throws -> JSONValue {
        try YAMLDocument.parse(bytes("kube-1.36.2/" + name), source: name)
    }

    /// A JSON file beside the recorded answers.
    static func json(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(name))
    }

    /// A recorded request and its response, whole.
    static func recording(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: bytes("kube-1.36.2/" + name + ".json"))
    }

    /// The bodies of a recorded request and its response.
    static func exchange(_ name: String) throws -> (request: JSONValue, response: JSONValue) {
        let document = try recording(name)
        return (try #require(document["request"]?["body"]), try #require(document["response"]?["body"]))
    }

    /// A CustomResourceDefinition of this project.
    static func definition(_ plural: String) throws -> JSONValue {
        let root = URL(filePath: #filePath).appending(path: "../../../../crds").standardizedFileURL
        let file = root.appending(path: "\(plural).yaml")
        return try YAMLDocument.parse(Array(try Data(contentsOf: file)), source: file.lastPathComponent)
    }
}
