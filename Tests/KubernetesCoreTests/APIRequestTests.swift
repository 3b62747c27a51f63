import JSON
import KubernetesCore
import Testing

struct APIRequestTests {
    static let key = ObjectKey(namespace: "ns", name: "web")
    static let body: JSONValue = ["a": 1]

    static let table: [(APIRequest, String)] = [
        (.get(.pods, key), "GET /api/v1/namespaces/ns/pods/web"),
        (.get(.deployments, key, subresource: "scale"), "GET /apis/apps/v1/namespaces/ns/deployments/web/scale"),
        (
            .get(.pods, key, options: GetOptions(resourceVersion: "0")),
            "GET /api/v1/namespaces/ns/pods/web?resourceVersion=0"
        ),
        (.get(.nodes, ObjectKey(namespace: "ns", name: "n")), "GET /api/v1/nodes/n"),
        (.list(.pods), "GET /api/v1/pods"),
        (
            .list(
                .pods,
                namespace: "ns",
                options: ListOptions(
                    labelSelector: "a in (b,c)",
                    fieldSelector: "metadata.name=x",
                    limit: 500,
                    resourceVersion: "5",
                    resourceVersionMatch: .exact,
                    timeoutSeconds: 30
                )
            ),
            "GET /api/v1/namespaces/ns/pods?labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=metadata.name%3Dx"
                + "&limit=500&resourceVersion=5&resourceVersionMatch=Exact&timeoutSeconds=30"
        ),
        // The server refuses a version together with a token.
        (
            .list(
                .pods,
                options: ListOptions(
                    limit: 1,
                    continue: "a+b/=",
                    resourceVersion: "5",
                    resourceVersionMatch: .notOlderThan
                )
            ),
            "GET /api/v1/pods?limit=1&continue=a%2Bb%2F%3D"
        ),
        (
            .list(.pods, options: ListOptions(continue: "", resourceVersion: "0")),
            "GET /api/v1/pods?continue=&resourceVersion=0"
        ),
        (.watch(.pods), "GET /api/v1/pods?watch=1&allowWatchBookmarks=true"),
        (
            .watch(
                .pods,
                namespace: "ns",
                options: WatchOptions(
                    labelSelector: "a=b",
                    fieldSelector: "c=d",
                    resourceVersion: "7",
                    resourceVersionMatch: .notOlderThan,
                    timeoutSeconds: 290,
                    allowBookmarks: false,
                    sendInitialEvents: true
                )
            ),
            "GET /api/v1/namespaces/ns/pods?watch=1&labelSelector=a%3Db&fieldSelector=c%3Dd&resourceVersion=7"
                + "&resourceVersionMatch=NotOlderThan&timeoutSeconds=290&allowWatchBookmarks=false&sendInitialEvents=true"
        ),
        (.create(.pods, namespace: "ns", body: body), "POST /api/v1/namespaces/ns/pods"),
        (
            .create(
                .pods,
                namespace: "ns",
                body: body,
                options: WriteOptions(fieldManager: "m m", dryRun: true, fieldValidation: .strict)
            ),
            "POST /api/v1/namespaces/ns/pods?dryRun=All&fieldManager=m%20m&fieldValidation=Strict"
        ),
        (
            .createSubresource("token", of: .serviceAccounts, key, body: body),
            "POST /api/v1/namespaces/ns/serviceaccounts/web/token"
        ),
        (
            .update(.pods, key, body: body, subresource: "status", options: WriteOptions(fieldManager: "m")),
            "PUT /api/v1/namespaces/ns/pods/web/status?fieldManager=m"
        ),
        (.patch(.pods, key, body: body, type: .merge), "PATCH /api/v1/namespaces/ns/pods/web"),
        (
            .patch(.pods, key, body: body, type: .apply(fieldManager: "m", force: false), subresource: "status"),
            "PATCH /api/v1/namespaces/ns/pods/web/status?fieldManager=m"
        ),
        (
            .patch(
                .pods,
                key,
                body: body,
                type: .apply(fieldManager: "m", force: true),
                options: WriteOptions(fieldManager: "other", dryRun: true)
            ),
            "PATCH /api/v1/namespaces/ns/pods/web?dryRun=All&fieldManager=m&force=true"
        ),
        (.delete(.pods, key), "DELETE /api/v1/namespaces/ns/pods/web"),
        (
            .deleteCollection(.pods, namespace: "ns", list: ListOptions(labelSelector: "n=2")),
            "DELETE /api/v1/namespaces/ns/pods?labelSelector=n%3D2"
        ),
        (.raw("/readyz", query: [("verbose", "1")]), "GET /readyz?verbose=1"),
    ]

