import JSON
import Testing

@testable import SandboxServer

@Suite("The kinds that are served in two forms")
struct BuiltinConversionsTests {
    @Test("store events of both groups in one place, in the form of the core group")
    func events() throws {
        let definition = try #require(BuiltinCatalogue.definitions.first { $0.id.group == "events.k8s.io" })
        #expect(definition.storage == ResourceID(group: "", plural: "events"))
        let conversion = try #require(definition.versions.first?.conversion)
        let served: JSONValue = [
            "metadata": ["name": "e"], "regarding": ["kind": "Pod"], "note": "n", "reason": "R", "type": "Normal",
            "reportingController": "c", "reportingInstance": "i", "deprecatedCount": 2,
            "series": ["count": 2], "eventTime": .null,
        ]
        let stored = conversion.toStorage(served)
        #expect(
            stored == [
                "metadata": ["name": "e"], "involvedObject": ["kind": "Pod"], "message": "n", "reason": "R",
                "type": "Normal", "reportingComponent": "c", "reportingInstance": "i", "count": 2,
                "series": ["count": 2], "eventTime": .null,
            ]
        )
        #expect(conversion.fromStorage(stored) == served)
        #expect(conversion.toStorage([:]) == ["reportingComponent": "", "reportingInstance": ""])
        #expect(conversion.fromStorage(["reportingComponent": "", "reportingInstance": ""]) == [:])
    }

    @Test("store autoscalers as version 2, and show what version 1 lacks as annotations")
    func autoscalers() throws {
        let definition = try #require(BuiltinCatalogue.definitions.first { $0.id == Builtin.autoscalers })
        #expect(definition.storageVersion == "v2")
        #expect(definition.version("v2")?.conversion == nil)
        let conversion = try #require(definition.version("v1")?.conversion)
        let served: JSONValue = [
            "metadata": ["name": "a"], "spec": ["maxReplicas": 3, "targetCPUUtilizationPercentage": 70],
            "status": ["currentCPUUtilizationPercentage": 5],
        ]
        let stored = conversion.toStorage(served)
        let target: JSONValue = ["type": "Utilization", "averageUtilization": 70]
        #expect(
            stored.value(at: ["spec", "metrics"]) == [
                ["type": "Resource", "resource": ["name": "cpu", "target": target]]
            ]
        )
        #expect(
            stored.value(at: ["status", "currentMetrics"]) == [
                ["type": "Resource", "resource": ["name": "cpu", "current": ["averageUtilization": 5]]]
            ]
        )
        #expect(stored.value(at: ["spec", "targetCPUUtilizationPercentage"]) == nil)
        #expect(conversion.fromStorage(stored) == served)
        let rich: JSONValue = [
            "metadata": ["name": "a"],
            "spec": [
                "behavior": ["scaleUp": ["selectPolicy": "Max"]],
                "metrics": [["type": "Pods", "pods": ["metric": ["name": "m"], "target": ["averageValue": "5"]]]],
            ],
            "status": ["conditions": [["type": "AbleToScale", "status": "True"]]],
        ]
        let shown = conversion.fromStorage(rich)
        #expect(shown.value(at: ["spec"]) == [:])
        #expect(shown.value(at: ["metadata", "annotations"])?.objectValue?.count == 3)
        #expect(conversion.toStorage(shown) == rich)
    }

    @Test("leave annotations alone that are not JSON")
    func annotation() throws {
        let definition = try #require(BuiltinCatalogue.definitions.first { $0.id == Builtin.autoscalers })
        let conversion = try #require(definition.version("v1")?.conversion)
        let served: JSONValue = [
            "metadata": ["annotations": ["autoscaling.alpha.kubernetes.io/metrics": "{"]], "spec": [:], "status": [:],
        ]
        #expect(conversion.toStorage(served) == served)
    }
}
