import JSON
import Testing

@testable import SandboxServer

@Suite("Negotiation", .timeLimit(.minutes(1)))
struct NegotiationTests {
    private let sandbox = TestSandbox()
    private let path = "/api/v1/namespaces/default/configmaps"

    @Test("YAML goes in and out")
    func yaml() async {
        let text = "kind: ConfigMap\nmetadata: {name: a}\ndata: {k: \"1\"}\n"
        let created = await sandbox.send(
            "POST",
            path,
            bytes: Array(text.utf8),
            type: "application/yaml",
            headers: ["Accept": "application/yaml"]
        )
        #expect(created.status == 201)
        #expect(created.headers("Content-Type") == ["application/yaml"])
        #expect(created.text.contains("data:\n  k: \"1\"\n"))
    }

    @Test("a table has rows with the metadata, the whole object or nothing")
    func table() async {
        _ = await sandbox.post(path, Sample.configMap("a", ["k": "1"]))
        let accept = ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"]
        for (query, kind) in [("", "PartialObjectMetadata"), ("?includeObject=Object", "ConfigMap")] {
            let table = await sandbox.get(path + query, headers: accept).body
            #expect(table["kind"] == "Table" && table["apiVersion"] == "meta.k8s.io/v1")
            #expect(table["rows"]?[index: 0]?["cells"]?[index: 0] == "a")
            #expect(table["rows"]?[index: 0]?["object"]?["kind"]?.stringValue == kind)
        }
        let bare = await sandbox.get("\(path)/a?includeObject=None", headers: accept).body
        #expect(bare["rows"]?.arrayValue?.count == 1 && bare["rows"]?[index: 0]?["object"] == .null)
    }

    @Test("rows come with what there is")
    func oddRows() async {
        let accept = ["Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"]
        let reply = await sandbox.get(path + "?includeObject=Odd", headers: accept)
        #expect(reply.status == 400)
        #expect(
            reply.message
                == "Unable to convert to Table as requested: includeObject: Invalid value: \"Odd\": must be 'Metadata', "
                + "'Object', 'None', or empty"
        )
        #expect(await sandbox.get(path + "?includeObject=Odd").status == 200)
    }

    @Test(
        "metadata of one object and of a list are told apart",
        arguments: [
            ("configmaps", "PartialObjectMetadata", "is a list (*core.ConfigMapList)"),
            ("configmaps/a", "PartialObjectMetadataList", "is not a list (*core.ConfigMap)"),
            ("configmaps", "PartialObjectMetadataList", nil), ("configmaps/a", "PartialObjectMetadata", nil),
        ] as [(String, String, String?)]
    )
    func metadata(object: String, kind: String, refusal: String?) async {
        _ = await sandbox.post(path, Sample.configMap("a"))
        let reply = await sandbox.get(
            "/api/v1/namespaces/default/\(object)",
            headers: ["Accept": "application/json;as=\(kind);v=v1;g=meta.k8s.io"]
        )
        #expect(reply.status == (refusal == nil ? 200 : 406))
        #expect(reply.message == refusal.map { "you requested \(kind), but the requested object \($0)" })
        if refusal == nil { #expect(reply.body["kind"]?.stringValue == kind) }
    }

    @Test("items of built-in lists have no type of their own")
    func listItems() async {
        _ = await sandbox.post(path, Sample.configMap("a", ["apiVersion": "\",{", "kind": "}"]))
        let list = await sandbox.get(path).body
        let item = list["items"]?.arrayValue?.first { $0["metadata"]?["name"] == "a" }
        #expect(list["kind"] == "ConfigMapList" && list["apiVersion"] == "v1")
        #expect(item?["kind"] == nil && item?["apiVersion"] == nil)
        #expect(item?["data"] == ["apiVersion": "\",{", "kind": "}"])
    }

    @Test(
        "what cannot be answered or read is refused",
        arguments: [
            ("GET", "", "Accept", "text/html", 406), ("POST", "x", "Content-Type", "text/plain", 415),
            ("POST", "{", "", "", 400), ("POST", "[]", "", "", 400), ("POST", "", "", "", 400),
            ("POST", "{\"metadata\": 5}", "", "", 400), ("POST", "{\"data\": []}", "", "", 400),
        ]
    )
    func refusals(_ method: String, _ body: String, _ header: String, _ value: String, _ status: Int) async {
        let reply = await sandbox.send(
            method,
            path,
            bytes: Array(body.utf8),
            type: header == "Content-Type" ? value : "application/json",
            headers: header.isEmpty || header == "Content-Type" ? [:] : [header: value]
        )
        #expect(reply.status == status)
        #expect(reply.body["kind"] == "Status" && reply.body["code"]?.intValue == Int64(status))
    }

    @Test("a body of more than three MiB is too large")
    func tooLarge() async {
        let bytes = Array("{\"data\":{\"k\":\"".utf8) + [UInt8](repeating: 0x61, count: 3 << 20) + Array("\"}}".utf8)
        #expect(await sandbox.send("POST", path, bytes: bytes).status == 413)
    }
}
