import JSON
import Testing

@testable import SandboxServer

@Suite("KindRules")
struct KindRulesTests {
    private func completed(_ resource: ResourceID, _ object: JSONValue, old: JSONValue? = nil) -> JSONValue {
        var object = object
        KindRules.rules(for: resource).setDefaults(&object)
        KindRules.rules(for: resource).complete(&object, old)
        return object
    }

    /// The violations as the answer's message lists them.
    private func violations(_ resource: ResourceID, _ object: JSONValue, old: JSONValue? = nil) -> [String] {
        KindRules.rules(for: resource).validate(object, old).map { "\($0.field): \($0.message)" }
    }

    private func changed(_ object: JSONValue, _ path: [String], _ value: JSONValue?) -> JSONValue {
        var object = object
        object.set(value, at: path)
        return object
    }

    // MARK: Workloads

    private let deployment = changedKind("Deployment")

    private static func changedKind(_ kind: String) -> JSONValue {
        var object = TestCluster.deployment("web", replicas: 1)
        object["kind"] = .string(kind)
        return object
    }

    @Test("a Deployment that is right has no violations")
    func deploymentIsRight() {
        #expect(violations(Builtin.deployments, completed(Builtin.deployments, deployment)) == [])
    }

    @Test("the recorded answer to a Deployment whose selector and containers are wrong")
    func recordedDeployment() {
        var bad = changed(deployment, ["spec", "selector"], ["matchLabels": ["app": "x"]])
        bad.set(
            ["metadata": ["labels": ["app": "y"]], "spec": ["containers": [], "restartPolicy": "Always"]],
            at: ["spec", "template"]
        )
        #expect(
            violations(Builtin.deployments, bad) == [
                "spec.template.metadata.labels: Invalid value: {\"app\":\"y\"}: `selector` does not match template `labels`",
                "spec.template.spec.containers: Required value",
            ]
        )
    }

    @Test(
        "rules of a Deployment",
        arguments: [
            (["spec", "replicas"], -1, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
            (
                ["spec", "selector"], [:], "spec.selector: Invalid value: {}: empty selector is invalid for deployment"
            ),
            (
                ["spec", "strategy", "type"], "Recreate",
                "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
            ),
            (
                ["spec", "strategy", "rollingUpdate"], ["maxSurge": 0, "maxUnavailable": "0%"],
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when `maxSurge` is 0"
            ),
            (
                ["spec", "template", "spec", "restartPolicy"], "Never",
                "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""
            ),
            (
                ["spec", "minReadySeconds"], 600,
                "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"
            ),
        ] as [([String], JSONValue, String)]
    )
    func deploymentRules(path: [String], value: JSONValue, expected: String) {
        #expect(violations(Builtin.deployments, changed(deployment, path, value)) == [expected])
    }

    @Test(
        "a selector does not change",
        arguments: [
            ("Deployment", Builtin.deployments), ("ReplicaSet", Builtin.replicaSets), ("DaemonSet", Builtin.daemonSets),
        ]
    )
    func selectorIsImmutable(kind: String, resource: ResourceID) {
        let old = Self.changedKind(kind)
        var new = changed(old, ["spec", "selector"], ["matchLabels": ["app": "web", "tier": "a"]])
        new.set(["app": "web", "tier": "a"], at: ["spec", "template", "metadata", "labels"])
        #expect(
            violations(resource, new, old: old) == [
                "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\",\"tier\":\"a\"}}: field is immutable"
            ]
        )
    }

    @Test("of a StatefulSet only some fields change")
    func statefulSet() {
        let old = Self.changedKind("StatefulSet")
        #expect(violations(Builtin.statefulSets, changed(old, ["spec", "replicas"], 5), old: old) == [])
        let renamed = changed(old, ["spec", "serviceName"], "other")
        #expect(
            violations(Builtin.statefulSets, renamed, old: old) == [
                "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                    + "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                    + "'minReadySeconds' are forbidden"
            ]
        )
    }

    @Test("a Job gets its defaults and a selector by its uid, and says how it restarts")
    func job() {
        var job: JSONValue = [
            "kind": "Job", "metadata": ["name": "sum", "namespace": "default", "uid": "u"],
            "spec": ["template": TestCluster.template(app: "sum", restartPolicy: "Never")],
        ]
        job = completed(Builtin.jobs, job)
        #expect(job["spec"]?["backoffLimit"] == 6 && job["spec"]?["completions"] == 1)
        #expect(job["spec"]?["parallelism"] == 1 && job["spec"]?["completionMode"] == "NonIndexed")
        #expect(job["spec"]?["selector"] == ["matchLabels": ["batch.kubernetes.io/controller-uid": "u"]])
        #expect(job["spec"]?["template"]?["metadata"]?["labels"]?["job-name"] == "sum")
        #expect(violations(Builtin.jobs, job) == [])
        let always = changed(job, ["spec", "template", "spec", "restartPolicy"], "Always")
        #expect(
            violations(Builtin.jobs, always) == [
                "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""
            ]
        )
        let grown = changed(job, ["spec", "completions"], 2)
        #expect(violations(Builtin.jobs, grown, old: job) == ["spec.completions: Invalid value: 2: field is immutable"])
        #expect(violations(Builtin.jobs, changed(job, ["spec", "parallelism"], 0), old: job) == [])
    }

    // MARK: Pods

    private let pod: JSONValue = [
        "kind": "Pod", "metadata": ["name": "p", "namespace": "default"],
        "spec": ["containers": [["name": "c", "image": "nginx"]], "restartPolicy": "Always"],
    ]

    @Test("a pod gets its account, tolerations, pull policy and class")
    func podCompletion() {
        let pod = completed(Builtin.pods, pod)
        #expect(pod["spec"]?["serviceAccountName"] == "default" && pod["spec"]?["enableServiceLinks"] == true)
        #expect(pod["spec"]?["tolerations"]?.arrayValue?.count == 2)
        #expect(pod["spec"]?["containers"]?[index: 0]?["imagePullPolicy"] == "Always")
        #expect(pod["status"] == ["phase": "Pending", "qosClass": "BestEffort"])
        #expect(violations(Builtin.pods, pod) == [])
    }

    @Test(
        "the pull policy follows the tag",
        arguments: [
            ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"),
            ("host:5000/nginx", "Always"), ("host:5000/nginx:1", "IfNotPresent"), ("nginx@sha256:00", "IfNotPresent"),
        ]
    )
    func pullPolicy(image: String, policy: String) {
        var spec: JSONValue = ["containers": [["name": "c", "image": .string(image)]]]
        PodSpecRules.complete(&spec)
        #expect(spec["containers"]?[index: 0]?["imagePullPolicy"]?.stringValue == policy)
    }

    @Test(
        "the class of a pod follows its requests and limits",
        arguments: [
            ([:], "BestEffort"), (["requests": ["cpu": "1"]], "Burstable"),
            (["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "1", "memory": "1Gi"]], "Guaranteed"),
            (["limits": ["cpu": "1"], "requests": ["cpu": "1"]], "Burstable"),
        ] as [(JSONValue, String)]
    )
    func qualityOfService(resources: JSONValue, expected: String) {
        #expect(PodSpecRules.qualityOfService(of: ["containers": [["resources": resources]]]) == expected)
    }

    @Test(
        "rules of a container",
        arguments: [
            (
                ["name": "c", "image": "i"],
                "spec.containers[1].name: Duplicate value: \"c\""
            ),
            (
                ["name": "d"],
                "spec.containers[1].image: Required value"
            ),
            (
                ["name": "d", "image": "i", "volumeMounts": [["name": "v", "mountPath": "/v"]]],
                "spec.containers[1].volumeMounts[0].name: Not found: \"v\""
            ),
            (
                ["name": "d", "image": "i", "ports": [["containerPort": 70000]]],
                "spec.containers[1].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
            ),
            (
                ["name": "d", "image": "i", "resources": ["requests": ["cpu": "2"], "limits": ["cpu": "500m"]]],
                "spec.containers[1].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 500m"
            ),
        ] as [(JSONValue, String)]
    )
    func containerRules(container: JSONValue, expected: String) {
        let first: JSONValue = ["name": "c", "image": "i"]
        #expect(violations(Builtin.pods, changed(pod, ["spec", "containers"], [first, container])) == [expected])
    }

    @Test("of a pod that exists only the images and little else change")
    func podIsImmutable() {
        let old = completed(Builtin.pods, pod)
        let image = changed(
            old,
            ["spec", "containers"],
            [["name": "c", "image": "nginx:2", "imagePullPolicy": "Always"]]
        )
        #expect(violations(Builtin.pods, image, old: old) == [])
        let moved = changed(old, ["spec", "nodeName"], "n")
        #expect(
            violations(Builtin.pods, moved, old: old).first?.hasPrefix("spec: Forbidden: pod updates may not change")
                == true
        )
    }

    @Test(
        "amounts compare by value",
        arguments: [("1", 1), ("100m", 0.1), ("1Ki", 1024), ("1.5Gi", 1_610_612_736), ("2k", 2000)]
            as [(JSONValue, Double)]
    )
    func quantities(text: JSONValue, value: Double) {
        #expect(Quantity(text)?.value == value)
        #expect(Quantity("1x") == nil && Quantity("") == nil)
    }

    // MARK: Services

    private func service(_ spec: JSONValue) -> JSONValue {
        let plain: JSONValue = ["kind": "Service", "metadata": ["name": "s", "namespace": "default"], "spec": spec]
        return completed(Builtin.services, plain)
    }

    @Test("a Service gets an address that stays, and node ports where its type has them")
    func serviceCompletion() {
        let made = service(["ports": [["port": 80]], "type": "NodePort"])
        let address = made["spec"]?["clusterIP"]?.stringValue ?? ""
        #expect(address.hasPrefix("10.") && made["spec"]?["clusterIPs"] == [.string(address)])
        let port = made["spec"]?["ports"]?[index: 0]
        #expect(port?["targetPort"] == 80 && port?["protocol"] == "TCP")
        #expect((30_000...32_767).contains(port?["nodePort"]?.intValue ?? 0))
        let updated = completed(
            Builtin.services,
            [
                "metadata": ["name": "other"],
                "spec": ["ports": [["port": 80, "protocol": "TCP"]], "type": "NodePort"],
            ],
            old: made
        )
        #expect(updated["spec"]?["clusterIP"]?.stringValue == address)
        #expect(updated["spec"]?["ports"]?[index: 0]?["nodePort"] == port?["nodePort"])
        #expect(violations(Builtin.services, updated, old: made) == [])
    }

    @Test(
        "rules of a Service",
        arguments: [
            (["ports": []], "spec.ports: Required value"),
            (["ports": [["port": 0]]], "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
            (["ports": [["port": 80, "name": "a"], ["port": 81]]], "spec.ports[1].name: Required value"),
            (
                ["ports": [["port": 80, "name": "a"], ["port": 81, "name": "a"]]],
                "spec.ports[1].name: Duplicate value: \"a\""
            ),
            (
                ["ports": [["port": 80, "nodePort": 30000]]],
                "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"
            ),
            (["type": "ExternalName"], "spec.externalName: Required value"),
        ] as [(JSONValue, String)]
    )
    func serviceRules(spec: JSONValue, expected: String) {
        #expect(violations(Builtin.services, service(spec)).contains(expected))
    }

    @Test("the address of a Service does not change; a headless one needs no ports")
    func serviceAddress() {
        let old = service(["ports": [["port": 80]], "clusterIP": "10.96.1.1"])
        let moved = changed(old, ["spec", "clusterIP"], "10.96.1.2")
        #expect(
            violations(Builtin.services, moved, old: old) == [
                "spec.clusterIPs[0]: Invalid value: [\"10.96.1.2\"]: may not change once set"
            ]
        )
        #expect(violations(Builtin.services, service(["clusterIP": "None"])) == [])
    }

    // MARK: Configuration

    @Test("a Secret takes plain text, and gets a type that stays")
    func secret() {
        let secret = completed(
            Builtin.secrets,
            ["kind": "Secret", "data": ["a": "eA=="], "stringData": ["b": "hello"]]
        )
        #expect(secret["data"] == ["a": "eA==", "b": "aGVsbG8="] && secret["stringData"] == nil)
        #expect(secret["type"] == "Opaque")
        let other = changed(secret, ["type"], "kubernetes.io/tls")
        #expect(
            violations(Builtin.secrets, other, old: secret) == [
                "data[tls.crt]: Required value", "data[tls.key]: Required value",
                "type: Invalid value: \"kubernetes.io/tls\": field is immutable",
            ]
        )
    }

    @Test("what is immutable stays")
    func immutable() {
        let old: JSONValue = ["kind": "ConfigMap", "data": ["a": "1"], "immutable": true]
        #expect(violations(Builtin.configMaps, changed(old, ["metadata", "labels", "x"], "y"), old: old) == [])
        #expect(
            violations(Builtin.configMaps, ["kind": "ConfigMap", "data": ["a": "2"]], old: old) == [
                "immutable: Forbidden: field is immutable when `immutable` is set",
                "data: Forbidden: field is immutable when `immutable` is set",
            ]
        )
    }

    @Test("keys of a ConfigMap are file names, and the whole is not too large")
    func configMap() {
        #expect(
            violations(Builtin.configMaps, ["data": ["a b": ""]]).first?.hasPrefix("data[a b]: Invalid value") == true
        )
        #expect(
            violations(Builtin.configMaps, ["data": ["..": ""]]) == [
                "data[..]: Invalid value: \"..\": must not be '..'"
            ]
        )
        let large = JSONValue.string(String(repeating: "x", count: 1_048_577))
        #expect(
            violations(Builtin.configMaps, ["data": ["a": large]]) == [": Too long: may not be more than 1048576 bytes"]
        )
    }

    @Test("a namespace is labelled with its name and begins active")
    func namespace() {
        let made = completed(Builtin.namespaces, ["metadata": ["name": "n"]])
        #expect(made["metadata"]?["labels"] == ["kubernetes.io/metadata.name": "n"])
        #expect(made["spec"]?["finalizers"] == ["kubernetes"] && made["status"]?["phase"] == "Active")
    }

    // MARK: The rest

    @Test(
        "rules of the smaller kinds",
        arguments: [
            (
                Builtin.disruptionBudgets, ["spec": ["minAvailable": 1, "maxUnavailable": 1]],
                "spec: Invalid value: {\"maxUnavailable\":1,\"minAvailable\":1}: minAvailable and maxUnavailable cannot be both set"
            ),
            (
                Builtin.autoscalers, ["spec": ["minReplicas": 3, "maxReplicas": 2]],
                "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"
            ),
            (
                Builtin.leases, ["spec": ["leaseDurationSeconds": 0]],
                "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"
            ),
            (
                Builtin.roles, ["rules": [["apiGroups": [""], "resources": ["pods"]]]],
                "rules[0].verbs: Required value: verbs must contain at least one value"
            ),
            (
                Builtin.roleBindings, ["subjects": [["kind": "ServiceAccount", "name": "a"]]],
                "subjects[0].namespace: Required value"
            ),
            (
                Builtin.events, ["metadata": ["namespace": "a"], "involvedObject": ["namespace": "b"]],
                "involvedObject.namespace: Invalid value: \"b\": does not match event.namespace"
            ),
            (
                Builtin.persistentVolumeClaims, ["spec": ["accessModes": ["ReadWriteOnce"]]],
                "spec.resources[storage]: Required value"
            ),
        ] as [(ResourceID, JSONValue, String)]
    )
    func smallerKinds(resource: ResourceID, object: JSONValue, expected: String) {
        #expect(violations(resource, object) == [expected])
    }

    @Test("a binding's role does not change")
    func roleReference() {
        let old: JSONValue = ["roleRef": ["kind": "Role", "name": "a"]]
        #expect(
            violations(Builtin.roleBindings, ["roleRef": ["kind": "Role", "name": "b"]], old: old) == [
                "roleRef: Invalid value: {\"kind\":\"Role\",\"name\":\"b\"}: cannot change roleRef"
            ]
        )
    }

    @Test("kinds without rules accept everything")
    func noRules() {
        #expect(violations(ResourceID(group: "example.com", plural: "things"), ["spec": -1]) == [])
    }
}
