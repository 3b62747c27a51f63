import JSON
import SandboxServer
import Testing

@Suite("The built-in catalogue")
struct BuiltinCatalogueTests {
    @Test("lists every kind once, with a namespace or without, and its first version as the stored one")
    func definitions() throws {
        let ids = BuiltinCatalogue.definitions.map(\.id)
        #expect(Set(ids).count == ids.count)
        let pods = try #require(BuiltinCatalogue.definitions.first { $0.id == ResourceID(group: "", plural: "pods") })
        #expect(pods.shortNames == ["po"])
        #expect(pods.categories == ["all"])
        #expect(pods.isNamespaced)
        #expect(pods.version("v1")?.hasStatus == true)
        #expect(pods.listKind == "PodList")
        for definition in BuiltinCatalogue.definitions {
            #expect(definition.singular == definition.kind.lowercased())
            #expect(definition.version(definition.storageVersion) != nil)
        }
    }

    @Test("knows the metadata of every kind exactly")
    func metadata() throws {
        for definition in BuiltinCatalogue.definitions {
            for version in definition.versions {
                let metadata = try #require(version.schema.properties["metadata"])
                #expect(metadata.properties["ownerReferences"]?.listMapKeys == ["uid"])
                #expect(metadata.properties["finalizers"]?.patchStrategy == "merge")
                #expect(metadata.properties["labels"]?.additional?.schema.kind == .string)
                #expect(metadata.properties["name"] != nil)
            }
        }
    }

    @Test("knows how lists of pods merge, what is required and what is filled in")
    func podFacts() throws {
        let pod = try schema("", "pods")
        let spec = try #require(pod.properties["spec"])
        let containers = try #require(spec.properties["containers"])
        #expect(spec.required == ["containers"])
        #expect(containers.listType == .map)
        #expect(containers.listMapKeys == ["name"])
        #expect(containers.patchMergeKey == "name")
        #expect(containers.patchStrategy == "merge")
        let container = try #require(containers.items?.schema)
        #expect(container.required == ["name"])
        #expect(container.properties["ports"]?.listMapKeys == ["containerPort", "protocol"])
        #expect(container.properties["ports"]?.patchMergeKey == "containerPort")
        #expect(container.properties["ports"]?.items?.schema.properties["protocol"]?.defaultValue == "TCP")
        #expect(container.properties["terminationMessagePath"]?.defaultValue == "/dev/termination-log")
        #expect(container.properties["resources"]?.defaultValue == [:])
        #expect(container.properties["command"]?.listType == .atomic)
        #expect(spec.properties["volumes"]?.patchStrategy == "merge,retainKeys")
        #expect(spec.properties["nodeSelector"]?.isAtomicMap == true)
        #expect(spec.properties["terminationGracePeriodSeconds"]?.defaultValue == 30)
        #expect(spec.properties["restartPolicy"]?.constraints?.keywords["enum"] == ["Always", "Never", "OnFailure"])
    }

    @Test("knows the defaults and the atomic parts of deployments")
    func deploymentFacts() throws {
        let spec = try #require(try schema("apps", "deployments").properties["spec"])
        #expect(spec.properties["replicas"]?.defaultValue == 1)
        #expect(spec.properties["selector"]?.isAtomicMap == true)
        #expect(spec.properties["strategy"]?.patchStrategy == "retainKeys")
        #expect(spec.properties["strategy"]?.properties["type"]?.defaultValue == "RollingUpdate")
        #expect(spec.required == ["selector"])
        #expect(spec.properties["template"]?.properties["spec"]?.properties["containers"]?.listMapKeys == ["name"])
    }

    @Test("keeps schemas inside of schemas of CustomResourceDefinitions open")
    func schemaProps() throws {
        let versions = try schema("apiextensions.k8s.io", "customresourcedefinitions").properties["spec"]?.properties[
            "versions"
        ]
        let root = versions?.items?.schema.properties["schema"]?.properties["openAPIV3Schema"]
        #expect(root?.properties["x-kubernetes-list-type"]?.kind == .string)
        #expect(root?.properties["properties"]?.additional?.schema.preservesUnknownFields == true)
    }

    private func schema(_ group: String, _ plural: String) throws -> Schema {
        let id = ResourceID(group: group, plural: plural)
        return try #require(BuiltinCatalogue.definitions.first { $0.id == id }?.versions.first?.schema)
    }
}
