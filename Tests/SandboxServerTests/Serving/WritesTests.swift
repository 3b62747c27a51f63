import JSON
import Testing

@testable import SandboxServer

@Suite("Writes", .timeLimit(.minutes(1)))
struct WritesTests {
    private let sandbox = TestSandbox()
    private let path = "/api/v1/namespaces/default/configmaps"

    @Test("a dry run answers as a write and stores nothing")
    func dryRun() async {
        let reply = await sandbox.post("\(path)?dryRun=All", Sample.configMap("a"))
        #expect(reply.status == 201 && reply.body["metadata"]?["resourceVersion"] == nil)
        #expect(await sandbox.get("\(path)/a").status == 404)
        _ = await sandbox.post(path, Sample.configMap("a", ["k": "1"]))
        #expect(await sandbox.put("\(path)/a?dryRun=All", Sample.configMap("a", ["k": "2"])).body["data"] == ["k": "2"])
        #expect(await sandbox.delete("\(path)/a", ["dryRun": ["All"]]).status == 200)
        #expect(await sandbox.get("\(path)/a").body["data"] == ["k": "1"])
        #expect(await sandbox.post("\(path)?dryRun=Some", Sample.configMap("b")).status == 422)
    }

    @Test("unknown and doubled fields are refused, told or ignored")
    func fieldValidation() async {
        let bytes = Array(#"{"metadata":{"name":"f"},"data":{"k":"1"},"data":{"k":"2"},"dat":1}"#.utf8)
        let strict = await sandbox.send("POST", "\(path)?fieldValidation=Strict&dryRun=All", bytes: bytes)
        #expect(strict.status == 400)
        #expect(strict.message?.hasSuffix(#"duplicate field "data", unknown field "dat""#) == true)
        let told = await sandbox.send("POST", "\(path)?dryRun=All", bytes: bytes)
        #expect(
            told.headers("Warning") == [#"299 - "duplicate field \"data\"""#, #"299 - "unknown field \"dat\"""#]
        )
        let ignored = await sandbox.send("POST", "\(path)?fieldValidation=Ignore&dryRun=All", bytes: bytes)
        #expect(ignored.status == 201 && ignored.headers("Warning").isEmpty)
    }

    @Test("finalizers hold a deleted object, and nobody adds one then")
    func finalizers() async {
        var object = Sample.configMap("a")
        object.set(["example.io/f"], at: ["metadata", "finalizers"])
        _ = await sandbox.post(path, object)
        let marked = await sandbox.delete("\(path)/a")
        #expect(marked.body["metadata"]?["deletionTimestamp"] != nil)
        let added = await sandbox.merge("\(path)/a", ["metadata": ["finalizers": ["example.io/f", "example.io/g"]]])
        #expect(added.status == 422)
        _ = await sandbox.merge("\(path)/a", ["metadata": ["finalizers": .null]])
        #expect(await sandbox.get("\(path)/a").status == 404)
    }

    @Test(
        "metadata that breaks rules is refused",
        arguments: [
            (["name": "A"], "metadata.name"), ([:], "metadata.name"), (["generateName": "A-"], "metadata.generateName"),
            (["name": "a", "labels": ["-": "x"]], "metadata.labels"),
            (["name": "a", "labels": ["x": "a b"]], "metadata.labels"),
            (["name": "a", "annotations": ["a/b/c": ""]], "metadata.annotations"),
            (["name": "a", "finalizers": ["a b"]], "metadata.finalizers"),
            (["name": "a", "ownerReferences": [["kind": "X"]]], "metadata.ownerReferences[0].apiVersion"),
        ] as [(JSONValue, String)]
    )
    func metadata(_ metadata: JSONValue, _ field: String) async {
        let reply = await sandbox.post(path, ["metadata": metadata])
        #expect(reply.status == 422)
        let fields = reply.body["details"]?["causes"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
        #expect(fields.contains { $0 == field || $0.hasPrefix("\(field)[") }, "\(fields)")
    }

    @Test("what an update must not change is refused, what it may leave out is kept")
    func immutable() async {
        let created = await sandbox.post(path, Sample.configMap("a"))
        var object = Sample.configMap("a")
        object.set("2020-01-01T00:00:00Z", at: ["metadata", "creationTimestamp"])
        let dated = await sandbox.put("\(path)/a", object)
        #expect(dated.status == 200)
        #expect(dated.body["metadata"]?["creationTimestamp"] == created.body["metadata"]?["creationTimestamp"])
        object = Sample.configMap("a")
        object.set("other", at: ["metadata", "uid"])
        #expect(await sandbox.put("\(path)/a", object).status == 409)
        object = Sample.configMap("a")
        object.set("x", at: ["metadata", "resourceVersion"])
        #expect(await sandbox.put("\(path)/a", object).status == 500)
        let same = await sandbox.put("\(path)/a", Sample.configMap("a"))
        #expect(same.body["metadata"]?["resourceVersion"] == created.body["metadata"]?["resourceVersion"])
    }

    @Test("only some kinds are made by an update, and some insist on the version")
    func updateStrategies() async {
        let lease: JSONValue = ["metadata": ["name": "l"], "spec": ["holderIdentity": "x"]]
        let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
        #expect(await sandbox.put("\(leases)/l", lease).status == 201)
        #expect(await sandbox.put("\(leases)/l", lease).status == 422)
        #expect(await sandbox.put("\(path)/none", Sample.configMap("none")).status == 404)
    }

    @Test("a collection is deleted by its selector")
    func deleteCollection() async {
        _ = await sandbox.post(path, Sample.configMap("a", labels: ["x": "1"]))
        _ = await sandbox.post(path, Sample.configMap("b", labels: ["x": "2"]))
        let reply = await sandbox.delete("\(path)?labelSelector=x%3D1")
        #expect(reply.body["items"]?.arrayValue?.count == 1)
        #expect(await sandbox.get("\(path)/a").status == 404)
        #expect(await sandbox.get("\(path)/b").status == 200)
        #expect(await sandbox.delete("/api/v1/namespaces").status == 405)
    }

    @Test("a custom resource is served from its definition on")
    func customResource() async {
        let definition: JSONValue = [
            "metadata": ["name": "things.example.io"],
            "spec": [
                "group": "example.io", "scope": "Namespaced", "names": ["plural": "things", "kind": "Thing"],
                "versions": [
                    [
                        "name": "v1", "served": true, "storage": true,
                        "schema": [
                            "openAPIV3Schema": [
                                "type": "object",
                                "properties": [
                                    "spec": [
                                        "type": "object",
                                        "properties": ["size": ["type": "integer", "default": 3]],
                                    ]
                                ],
                            ]
                        ],
                    ]
                ],
            ],
        ]
        let things = "/apis/example.io/v1/namespaces/default/things"
        #expect(await sandbox.get(things).text == "404 page not found\n")
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        let created = await sandbox.post(definitions, definition)
        #expect(created.status == 201, "\(created.text)")
        let thing: JSONValue = ["apiVersion": "example.io/v1", "kind": "Thing", "metadata": ["name": "t"], "spec": [:]]
        let made = await sandbox.post(things, thing)
        #expect(made.body["spec"] == ["size": 3] && made.body["metadata"]?["generation"] == 1, "\(made.text)")
        let wrong = await sandbox.merge("\(things)/t", ["spec": ["size": "x"]])
        #expect(wrong.status == 422)
        let strategic = await sandbox.send("PATCH", "\(things)/t", [:], type: "application/strategic-merge-patch+json")
        #expect(strategic.status == 415)
        _ = await sandbox.delete("\(definitions)/things.example.io")
        #expect(await sandbox.get(things).status == 404)
    }

    @Test("finalizers of built-in kinds have a domain or are the cluster's own")
    func finalizerDomains() async {
        var object = Sample.configMap("f")
        object.set(["orphan", "bare"], at: ["metadata", "finalizers"])
        let refused = await sandbox.post("/api/v1/namespaces/default/configmaps", object)
        #expect(refused.status == 422)
        #expect(refused.body["details"]?["causes"]?[index: 0]?["field"] == "metadata.finalizers[1]")
    }

    @Test("namespaces keep the finalizers that they are made with, and lose them through /finalize only")
    func namespaceFinalizers() async {
        let spec: JSONValue = ["finalizers": ["example.io/f"]]
        _ = await sandbox.post("/api/v1/namespaces", ["metadata": ["name": "n"], "spec": spec])
        var namespace = await sandbox.get("/api/v1/namespaces/n").body
        #expect(namespace["spec"]?["finalizers"] == ["example.io/f", "kubernetes"])
        namespace.set([], at: ["spec", "finalizers"])
        let unchanged = await sandbox.put("/api/v1/namespaces/n", namespace)
        #expect(unchanged.body["spec"]?["finalizers"] == ["example.io/f", "kubernetes"])
        _ = await sandbox.delete("/api/v1/namespaces/n")
        #expect(await sandbox.get("/api/v1/namespaces/n").body["spec"]?["finalizers"] == ["example.io/f"])
        let last = await sandbox.put("/api/v1/namespaces/n/finalize", ["metadata": ["name": "n"], "spec": [:]])
        #expect(last.status == 200 && last.body["spec"] == [:])
        #expect(await sandbox.get("/api/v1/namespaces/n").status == 404)
    }

    @Test("pods need the account that they name")
    func accounts() async {
        let pods = "/api/v1/namespaces/default/pods"
        let containers: JSONValue = [["name": "c", "image": "i"]]
        let pod: JSONValue = [
            "metadata": ["name": "p"], "spec": ["serviceAccountName": "robot", "containers": containers],
        ]
        let refused = await sandbox.post(pods, pod)
        let why = "error looking up service account default/robot: serviceaccount \"robot\" not found"
        #expect(refused.status == 403 && refused.message == "pods \"p\" is forbidden: \(why)")
        _ = await sandbox.post("/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "robot"]])
        #expect(await sandbox.post(pods, pod).status == 201)
    }

    @Test("what is deleted all over the cluster is deleted one namespace at a time")
    func collections() async {
        #expect(await sandbox.delete("/api/v1/configmaps").status == 405)
        #expect(await sandbox.delete("/api/v1/nodes").status == 200)
    }

    @Test(
        "grace periods are whole numbers",
        arguments: [
            ("?gracePeriodSeconds=x", nil, "strconv.ParseInt: parsing \"x\": invalid syntax"),
            (
                "", ["gracePeriodSeconds": "5"],
                "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"
            ),
        ] as [(String, JSONValue?, String)]
    )
    func grace(query: String, body: JSONValue?, message: String) async {
        let refused = await sandbox.delete("/api/v1/namespaces/default/configmaps/none\(query)", body)
        #expect(refused.status == 400 && refused.message == message)
    }

    @Test("an apply names its object")
    func applyWithoutName() async {
        let path = "/api/v1/namespaces/default/configmaps/a?fieldManager=m"
        let refused = await sandbox.apply(path, ["apiVersion": "v1", "kind": "ConfigMap"])
        #expect(refused.status == 400)
        #expect(
            refused.message == "the name of the object (a based on URL) was undeterminable: name must be provided"
        )
    }
}
