import JSON
import Testing

@testable import SandboxServer

@Suite("Subresources", .timeLimit(.minutes(1)))
struct SubresourcesTests {
    private let sandbox = TestSandbox()
    private let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private let pods = "/api/v1/namespaces/default/pods"

    @Test("status and spec are written apart, and only the spec counts generations")
    func status() async {
        let created = await sandbox.post(deployments, Sample.deployment("web"))
        #expect(created.status == 201, "\(created.text)")
        let ignored = await sandbox.merge("\(deployments)/web", ["status": ["replicas": 5]])
        #expect(ignored.body["metadata"]?["resourceVersion"] == created.body["metadata"]?["resourceVersion"])
        let written = await sandbox.merge(
            "\(deployments)/web/status",
            ["status": ["replicas": 5], "spec": ["replicas": 9]]
        )
        #expect(written.body["status"]?["replicas"] == 5 && written.body["spec"]?["replicas"] == 1)
        #expect(written.body["metadata"]?["generation"] == 1)
        let changed = await sandbox.merge("\(deployments)/web", ["spec": ["replicas": 2]])
        #expect(changed.body["metadata"]?["generation"] == 2 && changed.body["status"]?["replicas"] == 5)
    }

    @Test("scale shows and sets the replicas")
    func scale() async {
        _ = await sandbox.post(deployments, Sample.deployment("web"))
        let scale = await sandbox.get("\(deployments)/web/scale").body
        #expect(scale["kind"] == "Scale" && scale["status"]?["selector"] == "app=web")
        let set = await sandbox.merge("\(deployments)/web/scale", ["spec": ["replicas": 4]])
        #expect(set.body["spec"] == ["replicas": 4])
        #expect(await sandbox.get("\(deployments)/web").body["spec"]?["replicas"] == 4)
        #expect(await sandbox.merge("\(deployments)/web/scale", ["spec": ["replicas": -1]]).status == 422)
        #expect(await sandbox.merge("\(deployments)/web/scale", ["spec": ["replicas": 1e20]]).status == 400)
    }

    @Test("a pod is bound once, is evicted within its budget, and has a log")
    func pod() async {
        let pod: JSONValue = [
            "metadata": ["name": "p", "labels": ["app": "p"], "annotations": ["sandbox.tmc.io/log": "hello"]],
            "spec": ["containers": [["name": "c", "image": "i"]]],
        ]
        #expect(await sandbox.post(pods, pod).status == 201)
        #expect(await sandbox.post("\(pods)/p/binding", ["target": ["kind": "Node", "name": "n"]]).status == 201)
        #expect(await sandbox.post("\(pods)/p/binding", ["target": ["kind": "Node", "name": "m"]]).status == 409)
        #expect(await sandbox.get("\(pods)/p/log").text == "hello\n")
        #expect(await sandbox.get("\(pods)/p/log?container=x").status == 400)
        _ = await sandbox.merge("\(pods)/p/status", ["status": ["phase": "Running"]])
        let budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
        _ = await sandbox.post(
            budgets,
            ["metadata": ["name": "b"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "p"]]]]
        )
        let refused = await sandbox.post("\(pods)/p/eviction", ["metadata": ["name": "p"]])
        #expect(refused.status == 429 && refused.reason == "TooManyRequests")
        _ = await sandbox.merge("\(budgets)/b/status", ["status": ["observedGeneration": 1, "disruptionsAllowed": 1]])
        #expect(await sandbox.post("\(pods)/p/eviction", ["metadata": ["name": "p"]]).status == 201)
        #expect(await sandbox.get("\(pods)/p").body["metadata"]?["deletionTimestamp"] != nil)
    }

    @Test("unknown subresources and methods are refused")
    func unknown() async {
        _ = await sandbox.post(deployments, Sample.deployment("web"))
        #expect(await sandbox.get("\(deployments)/web/log").status == 404)
        #expect(await sandbox.delete("\(deployments)/web/scale").status == 405)
        #expect(await sandbox.post("\(deployments)/web", [:]).status == 405)
        #expect(await sandbox.get("/api/v1/namespaces/default/nodes").status == 404)
        #expect(await sandbox.get("/apis/none.io/v1/x").text == "404 page not found\n")
    }
}
