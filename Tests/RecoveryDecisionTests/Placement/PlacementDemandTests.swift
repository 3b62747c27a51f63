import JSON
import KubernetesCore
import RecoveryDecision
import Testing

@Suite("PlacementDemand")
struct PlacementDemandTests {
    private func container(_ cpu: String, limit: String? = nil, always: Bool = false) -> JSONValue {
        var container: JSONValue = ["name": "c", "resources": ["requests": ["cpu": .string(cpu)]]]
        if cpu.isEmpty { container.set(nil, at: ["resources", "requests"]) }
        if let limit { container.set(.string(limit), at: ["resources", "limits", "cpu"]) }
        if always { container.set("Always", at: ["restartPolicy"]) }
        return container
    }

    private func workload(_ kind: String, _ spec: JSONValue, template: [String] = ["template", "spec"]) -> JSONValue {
        var spec = spec
        spec.set(["containers": [container("500m")]], at: template)
        return ["apiVersion": "apps/v1", "kind": .string(kind), "metadata": ["name": "w"], "spec": spec]
    }

    @Test("a pod needs its containers and sidecars, or the most that one init container needs, and its overhead")
    func pods() {
        let running: JSONValue = ["containers": [container("1"), container("500m")]]
        #expect(ResourceAmounts(podSpec: running)["cpu"] == Quantity(milli: 1_500))
        #expect(ResourceAmounts(podSpec: running)["pods"] == Quantity(1))

        var starting = running
        starting.set([container("4"), container("2")], at: ["initContainers"])
        #expect(ResourceAmounts(podSpec: starting)["cpu"] == Quantity(4))
        starting.set([container("1", always: true), container("2")], at: ["initContainers"])
        #expect(ResourceAmounts(podSpec: starting)["cpu"] == Quantity(3), "the sidecar runs beside the init container")
        starting.set([container("2"), container("1", always: true)], at: ["initContainers"])
        #expect(ResourceAmounts(podSpec: starting)["cpu"] == Quantity(milli: 2_500), "and beside the containers")
        starting.set("250m", at: ["overhead", "cpu"])
        #expect(ResourceAmounts(podSpec: starting)["cpu"] == Quantity(milli: 2_750))
        starting.set("2", at: ["resources", "requests", "cpu"])
        #expect(ResourceAmounts(podSpec: starting)["cpu"] == Quantity(milli: 2_250), "what the pod asks for as a whole")
        let limited: JSONValue = ["containers": [container("", limit: "3"), container("1", limit: "9")]]
        #expect(ResourceAmounts(podSpec: limited)["cpu"] == Quantity(4), "a limit alone is the request")
    }

    @Test(
        "what runs for good counts as often as it runs",
        arguments: [
            ("Deployment", ["replicas": 3], 1_500), ("StatefulSet", [:], 500), ("Job", ["parallelism": 2], 1_000),
            ("DaemonSet", [:], 0), ("Deployment", ["replicas": -4], 0), ("Deployment", ["replicas": "many"], 500),
        ] as [(String, JSONValue, Int64)]
    )
    func workloads(kind: String, spec: JSONValue, milli: Int64) {
        let demand = PlacementDemand(manifests: [workload(kind, spec)])
        #expect(demand.total["cpu"] == Quantity(milli: milli))
        #expect(demand.largestPod["cpu"] == Quantity(milli: 500))
    }

    @Test("a CronJob's pods come and go, a Pod is one, other kinds need nothing")
    func others() {
        let cron = workload("CronJob", [:], template: ["jobTemplate", "spec", "template", "spec"])
        #expect(PlacementDemand(manifests: [cron]).total["cpu"].isZero)
        #expect(PlacementDemand(manifests: [cron]).largestPod["cpu"] == Quantity(milli: 500))
        let pod: JSONValue = ["apiVersion": "v1", "kind": "Pod", "spec": ["containers": [container("2")]]]
        #expect(PlacementDemand(manifests: [pod, workload("Deployment", [:])]).total["cpu"] == Quantity(milli: 2_500))
        let map: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "spec": ["replicas": 7]]
        #expect(PlacementDemand(manifests: [map, "nonsense"]).total == ResourceAmounts())
    }

    @Test("so many pods that no number holds them are more than any cluster has")
    func overflow() {
        let demand = PlacementDemand(manifests: [workload("Deployment", ["replicas": 9_223_372_036_854_775_807])])
        #expect(demand.total["cpu"] > Quantity(1_000_000_000))
        #expect(Quantity(Int64.max).multiplied(by: -2) < .zero)
        #expect(Quantity(Int64.max).multiplied(by: .min) == Quantity(-Int64.max))
    }

    @Test("kinds that the manifests define themselves need not be there")
    func kinds() {
        let definition: JSONValue = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": ["group": "x.io", "names": ["kind": "Thing"]],
        ]
        let thing: JSONValue = ["apiVersion": "x.io/v1", "kind": "Thing"]
        let crd = GroupVersionKind(apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition")
        #expect(PlacementDemand(manifests: [definition, thing]).kinds == [crd])
        #expect(PlacementDemand(manifests: [thing]).kinds == [GroupVersionKind(apiVersion: "x.io/v1", kind: "Thing")])
    }
}
