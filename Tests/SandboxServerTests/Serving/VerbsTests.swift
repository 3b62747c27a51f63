import JSON
import Testing

@testable import SandboxServer

@Suite("The verbs", .timeLimit(.minutes(1)))
struct VerbsTests {
    private let sandbox = TestSandbox()
    private let path = "/api/v1/namespaces/default/configmaps"

    @Test("an object is created, read, replaced, patched and deleted")
    func life() async {
        let created = await sandbox.post(path, Sample.configMap("a", ["k": "1"]))
        #expect(created.status == 201)
        #expect(created.body["metadata"]?["uid"]?.stringValue?.count == 36)
        #expect(created.body["metadata"]?["creationTimestamp"] == "2027-01-15T08:00:00Z")
        let read = await sandbox.get("\(path)/a")
        #expect(read.status == 200 && read.body == created.body)
        let replaced = await sandbox.put("\(path)/a", Sample.configMap("a", ["k": "2"]))
        #expect(replaced.status == 200 && replaced.body["data"] == ["k": "2"])
        #expect(replaced.body["metadata"]?["uid"] == created.body["metadata"]?["uid"])
        let patched = await sandbox.merge("\(path)/a", ["data": ["j": "3", "k": .null]])
        #expect(patched.body["data"] == ["j": "3"])
        let deleted = await sandbox.delete("\(path)/a")
        #expect(deleted.body["status"] == "Success" && deleted.body["details"]?["name"] == "a")
        #expect(await sandbox.get("\(path)/a").status == 404)
    }
}
