import Foundation
import JSON
import Testing
import YAML

@testable import SandboxServer

@Suite("The OpenAPI documents")
struct OpenAPIDocumentsTests {
    /// One for all tests: documents are made once.
    private static let builtin = OpenAPIDocuments(version: "v1.36.2")
    private let documents = builtin

    @Test("of version 3 are listed in the index, each under a path with its hash")
    func index() throws {
        let paths = try #require(try document("/openapi/v3")["paths"]?.objectValue)
        for name in ["api", "api/v1", "apis", "apis/apps", "apis/apps/v1", "apis/autoscaling/v2", "version"] {
            let url = try #require(paths[name]?["serverRelativeURL"]?.stringValue)
            let answer = try #require(documents.answer(path: "/openapi/v3/\(name)", accept: ""))
            #expect(url == "/openapi/v3/\(name)?hash=\(answer.hash)")
            #expect(answer.contentType == "application/json")
        }
        #expect(documents.answer(path: "/openapi/v3", accept: "")?.contentType == "text/plain; charset=utf-8")
    }

    @Test(
        "do not exist for what is not served",
        arguments: ["/openapi/v3/apis/none/v1", "/openapi/v3/", "/openapi/v4"]
    )
    func missing(_ path: String) {
        #expect(documents.answer(path: path, accept: "") == nil)
    }

    @Test(
        "contain every schema that they refer to",
        arguments: ["/openapi/v2", "/openapi/v3/api/v1", "/openapi/v3/apis/apps/v1"]
    )
    func references(_ path: String) throws {
        let document = try document(path)
        let names = Set(
            (document["definitions"] ?? document.value(at: ["components", "schemas"]) ?? [:]).objectValue?.keys.map {
                $0
            }
                ?? []
        )
        var referred: Set<String> = []
        collect(document, into: &referred)
        #expect(referred.isSubset(of: names))
        #expect(referred.count > 50)
    }

    @Test("say how lists merge, which kind a schema is, and which fields are required")
    func extensions() throws {
        let schemas = try #require(try document("/openapi/v3/apis/apps/v1").value(at: ["components", "schemas"]))
        let deployment = try #require(schemas["io.k8s.api.apps.v1.Deployment"])
        #expect(
            deployment["x-kubernetes-group-version-kind"] == [["group": "apps", "version": "v1", "kind": "Deployment"]]
        )
        let containers = schemas["io.k8s.api.core.v1.PodSpec"]?.value(at: ["properties", "containers"])
        #expect(containers?["x-kubernetes-list-type"] == "map")
        #expect(containers?["x-kubernetes-list-map-keys"] == ["name"])
        #expect(containers?["x-kubernetes-patch-merge-key"] == "name")
        #expect(containers?["x-kubernetes-patch-strategy"] == "merge")
        #expect(schemas["io.k8s.api.core.v1.PodSpec"]?["required"] == ["containers"])
        #expect(schemas["io.k8s.api.apps.v1.DeploymentSpec"]?["required"] == ["selector", "template"])
        let status = deployment.value(at: ["properties", "status"])
        #expect(status?["allOf"] == [["$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentStatus"]])
        #expect(status?["default"] == [:])
        let scale = schemas["io.k8s.api.autoscaling.v1.Scale"]?["x-kubernetes-group-version-kind"]
        #expect(scale == [["group": "autoscaling", "version": "v1", "kind": "Scale"]])
    }

    @Test(
        "say that PATCH knows fieldValidation, which kubectl looks for",
        arguments: ["/openapi/v2", "/openapi/v3/apis/apps/v1"]
    )
    func fieldValidation(_ path: String) throws {
        let item = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        let patch = try #require(try document(path).value(at: ["paths", item, "patch"]))
        let names = patch["parameters"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
        #expect(names.contains("fieldValidation"))
        #expect(
            patch["x-kubernetes-group-version-kind"] == ["group": "apps", "version": "v1", "kind": "Deployment"]
        )
        #expect(patch["x-kubernetes-action"] == "patch")
    }

    @Test("name every operation differently")
    func operations() throws {
        var identifiers: [String] = []
        for (_, item) in try #require(try document("/openapi/v2")["paths"]?.objectValue) {
            for (_, operation) in item.objectValue ?? [:] {
                if let identifier = operation["operationId"]?.stringValue { identifiers.append(identifier) }
            }
        }
        #expect(identifiers.count > 200)
        #expect(Set(identifiers).count == identifiers.count)
    }

    @Test("show a custom resource as a real server does")
    func custom() throws {
        let documents = OpenAPIDocuments(version: "v1.36.2")
        documents.update(custom: [try Self.recordedDefinition()])
        let path = "/openapi/v3/apis/recovery.tmc.io/v1alpha1"
        let recorded = try Self.recorded("12-openapi-v3-crd.json").value(at: ["response", "body"])
        let ours = try document(path, of: documents)
        for name in ["io.tmc.recovery.v1alpha1.Recovery", "io.tmc.recovery.v1alpha1.RecoveryList"] {
            var (left, right) = (ours, recorded ?? .null)
            left = left.value(at: ["components", "schemas", name]) ?? .null
            right = right.value(at: ["components", "schemas", name]) ?? .null
            #expect(Self.bare(left) == Self.bare(right))
        }
        let paths = recorded?["paths"]?.objectValue ?? [:]
        #expect(ours["paths"]?.objectValue?.keys.map { $0 } == paths.keys.map { $0 })
        for (path, item) in paths {
            for (method, operation) in item.objectValue ?? [:] where method != "parameters" {
                let mine = ours.value(at: ["paths", path, method])
                #expect(mine?["x-kubernetes-action"] == operation["x-kubernetes-action"], "\(method) \(path)")
                #expect(
                    mine?["x-kubernetes-group-version-kind"] == operation["x-kubernetes-group-version-kind"]
                )
            }
        }
        #expect(
            try document("/openapi/v2", of: documents).value(at: ["definitions", "io.tmc.recovery.v1alpha1.Recovery"])
                != nil
        )
        documents.update(custom: [])
        #expect(documents.answer(path: path, accept: "") == nil)
    }

    private func document(_ path: String, of documents: OpenAPIDocuments = builtin) throws -> JSONValue {
        try JSONValue(parsing: try #require(documents.answer(path: path, accept: "application/json")).bytes)
    }

    private func collect(_ value: JSONValue, into names: inout Set<String>) {
        switch value {
        case .object(let members):
            for (key, member) in members {
                if key == "$ref", let name = member.stringValue?.split(separator: "/").last {
                    names.insert(String(name))
                }
                collect(member, into: &names)
            }
        case .array(let elements):
            for element in elements { collect(element, into: &names) }
        default: break
        }
    }

    /// Without descriptions, which are our own.
    private static func bare(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(JSONObject(members.filter { $0.key != "description" }.map { ($0.key, bare($0.value)) }))
        case .array(let elements): .array(elements.map { bare($0) })
        default: value
        }
    }

    private static let recordings = "Fixtures/kube-1.36.2/"

    private static func recorded(_ name: String) throws -> JSONValue {
        try JSONValue(parsing: Array(try Data(contentsOf: Bundle.module.bundleURL.appending(path: recordings + name))))
    }

    private static func recordedDefinition() throws -> ResourceDefinition {
        let url = Bundle.module.bundleURL.appending(path: recordings + "crd-in-use.yaml")
        let object = try YAMLDocument.parse(Array(Data(contentsOf: url)), source: "crd-in-use.yaml")
        return try CustomResources.definition(of: object)
    }
}
