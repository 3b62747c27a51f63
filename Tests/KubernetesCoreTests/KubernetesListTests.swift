import JSON
import KubernetesCore
import Testing

struct KubernetesListTests {
    @Test func `items of a real list get the type fields that the server leaves out`() throws {
        let list = try KubernetesList<Unstructured>(json: Recording("32-list").body)
        #expect(list.metadata.resourceVersion == "130703")
        #expect(list.metadata.continueToken == nil)
        #expect(!list.items.isEmpty)
        #expect(list.items.allSatisfy { $0.kind == "ConfigMap" && $0.apiVersion == "v1" && !$0.name.isEmpty })
    }

    @Test func `pages of a real list carry the token for the next one`() throws {
        let first = try KubernetesList<Unstructured>(json: Recording("33-list-limit").body)
        #expect(first.items.count == 1)
        #expect(first.metadata.continueToken != nil)
        #expect((first.metadata.remainingItemCount ?? 0) > 0)
        let next = try KubernetesList<Unstructured>(json: Recording("34-list-continue").body)
        #expect(next.metadata.resourceVersion == first.metadata.resourceVersion)
    }

    @Test(arguments: ["", nil])
    func `an empty token ends the list`(token: String?) {
        #expect(ListMeta(continue: token).continueToken == nil)
    }

    @Test func `a table is no list, however it was asked for`() throws {
        let body = try Recording("42-table").body
        #expect(throws: ObjectFormatError("expected a list, got kind Table")) {
            try KubernetesList<Unstructured>(json: body)
        }
    }

    @Test(
        arguments: [
            (JSONValue.null, "expected a list, got kind none"),
            (["kind": "Status"], "expected a list, got kind Status"),
            (["kind": "PodList", "items": ["a": 1]], "PodList: items is not an array"),
        ] as [(JSONValue, String)]
    )
    func `what is no list is an error, not an empty collection`(value: JSONValue, message: String) {
        #expect(throws: ObjectFormatError(message)) { try KubernetesList<Unstructured>(json: value) }
    }

    @Test(arguments: [["kind": "PodList"], ["kind": "PodList", "items": .null]] as [JSONValue])
    func `null items are no items, as Go writes an empty list`(value: JSONValue) throws {
        #expect(try KubernetesList<Unstructured>(json: value).items.isEmpty)
    }

    @Test func `malformed list metadata is an error`() {
        #expect(throws: DecodingError.self) {
            try ListEnvelope(json: ["kind": "PodList", "metadata": ["resourceVersion": 5]])
        }
    }

    @Test func `items keep their own type`() throws {
        let mixed = try ListEnvelope(json: ["kind": "List", "apiVersion": "v1"])
        #expect(mixed.complete(["kind": "Pod", "apiVersion": "v1"]).kind == "Pod")
        #expect(mixed.complete([:]).kind.isEmpty)
        let pods = try ListEnvelope(json: ["kind": "PodList", "apiVersion": "v1"])
        #expect(pods.complete(["kind": "Other", "apiVersion": "x/v1"]).groupVersionKind.description == "Other.v1.x")
    }
}
