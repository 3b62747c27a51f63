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
}
