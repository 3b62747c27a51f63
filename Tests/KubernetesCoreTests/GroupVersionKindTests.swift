import KubernetesCore
import Testing

struct GroupVersionKindTests {
    @Test(arguments: [
        ("v1", "Pod", "", "v1", "Pod.v1"),
        ("apps/v1", "Deployment", "apps", "v1", "Deployment.v1.apps"),
        ("recovery.tmc.io/v1alpha1", "Recovery", "recovery.tmc.io", "v1alpha1", "Recovery.v1alpha1.recovery.tmc.io"),
        ("", "Odd", "", "", "Odd."),
        ("a/b/c", "Odd", "a", "b/c", "Odd.b/c.a"),
    ])
    func `splits apiVersion and puts it together again`(
        apiVersion: String,
        kind: String,
        group: String,
        version: String,
        description: String
    ) {
        let name = GroupVersionKind(apiVersion: apiVersion, kind: kind)
        #expect(name == GroupVersionKind(group: group, version: version, kind: kind))
        #expect(name.apiVersion == apiVersion)
        #expect(name.description == description)
    }
}

struct ObjectKeyTests {
    @Test(
        arguments: [
            ("web", ObjectKey(name: "web")), ("ns/web", ObjectKey(namespace: "ns", name: "web")),
            ("", nil), ("/web", nil), ("ns/", nil), ("a/b/c", nil),
        ] as [(String, ObjectKey?)]
    )
    func `reads what it prints and nothing else`(text: String, key: ObjectKey?) {
        #expect(ObjectKey(text) == key)
        if let key { #expect(key.description == text) }
    }

    @Test func `an empty namespace is none`() {
        #expect(ObjectKey(namespace: "", name: "a") == ObjectKey(name: "a"))
    }

    @Test func `cluster-scoped keys come first, then namespaces in order`() {
        let keys = [("b", "a"), ("a", "b"), (nil, "z"), ("a", "a")].map { ObjectKey(namespace: $0.0, name: $0.1) }
        #expect(keys.sorted().map(\.description) == ["z", "a/a", "a/b", "b/a"])
    }
}

struct APIResourceTests {
    @Test(
        arguments: [
            (APIResource.pods, "ns", "/api/v1/namespaces/ns/pods", "/api/v1/namespaces/ns/pods/x"),
            (.nodes, "ignored", "/api/v1/nodes", "/api/v1/nodes/x"),
            (
                .deployments, "ns", "/apis/apps/v1/namespaces/ns/deployments",
                "/apis/apps/v1/namespaces/ns/deployments/x"
            ),
            (.eventsV1, nil, "/apis/events.k8s.io/v1/events", "/apis/events.k8s.io/v1/events/x"),
            (.pods, "", "/api/v1/pods", "/api/v1/pods/x"),
            (
                .customResourceDefinitions, nil, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x"
            ),
        ] as [(APIResource, String?, String, String)]
    )
    func `lives where the API server serves it`(
        resource: APIResource,
        namespace: String?,
        collection: String,
        object: String
    ) {
        #expect(resource.collectionPath(namespace: namespace) == collection)
        #expect(resource.path(ObjectKey(namespace: namespace, name: "x")) == object)
        #expect(resource.path(ObjectKey(namespace: namespace, name: "x"), subresource: "status") == object + "/status")
    }

    @Test(arguments: [
        ("a/../../secrets", "a%2F..%2F..%2Fsecrets"), ("..", "%2E%2E"), (".", "%2E"), ("a b", "a%20b"),
        ("a?b#c%", "a%3Fb%23c%25"), ("ä", "%C3%A4"), ("system:node", "system%3Anode"), ("a-b.c_d~e", "a-b.c_d~e"),
    ])
    func `no name reaches another path`(name: String, segment: String) {
        #expect(
            APIResource.pods.path(ObjectKey(namespace: "ns", name: name)) == "/api/v1/namespaces/ns/pods/\(segment)"
        )
        #expect(
            APIResource.pods.path(ObjectKey(namespace: name, name: "p"), subresource: name)
                == "/api/v1/namespaces/\(segment)/pods/p/\(segment)"
        )
    }

    @Test func `is called as in RBAC`() {
        #expect(APIResource.pods.description == "pods")
        #expect(APIResource.deployments.description == "deployments.apps")
        #expect(APIResource.leases.groupVersionKind.apiVersion == "coordination.k8s.io/v1")
    }
}
