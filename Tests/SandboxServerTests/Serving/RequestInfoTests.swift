import HTTPServer
import JSON
import Testing

@testable import SandboxServer

@Suite("RequestInfo")
struct RequestInfoTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var method: String
        var path: String
        /// Verb, group, version, namespace, plural, name, subresource.
        var expected: [String]
        var testDescription: String { "\(method) \(path)" }
    }

    private static let cases = [
        Case(method: "GET", path: "/api/v1/pods", expected: ["list", "", "v1", "", "pods", "", ""]),
        Case(method: "GET", path: "/api/v1/namespaces", expected: ["list", "", "v1", "", "namespaces", "", ""]),
        Case(method: "GET", path: "/api/v1/namespaces/a", expected: ["get", "", "v1", "a", "namespaces", "a", ""]),
        Case(
            method: "PUT",
            path: "/api/v1/namespaces/a/finalize",
            expected: ["update", "", "v1", "a", "namespaces", "a", "finalize"]
        ),
        Case(method: "HEAD", path: "/api/v1/namespaces/a/pods/p", expected: ["get", "", "v1", "a", "pods", "p", ""]),
        Case(
            method: "PATCH",
            path: "/apis/apps/v1/namespaces/a/deployments/d/status",
            expected: ["patch", "apps", "v1", "a", "deployments", "d", "status"]
        ),
        Case(method: "DELETE", path: "/api/v1/nodes/", expected: ["deletecollection", "", "v1", "", "nodes", "", ""]),
        Case(method: "GET", path: "/api/v1/watch/pods", expected: ["watch", "", "v1", "", "pods", "", ""]),
        Case(method: "GET", path: "/apis/apps/v1", expected: ["get", "", "", "", "", "", ""]),
        Case(method: "GET", path: "/healthz", expected: ["get", "", "", "", "", "", ""]),
        Case(method: "GET", path: "/api//v1/pods", expected: ["get", "", "", "", "", "", ""]),
        Case(method: "GET", path: "/api/v1/pods//", expected: ["list", "", "v1", "", "pods", "", ""]),
        Case(method: "POST", path: "//", expected: ["post", "", "", "", "", "", ""]),
    ]

    @Test("path and method decide", arguments: cases)
    func parsing(_ test: Case) {
        let info = RequestInfo(HTTPServerRequest(method: test.method, path: test.path))
        let found = [
            info.verb, info.group, info.version, info.namespace, info.plural, info.name, info.subresource,
        ]
        #expect(found == test.expected)
    }

    @Test("a list with watch=1 is a watch, an object with it is not")
    func watch() {
        let query = [(name: "watch", value: "1")]
        #expect(RequestInfo(HTTPServerRequest(path: "/api/v1/pods", query: query)).verb == "watch")
        #expect(RequestInfo(HTTPServerRequest(path: "/api/v1/nodes/a", query: query)).verb == "get")
    }
}
