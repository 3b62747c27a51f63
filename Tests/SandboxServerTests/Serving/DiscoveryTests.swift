import JSON
import Testing

@testable import SandboxServer

@Suite("Discovery", .timeLimit(.minutes(1)))
struct DiscoveryTests {
    private let sandbox = TestSandbox()

    @Test("both forms of discovery tell the same resources")
    func sameResources() async {
        let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        let aggregated = await sandbox.get("/apis", headers: ["Accept": accept])
        #expect(
            aggregated.headers("Content-Type")
                == ["application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"]
        )
        let groups = await sandbox.get("/apis").body["groups"]?.arrayValue ?? []
        #expect(groups.map { $0["name"] } == aggregated.body["items"]?.arrayValue?.map { $0["metadata"]?["name"] })
        for item in aggregated.body["items"]?.arrayValue ?? [] {
            let group = item["metadata"]?["name"]?.stringValue ?? ""
            for version in item["versions"]?.arrayValue ?? [] {
                let path = "/apis/\(group)/\(version["version"]?.stringValue ?? "")"
                let list = await sandbox.get(path).body["resources"]?.arrayValue ?? []
                let names = list.compactMap { $0["name"]?.stringValue }.filter { !$0.contains("/") }
                #expect(names == version["resources"]?.arrayValue?.compactMap { $0["resource"]?.stringValue })
            }
        }
    }

    @Test("every listed resource can be listed")
    func listed() async {
        for path in ["/api/v1", "/apis/apps/v1", "/apis/policy/v1", "/apis/events.k8s.io/v1"] {
            let resources = await sandbox.get(path).body["resources"]?.arrayValue ?? []
            for resource in resources where resource["verbs"]?.arrayValue?.contains("list") == true {
                let name = resource["name"]?.stringValue ?? ""
                #expect(await sandbox.get("\(path)/\(name)").status == 200, "\(path)/\(name)")
            }
        }
    }

    @Test(
        "paths that everybody knows",
        arguments: [
            ("/version", "v1.36.2"), ("/readyz", "ok"), ("/livez?verbose", "livez check passed"),
            ("/api", "APIVersions"), ("/openapi/v3", "apis/apps/v1"), ("/sandbox/faults", "rules"), ("/", "/readyz"),
        ]
    )
    func wellKnown(_ path: String, _ text: String) async {
        let reply = await sandbox.get(path)
        #expect(reply.status == 200 && reply.text.contains(text), "\(reply.text.prefix(200))")
    }
}
