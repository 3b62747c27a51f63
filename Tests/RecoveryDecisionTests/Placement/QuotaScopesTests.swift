import JSON
import KubernetesCore
import RecoveryDecision
import Testing

@Suite("QuotaScopes")
struct QuotaScopesTests {
    private static let bare: JSONValue = ["containers": [["name": "c"]]]
    private static let asking: JSONValue = [
        "containers": [["name": "c", "resources": ["limits": ["memory": "1Mi"]]]], "activeDeadlineSeconds": 60,
        "priorityClassName": "high",
    ]
    private static let reaching: JSONValue = [
        "containers": [["name": "c", "resources": ["requests": ["cpu": "1"]]]],
        "affinity": [
            "podAntiAffinity": [
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    ["weight": 1, "podAffinityTerm": ["topologyKey": "zone", "namespaceSelector": [:]]]
                ]
            ]
        ],
    ]

    @Test(
        "a quota counts the pods that meet each of its scopes: bare, asking, reaching",
        arguments: [
            ([:], [true, true, true]),
            (["scopes": ["Terminating"]], [false, true, false]),
            (["scopes": ["NotTerminating"]], [true, false, true]),
            (["scopes": ["BestEffort"]], [true, false, false]),
            (["scopes": ["NotBestEffort"]], [false, true, true]),
            (["scopes": ["NotBestEffort", "NotTerminating"]], [false, false, true]),
            (["scopes": ["CrossNamespacePodAffinity"]], [false, false, true]),
            (["scopes": ["PriorityClass"]], [false, true, false]),
            (["scopes": ["VolumeAttributesClass"]], [false, false, false]),
            (selector("In", ["high", "low"]), [false, true, false]),
            (selector("NotIn", ["high"]), [true, false, true]),
            (selector("Exists", []), [false, true, false]),
            (selector("DoesNotExist", []), [true, false, true]),
            (selector("Above", ["high"]), [false, false, false]),
        ] as [(JSONValue, [Bool])]
    )
    func scopes(quota: JSONValue, covered: [Bool]) {
        let scopes = QuotaScopes(quota: quota)
        #expect([Self.bare, Self.asking, Self.reaching].map(scopes.covers) == covered)
    }

    @Test("the demand under a quota is that of the pods it counts")
    func demand() {
        let manifests = [Self.bare, Self.asking, Self.reaching].map { pod -> JSONValue in
            ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"], "spec": pod]
        }
        let scopes = QuotaScopes(quota: ["scopes": ["NotBestEffort"]])
        let demand = PlacementDemand(manifests: manifests, counting: scopes.covers).total
        #expect(demand["pods"] == Quantity(2) && demand["cpu"] == Quantity(1))
        #expect(PlacementDemand(manifests: manifests).total["pods"] == Quantity(3))
    }

    private static func selector(_ operation: String, _ values: [String]) -> JSONValue {
        let expression: JSONValue = [
            "scopeName": "PriorityClass", "operator": .string(operation),
            "values": .array(values.map(JSONValue.string)),
        ]
        return ["scopeSelector": ["matchExpressions": [expression]]]
    }
}
