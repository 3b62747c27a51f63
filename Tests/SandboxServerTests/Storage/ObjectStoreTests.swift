import JSON
import Testing

@testable import SandboxServer

@Suite("ObjectStore")
struct ObjectStoreTests {
    private let pods = ResourceID(group: "", plural: "pods")

    @Test("what a transaction throws leaves the store as it was")
    func rollback() throws {
        let store = ObjectStore()
        let name = ObjectName(namespace: "a", name: "b")
        store.transaction { _ = $0.put(pods, name, ["metadata": ["name": "b"]]) }
        let before = store.transaction { $0.revision }
        #expect(throws: APIFailure.self) {
            try store.transaction { tx in
                tx.remove(pods, name)
                tx.put(pods, ObjectName(namespace: "a", name: "c"), [:])
                throw APIFailure(code: 500, reason: "", message: "")
            }
        }
        store.transaction { tx in
            #expect(tx.revision == before)
            #expect(tx.get(pods, name) != nil && tx.all(pods).count == 1)
        }
    }
}
