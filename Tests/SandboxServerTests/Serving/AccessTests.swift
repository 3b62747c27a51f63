import JSON
import Testing

@testable import SandboxServer

@Suite("Who may do what", .timeLimit(.minutes(1)))
struct AccessTests {
    private static let reader = "system:serviceaccount:default:default"

    private var locked: TestSandbox {
        var configuration = SandboxConfiguration()
        configuration.token = "secret"
        return TestSandbox(configuration)
    }

    @Test("with a token set, others are anonymous or unknown")
    func tokens() async {
        let sandbox = locked
        let pods = "/api/v1/pods"
        #expect(await sandbox.get(pods, headers: ["Authorization": "Bearer secret"]).status == 200)
        let wrong = await sandbox.get(pods, headers: ["Authorization": "Bearer wrong"])
        #expect(wrong.status == 401 && wrong.message == "Unauthorized")
        let nobody = await sandbox.get(pods)
        #expect(nobody.status == 403 && nobody.message?.contains("\"system:anonymous\" cannot list") == true)
        let basic = await sandbox.get(pods, headers: ["Authorization": "Basic eDp5"])
        #expect(basic.status == 403 && basic.message == nobody.message)
        #expect(await sandbox.get("/readyz").status == 200)
    }

    @Test("a token of a ServiceAccount is its user, until it expires")
    func serviceAccountToken() async {
        let sandbox = locked
        let admin = ["Authorization": "Bearer secret"]
        let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
        sandbox.server.controllers.settle()
        let request = await sandbox.send("POST", path, ["spec": ["expirationSeconds": 600]], headers: admin)
        #expect(request.status == 201)
        let token = request.body["status"]?["token"]?.stringValue ?? ""
        #expect(token.split(separator: ".").count == 3)
        let review = await sandbox.send(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            [:],
            headers: ["Authorization": "Bearer \(token)"]
        )
        #expect(review.body["status"]?["userInfo"]?["username"]?.stringValue == Self.reader)
        let short = await sandbox.send("POST", path, ["spec": ["expirationSeconds": 10]], headers: admin)
        #expect(short.status == 422)
    }

    @Test("a role that is bound allows, and nothing else does")
    func roles() async {
        let sandbox = TestSandbox()
        let path = "/api/v1/namespaces/default/configmaps"
        let other = ["Impersonate-User": Self.reader]
        let refused = await sandbox.get(path, headers: other)
        #expect(
            refused.message
                == "configmaps is forbidden: User \"\(Self.reader)\" cannot list resource \"configmaps\" in API group "
                + "\"\" in the namespace \"default\""
        )
        let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
        _ = await sandbox.post(
            "\(rbac)/roles",
            [
                "metadata": ["name": "r"],
                "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]]],
            ]
        )
        _ = await sandbox.post(
            "\(rbac)/rolebindings",
            [
                "metadata": ["name": "b"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"],
                "subjects": [["kind": "ServiceAccount", "name": "default", "namespace": "default"]],
            ]
        )
        #expect(await sandbox.get(path, headers: other).status == 200)
        #expect(await sandbox.get("\(path)/a", headers: other).status == 403)
        #expect(await sandbox.get("/api/v1/namespaces/kube-system/configmaps", headers: other).status == 403)
        let review = await sandbox.post(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            [
                "spec": [
                    "user": .string(Self.reader),
                    "resourceAttributes": ["verb": "list", "resource": "configmaps", "namespace": "default"],
                ]
            ]
        )
        #expect(review.body["status"] == ["allowed": true])
    }
}