    @Test(arguments: table.indices)
    func `builds method, path and query in a fixed order`(index: Int) {
        let (request, line) = Self.table[index]
        #expect(request.description == line)
    }

    @Test(arguments: [
        (PatchType.json, "application/json-patch+json"), (.merge, "application/merge-patch+json"),
        (.strategic, "application/strategic-merge-patch+json"),
        (.apply(fieldManager: "m", force: true), "application/apply-patch+yaml"),
    ])
    func `a patch says how it is meant`(type: PatchType, contentType: String) {
        let request = APIRequest.patch(.pods, Self.key, body: Self.body, type: type)
        #expect(request.contentType == contentType)
        #expect(request.body == Array(#"{"a":1}"#.utf8))
        #expect(request.verb == .patch && request.accept == "application/json")
    }

    @Test func `only options that are set become the body of a delete`() {
        #expect(APIRequest.delete(.pods, Self.key).body == nil)
        #expect(APIRequest.delete(.pods, Self.key).contentType == nil)
        let options = DeleteOptions(
            preconditionUID: "42",
            preconditionResourceVersion: "7",
            propagationPolicy: .foreground,
            gracePeriodSeconds: 0,
            dryRun: true
        )
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": ["uid": "42", "resourceVersion": "7"],
            "propagationPolicy": "Foreground", "gracePeriodSeconds": 0, "dryRun": ["All"],
        ]
        #expect(APIRequest.delete(.pods, Self.key, options: options).body == expected.serialized())
        let collection = APIRequest.deleteCollection(
            .pods,
            namespace: nil,
            options: DeleteOptions(propagationPolicy: .background)
        )
        #expect(collection.body.map { String(decoding: $0, as: UTF8.self).contains("Background") } == true)
        #expect(collection.contentType == "application/json")
    }

    @Test func `matches what was recorded from a real client`() throws {
        let recording = try Recording("66-delete-background")
        let request = APIRequest.delete(
            .deployments,
            ObjectKey(namespace: "fix", name: "web"),
            options: DeleteOptions(propagationPolicy: .background)
        )
        #expect(recording.request["path"]?.stringValue == request.target)
        #expect(recording.request["body"]?.serialized() == request.body)
    }

    @Test func `only reads may be sent again`() {
        #expect(APIRequest.get(.pods, Self.key).isIdempotent)
        #expect(APIRequest.raw("/x", method: "HEAD").isIdempotent)
        for method in ["POST", "PUT", "PATCH", "DELETE"] { #expect(!APIRequest.raw("/x", method: method).isIdempotent) }
    }

    @Test func `knows its object and what to call it in a metric`() {
        let request = APIRequest.get(.deployments, Self.key, subresource: "status")
        #expect(request.key == Self.key && request.resourceDescription == "deployments.apps/status")
        #expect(APIRequest.list(.pods).key == nil)
        #expect(APIRequest.raw("/x").resourceDescription == "raw")
        #expect(APIRequest.get(.nodes, Self.key).namespace == nil)
    }

    @Test func `never shows its body`() {
        let request = APIRequest.create(.secrets, namespace: "ns", body: ["data": "hunter2"])
        var dumped = ""
        dump(request, to: &dumped)
        for text in ["\(request)", String(reflecting: request), dumped] { #expect(!text.contains("hunter2")) }
    }

    @Test(
        arguments: [
            (APIRequest.get(.secrets, key), true), (.list(.secrets), true),
            (.createSubresource("token", of: .serviceAccounts, key, body: body), true),
            (.get(.serviceAccounts, key), false), (.get(.pods, key), false), (.raw("/version"), false),
        ] as [(APIRequest, Bool)]
    )
    func `knows what carries secrets`(request: APIRequest, isSensitive: Bool) {
        #expect(request.isSensitive == isSensitive)
    }
}
