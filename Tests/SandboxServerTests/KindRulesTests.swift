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

    // MARK: Endpoints and events

    @Test(
        "addresses and ports of Endpoints",
        arguments: [
            (["addresses": [["ip": "10.0.0.1"]], "ports": [["port": 80]]], []),
            (["addresses": [["ip": "2001:db8::1"]]], []),
            (
                ["ports": [["port": 80]]],
                ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]
            ),
            (
                ["notReadyAddresses": [["ip": "10.0.0"]]],
                [
                    "subsets[0].notReadyAddresses[0].ip: Invalid value: \"10.0.0\": must be a valid IP address, "
                        + "(e.g. 10.9.8.7 or 2001:db8::ffff)",
                    "subsets[0].notReadyAddresses[0].ip: Invalid value: \"10.0.0\": must be a valid IP address",
                ]
            ),
            (
                [
                    "addresses": [["ip": "10.0.0.1"]],
                    "ports": [["port": 0], ["port": 1, "name": "b", "protocol": "X"]],
                ],
                [
                    "subsets[0].ports[0].name: Required value",
                    "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    "subsets[0].ports[1].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", "
                        + "\"UDP\"",
                ]
            ),
        ] as [(JSONValue, [String])]
    )
    func endpoints(subset: JSONValue, expected: [String]) {
        #expect(violations(Builtin.endpoints, ["subsets": [subset]]) == expected)
    }

    @Test(
        "addresses that lead nowhere",
        arguments: [
            ("0.0.0.0", "may not be unspecified (0.0.0.0)"), ("::", "may not be unspecified (::)"),
            ("127.1.2.3", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
            ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
            ("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
            ("febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
            ("224.0.0.9", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
            ("ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ]
    )
    func specialAddresses(address: String, why: String) {
        let found = violations(Builtin.endpoints, ["subsets": [["addresses": [["ip": .string(address)]]]]])
        #expect(found == ["subsets[0].addresses[0].ip: Invalid value: \"\(address)\": \(why)"])
    }

    private let event: JSONValue = [
        "metadata": ["namespace": "a"], "involvedObject": ["namespace": "a"],
        "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Normal", "reason": "R", "action": "A",
        "reportingComponent": "x.io/c", "reportingInstance": "i",
    ]

    @Test("events of the new group are complete, those of the core group need not be")
    func newEvents() {
        #expect(violations(Builtin.groupedEvents, event) == [])
        let bare = changed(changed(event, ["eventTime"], nil), ["type"], "Odd")
        #expect(violations(Builtin.events, bare) == [])
        #expect(
            violations(Builtin.groupedEvents, bare) == [
                "eventTime: Required value", "type: Invalid value: \"\": has invalid value: Odd",
            ]
        )
        let old = changed(changed(event, ["count"], 3), ["source"], ["component": "c"])
        #expect(
            violations(Builtin.groupedEvents, old) == [
                "count: Invalid value: \"\": needs to be unset", "source: Invalid value: \"\": needs to be unset",
            ]
        )
        let nobody = changed(event, ["reportingComponent"], "")
        #expect(violations(Builtin.events, nobody).first == "reportingComponent: Required value")
        #expect(violations(Builtin.groupedEvents, nobody).first == "reportingController: Required value")
    }

    @Test("of an event of the new group only its series changes")
    func changedEvents() {
        let series = changed(event, ["series"], ["count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"])
        #expect(violations(Builtin.groupedEvents, series, old: event) == [])
        #expect(
            violations(Builtin.groupedEvents, changed(series, ["series"], ["count": 1]), old: series) == [
                "series.count: Invalid value: \"\": should be at least 2", "series.lastObservedTime: Required value",
            ]
        )
        let other = changed(event, ["reason"], "S")
        #expect(
            violations(Builtin.groupedEvents, other, old: event)
                == ["reason: Invalid value: \"S\": field is immutable"]
        )
        #expect(violations(Builtin.events, other, old: event) == [])
    }

    // MARK: Status

    private func statusViolations(_ resource: ResourceID, _ status: JSONValue, old: JSONValue? = nil) -> [String] {
        KindRules.rules(for: resource).validateStatus(["status": status], old.map { ["status": $0] })
            .map { "\($0.field): \($0.message)" }
    }

    @Test(
        "the numbers in the status of a workload fit together",
        arguments: [
            (Builtin.deployments, ["replicas": 2, "readyReplicas": 2, "availableReplicas": 1], []),
            (
                Builtin.deployments, ["replicas": 1, "readyReplicas": 0, "availableReplicas": 1],
                ["status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas"]
            ),
            (
                Builtin.replicaSets, ["replicas": 1, "fullyLabeledReplicas": 2],
                ["status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than status.replicas"]
            ),
            (
                Builtin.statefulSets, ["currentReplicas": -1],
                ["status.currentReplicas: Invalid value: -1: must be greater than or equal to 0"]
            ),
            (
                Builtin.daemonSets, ["numberReady": -1],
                ["status.numberReady: Invalid value: -1: must be greater than or equal to 0"]
            ),
            (Builtin.configMaps, ["replicas": -1], []),
        ] as [(ResourceID, JSONValue, [String])]
    )
    func status(resource: ResourceID, status: JSONValue, expected: [String]) {
        #expect(statusViolations(resource, status) == expected)
    }

    @Test("collisions are not forgotten")
    func collisions() {
        #expect(
            statusViolations(Builtin.deployments, ["collisionCount": 1], old: ["collisionCount": 2])
                == ["status.collisionCount: Invalid value: 1: cannot be decremented"]
        )
    }

    @Test("templates of pods get no requests by limits, pods do")
    func requests() {
        let containers: JSONValue = [["name": "c", "image": "i", "resources": ["limits": ["cpu": "1"]]]]
        let pod = completed(Builtin.pods, ["spec": ["containers": containers]])
        #expect(pod["spec"]?["containers"]?[index: 0]?["resources"]?["requests"] == ["cpu": "1"])
        #expect(pod["spec"]?["enableServiceLinks"] == true)
        let templated = completed(
            Builtin.deployments,
            changed(deployment, ["spec", "template", "spec"], ["containers": containers])
        )
        let spec = templated["spec"]?["template"]?["spec"]
        #expect(spec?["containers"]?[index: 0]?["resources"]?["requests"] == nil)
        #expect(spec?["enableServiceLinks"] == nil)
    }
}
