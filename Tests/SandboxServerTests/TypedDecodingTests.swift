import JSON
import Testing

@testable import SandboxServer

@Suite("Decoding of built-in kinds")
struct TypedDecodingTests {
    private let pods = TypedDecoding(group: "", version: "v1", kind: "Pod")
    private let deployments = TypedDecoding(group: "apps", version: "v1", kind: "Deployment")

    @Test(
        "refuses values of wrong types in the words of Go",
        arguments: [
            (["spec": ["replicas": "3"]], "string into Go struct field DeploymentSpec.spec.replicas of type int32"),
            (["spec": ["replicas": 1.5]], "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
            (
                ["spec": ["replicas": 3_000_000_000]],
                "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"
            ),
            (["spec": []], "array into Go struct field Deployment.spec of type v1.DeploymentSpec"),
            (["spec": ["paused": "yes"]], "string into Go struct field DeploymentSpec.spec.paused of type bool"),
            (
                ["metadata": ["labels": ["a": 1]]],
                "number into Go struct field ObjectMeta.metadata.labels of type string"
            ),
            (
                ["spec": ["template": ["spec": ["containers": [["name": "c", "image": 1]]]]]],
                "number into Go struct field Container.spec.template.spec.containers.image of type string"
            ),
            (
                ["spec": ["template": ["spec": ["containers": ["name": "c"]]]]],
                "object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"
            ),
            (
                ["spec": ["template": ["spec": ["volumes": [["hostPath": "x"]]]]]],
                "string into Go struct field Volume.spec.template.spec.volumes.hostPath of type v1.HostPathVolumeSource"
            ),
        ] as [(JSONValue, String)]
    )
    func mismatches(_ object: JSONValue, _ text: String) {
        #expect(deployments.mismatch(object) == "json: cannot unmarshal \(text)")
    }

    @Test("refuses amounts, times and bytes that are none")
    func scalars() {
        let container: JSONValue = ["name": "c", "resources": ["limits": ["cpu": "lots"]]]
        #expect(
            pods.mismatch(["spec": ["containers": [container]]])
                == "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
        #expect(
            pods.mismatch(["metadata": ["creationTimestamp": "now"]])
                == "parsing time \"now\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"now\" as \"2006\""
        )
        let secrets = TypedDecoding(group: "", version: "v1", kind: "Secret")
        #expect(secrets.mismatch(["data": ["a": "!bc="]]) == "illegal base64 data at input byte 0")
        #expect(secrets.mismatch(["data": ["a": "YWI="]]) == nil)
        #expect(pods.mismatch(["spec": .null, "metadata": ["labels": .null], "unknown": 1]) == nil)
        #expect(
            TypedDecoding.metadata.mismatch(["name": 1], path: "metadata")?.contains("ObjectMeta.metadata.name") == true
        )
    }

    @Test(
        "knows where Base64 goes wrong",
        arguments: [
            ("", nil), ("YWJj", nil), ("YW\nJj\n", nil), ("YWJ", 0), ("YWJjYQ", 4), ("YW!j", 2), ("Y===", 1),
            ("YQ==YQ==", 4),
        ]
            as [(String, Int?)]
    )
    func base64(_ text: String, _ index: Int?) {
        #expect(Base64.firstProblem(text) == index)
    }

    @Test("drops what is as good as absent, and keeps zeros that say something")
    func normalizes() {
        let object: JSONValue = [
            "metadata": ["name": "d", "labels": [:], "finalizers": [], "creationTimestamp": .null],
            "spec": [
                "replicas": 0, "paused": false, "minReadySeconds": 0, "selector": [:], "extra": .null,
                "template": [
                    "spec": [
                        "containers": [["name": "c", "args": [], "image": "", "env": [["name": "A", "value": ""]]]],
                        "hostNetwork": false, "automountServiceAccountToken": false, "securityContext": [:],
                    ]
                ],
            ],
            "status": [:],
        ]
        #expect(
            deployments.normalized(object) == [
                "metadata": ["name": "d"],
                "spec": [
                    "replicas": 0, "selector": [:], "extra": .null,
                    "template": [
                        "spec": [
                            "containers": [["name": "c", "env": [["name": "A"]]]],
                            "automountServiceAccountToken": false, "securityContext": [:],
                        ]
                    ],
                ],
                "status": [:],
            ]
        )
    }

    @Test("keeps raw JSON, empty lists that differ from null, and the values of maps")
    func keeps() {
        let roles = TypedDecoding(group: "rbac.authorization.k8s.io", version: "v1", kind: "Role")
        #expect(roles.normalized(["rules": []]) == ["rules": []])
        let maps = TypedDecoding(group: "", version: "v1", kind: "ConfigMap")
        #expect(maps.normalized(["data": ["a": ""], "binaryData": [:]]) == ["data": ["a": ""]])
        let revisions = TypedDecoding(group: "apps", version: "v1", kind: "ControllerRevision")
        let data: JSONValue = ["a": .null, "b": [], "c": ""]
        #expect(revisions.normalized(["data": data, "revision": 0]) == ["data": data])
    }

    @Test(
        "writes amounts as the server does",
        arguments: [
            ("0.5", "500m"), ("1000m", "1"), ("1500m", "1500m"), ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"),
            ("1000", "1k"), ("1e3", "1e3"), ("12E6", "12e6"), ("100Mi", "100Mi"), ("0", "0"), ("-0.5", "-500m"),
            ("0.5Ki", "512"), ("+2", "2"), (".5", "500m"), ("5.", "5"), ("1023Ki", "1023Ki"), ("100n", "100n"),
            ("0.0000000001", "1n"), ("0Gi", "0"), ("1E", "1E"),
            ("123456789012345678901234567890E", "123456789012345678901234567890E"),
        ]
    )
    func amounts(_ text: String, _ canonical: String) {
        #expect(CanonicalQuantity.text(text) == canonical)
    }

    @Test("refuses amounts that are none", arguments: ["", "x", "1.2.3", ".", "1Zi", "1 Gi", "e3", "1e", "--1"])
    func noAmounts(_ text: String) {
        #expect(CanonicalQuantity.text(text) == nil)
    }
}
