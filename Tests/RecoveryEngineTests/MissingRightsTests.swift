import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryEngine
import Testing
import YAML

/// What a person is told to grant after a 403.
struct MissingRightsTests {
    private func recovery(account: String?) -> Recovery {
        var recovery = Recovery(
            metadata: ObjectMeta(name: "web", namespace: "production"),
            spec: RecoverySpec(error: ReportedError(type: "InternalError"))
        )
        recovery.status = RecoveryStatus()
        recovery.status?.effective = EffectiveSettings()
        recovery.status?.effective?.serviceAccountName = account
        return recovery
    }

    private func refusal(status: Int = 403, kind: String) -> APIError {
        let body: JSONValue = [
            "kind": "Status", "reason": "Forbidden", "code": .number(Int64(status)), "details": ["kind": .string(kind)],
        ]
        let request = APIRequest.get(.configMaps, ObjectKey(namespace: "production", name: "settings"))
        return APIError(request: request, status: status, headers: [], body: body.serialized())
    }

    private func steps(_ error: APIError, account: String?) -> [String] {
        MissingRights.nextSteps(for: error, recovery: recovery(account: account), controllerNamespace: "tmc")
    }

    @Test func `who may not act as the ServiceAccount gets the manifest, and it is valid YAML for that account`() throws
    {
        let step = try #require(steps(refusal(kind: "serviceaccounts"), account: "operator").first)
        let manifest = step.drop { $0 != "\n" }
        let objects = try YAMLDocument.parseAll(Array(manifest.utf8), source: "step")
        #expect(objects.map { $0["kind"] } == ["Role", "RoleBinding"])
        #expect(objects[0]["rules"]?[index: 0]?["resourceNames"] == ["operator"])
        #expect(objects[0].value(at: ["metadata", "namespace"]) == "production")
        #expect(objects[1]["subjects"]?[index: 0]?["namespace"] == "tmc")
    }

    @Test func `a right that the ServiceAccount lacks is named with the account`() {
        let first = steps(refusal(kind: "configmaps"), account: "operator").first
        #expect(first == "Grant ServiceAccount production/operator get on configmaps")
    }

    @Test func `a right that the controller lacks is named`() {
        #expect(steps(refusal(kind: "configmaps"), account: nil).first?.contains("get on configmaps") == true)
    }

    @Test func `other answers ask for nothing`() {
        #expect(steps(refusal(status: 404, kind: "configmaps"), account: nil).isEmpty)
    }
}
