import JSON
import Testing

@testable import SandboxServer

@Suite("The table of built-in types")
struct TypeTableTests {
    @Test("reads types, fields and their properties")
    func reads() throws {
        let table = TypeTable([
            """
            # io.k8s.api.core.v1
            Thing kind | what it is
             data {string} | by key
             list [Part] map(name,port) merge(name) retainKeys
             mode! string ="A" enum(A,B,) | the mode
             count int32* =1
             when time null
            Part atomic
             name? string =""
            Bigger like(Part)
             size int64
            """
        ])
        #expect(table.problems == [])
        let thing = try #require(table.objects["io.k8s.api.core.v1.Thing"])
        #expect(thing.isKind)
        #expect(thing.description == "what it is")
        #expect(thing.fields.map(\.name) == ["data", "list", "mode", "count", "when"])
        #expect(thing.fields[0].type == .map(.scalar(.string)))
        #expect(thing.fields[1].type == .list(.named("io.k8s.api.core.v1.Part")))
        #expect(thing.fields[1].mapKeys == ["name", "port"])
        #expect(thing.fields[1].mergeStrategies == ["merge", "retainKeys"])
        #expect(thing.fields[2].isEnforced)
        #expect(thing.fields[2].values == ["A", "B", ""])
        #expect(thing.fields[2].description == "the mode")
        #expect(thing.fields[3].keepsZero)
        #expect(thing.fields[3].defaultValue == 1)
        #expect(thing.fields[4].showsNull)
        #expect(table.objects["io.k8s.api.core.v1.Part"]?.isAtomic == true)
        #expect(table.objects["io.k8s.api.core.v1.Part"]?.fields[0].isEnforced == false)
        #expect(table.objects["io.k8s.api.core.v1.Bigger"]?.fields.map(\.name) == ["name", "size"])
    }

    @Test(
        "names what it does not understand",
        arguments: ["T\n lonely", "T\n field string what", "T\n field string =no", "T\n field Other", "T like(Other)"]
    )
    func problems(_ text: String) {
        #expect(TypeTable(["# v\n" + text]).problems.count == 1)
    }

    @Test("understands the whole text of the built-in types")
    func whole() {
        #expect(BuiltinCatalogue.types.problems == [])
        #expect(BuiltinCatalogue.types.objects.count > 350)
        for kind in BuiltinKind.all {
            for version in kind.versions {
                let name = BuiltinCatalogue.typeName(group: kind.group, version: version, kind: kind.kind)
                #expect(BuiltinCatalogue.types.objects[name]?.isKind == true, "\(name)")
            }
        }
    }
}
