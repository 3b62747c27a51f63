import FoundationEssentials
import JSON
import Testing

@testable import SandboxServer

@Suite("The columns of built-in kinds")
struct BuiltinColumnsTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test(
        "show durations as a server does",
        arguments: [
            (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (599, "9m59s"),
            (600, "10m"), (629, "10m"), (10_799, "179m"), (10_800, "3h"), (11_000, "3h3m"), (28_800, "8h"),
            (172_799, "47h"), (172_800, "2d"), (176_400, "2d1h"), (691_200, "8d"), (777_600, "9d"),
            (63_072_000, "2y"), (63_244_800, "2y2d"), (252_288_000, "8y"), (999_999_999, "31y"),
        ] as [(Double, String)]
    )
    func durations(_ seconds: Double, _ text: String) {
        #expect(HumanDuration.text(seconds: seconds) == text)
    }

    @Test("show name and creation of kinds without columns of their own")
    func fallback() {
        let row = cells("rbac.authorization.k8s.io", "roles", ["metadata": ["name": "r", "creationTimestamp": "T"]])
        #expect(row == ["Name": "r", "Created At": "T"])
    }

    @Test("have a cell for every column, whatever is missing in the object")
    func incomplete() {
        for definition in BuiltinCatalogue.definitions {
            for column in definition.versions.flatMap(\.columns) {
                for object: JSONValue in [[:], .null, ["spec": "x", "status": [1]]] {
                    #expect(!column.value(of: object, now: Self.now).isNull, "\(definition.kind) \(column.name)")
                }
                #expect(!column.description.isEmpty)
            }
        }
    }

    @Test(
        "say what a pod does",
        arguments: [
            ([:], "0/1", "Pending", "0"),
            (["phase": "Running", "containerStatuses": [running]], "1/1", "Running", "0"),
            (
                ["phase": "Running", "containerStatuses": [waiting("CrashLoopBackOff", 4)]], "0/1", "CrashLoopBackOff",
                "4 (5m ago)"
            ),
            (
                ["phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff", 0)]], "0/1", "ImagePullBackOff",
                "0"
            ),
            (["phase": "Succeeded", "containerStatuses": [ended(["reason": "Completed"])]], "0/1", "Completed", "0"),
            (["phase": "Failed", "containerStatuses": [ended(["exitCode": 3])]], "0/1", "ExitCode:3", "0"),
            (
                ["phase": "Failed", "containerStatuses": [ended(["exitCode": 137, "signal": 9])]], "0/1", "Signal:9",
                "0"
            ),
            (["phase": "Failed", "reason": "Evicted"], "0/1", "Evicted", "0"),
            (["conditions": [["type": "PodScheduled", "reason": "SchedulingGated"]]], "0/1", "SchedulingGated", "0"),
            (
                ["phase": "Running", "containerStatuses": [running, ended(["reason": "Completed"])]],
                "1/1", "NotReady", "0"
            ),
            (["phase": "Pending", "initContainerStatuses": [running]], "0/1", "Init:0/2", "0"),
            (["phase": "Pending", "initContainerStatuses": [ended(["exitCode": 1])]], "0/1", "Init:ExitCode:1", "0"),
            (
                ["phase": "Pending", "initContainerStatuses": [waiting("ErrImagePull", 0)]], "0/1", "Init:ErrImagePull",
                "0"
            ),
        ] as [(JSONValue, String, String, String)]
    )
    func pods(_ status: JSONValue, _ ready: String, _ text: String, _ restarts: String) {
        var pod: JSONValue = [
            "metadata": ["name": "p"],
            "spec": ["containers": [["name": "c"]], "initContainers": [["name": "i"], ["name": "j"]]],
            "status": ["phase": "Pending"],
        ]
        for (key, value) in status.objectValue ?? [:] { pod.set(value, at: ["status", key]) }
        let row = cells("", "pods", pod)
        #expect(row["Ready"] == .string(ready))
        #expect(row["Status"] == .string(text))
        #expect(row["Restarts"] == .string(restarts))
        #expect(row["Node"] == "<none>")
    }

    @Test("say that a pod ends, and count sidecars as containers")
    func podDetails() {
        var pod: JSONValue = [
            "metadata": ["name": "p", "deletionTimestamp": "2027-01-01T00:00:00Z"],
            "spec": [
                "containers": [["name": "c"]], "initContainers": [["name": "s", "restartPolicy": "Always"]],
                "readinessGates": [["conditionType": "g"], ["conditionType": "h"]], "nodeName": "n",
            ],
            "status": [
                "phase": "Running", "containerStatuses": [Self.running], "podIPs": [["ip": "10.0.0.1"]],
                "conditions": [["type": "g", "status": "True"]],
                "initContainerStatuses": [["name": "s", "started": true, "ready": true, "restartCount": 2]],
            ],
        ]
        let row = cells("", "pods", pod)
        #expect(row["Ready"] == "2/2")
        #expect(row["Status"] == "Terminating")
        #expect(row["Restarts"] == "2")
        #expect(row["IP"] == "10.0.0.1")
        #expect(row["Node"] == "n")
        #expect(row["Readiness Gates"] == "1/2")
        pod.set("NodeLost", at: ["status", "reason"])
        #expect(cells("", "pods", pod)["Status"] == "Unknown")
    }

    @Test("show nodes with their roles")
    func nodes() {
        let row = cells(
            "",
            "nodes",
            [
                "metadata": ["labels": ["node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"]],
                "spec": ["unschedulable": true],
                "status": [
                    "conditions": [["type": "Ready", "status": "Unknown"]],
                    "addresses": [["type": "InternalIP", "address": "10.1.1.1"]],
                    "nodeInfo": ["kubeletVersion": "v1.36.2", "osImage": ""],
                ],
            ]
        )
        #expect(row["Status"] == "NotReady,SchedulingDisabled")
        #expect(row["Roles"] == "a,b")
        #expect(row["Version"] == "v1.36.2")
        #expect(row["Internal-IP"] == "10.1.1.1")
        #expect(row["External-IP"] == "<none>")
        #expect(row["OS-Image"] == "<unknown>")
        #expect(cells("", "nodes", [:])["Status"] == "Unknown")
    }

    @Test("show workloads with their counts, images and selectors")
    func workloads() {
        let object: JSONValue = [
            "spec": [
                "replicas": 3, "completions": 2, "schedule": "* * * * *", "suspend": false,
                "selector": [
                    "matchLabels": ["b": "1"],
                    "matchExpressions": [
                        ["key": "a", "operator": "In", "values": ["y", "x"]], ["key": "c", "operator": "DoesNotExist"],
                    ],
                ],
                "template": ["spec": ["containers": [["name": "c", "image": "i"], ["name": "d", "image": "j"]]]],
            ],
            "status": [
                "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1, "replicas": 3, "succeeded": 1,
                "startTime": "2027-01-15T07:50:00Z", "lastScheduleTime": "2027-01-15T07:50:00Z",
                "conditions": [["type": "Complete", "status": "True"]],
            ],
        ]
        let deployment = cells("apps", "deployments", object)
        #expect(deployment["Ready"] == "1/3")
        #expect(deployment["Up-to-date"] == 2)
        #expect(deployment["Containers"] == "c,d")
        #expect(deployment["Images"] == "i,j")
        #expect(deployment["Selector"] == "a in (x,y),b=1,!c")
        #expect(cells("apps", "replicasets", object)["Current"] == 3)
        #expect(cells("apps", "replicasets", [:])["Selector"] == "<none>")
        let job = cells("batch", "jobs", object)
        #expect(job["Status"] == "Complete")
        #expect(job["Completions"] == "1/2")
        #expect(job["Duration"] == "10m")
        let cronJob = cells("batch", "cronjobs", object)
        #expect(cronJob["Suspend"] == "False")
        #expect(cronJob["Last Schedule"] == "10m")
        #expect(cronJob["Timezone"] == "<none>")
        let owner: JSONValue = ["apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "controller": true]
        let revision = cells("apps", "controllerrevisions", ["metadata": ["ownerReferences": [owner]], "revision": 4])
        #expect(revision["Controller"] == "daemonset.apps/d")
        #expect(revision["Revision"] == 4)
    }

    @Test(
        "show the addresses of services",
        arguments: [
            (["type": "ClusterIP", "clusterIPs": ["None"]], "None", "<none>"),
            (["type": "NodePort", "externalIPs": ["1.1.1.1"]], "<none>", "1.1.1.1"),
            (["type": "ExternalName", "externalName": "x.y"], "<none>", "x.y"),
            (["type": "LoadBalancer", "clusterIPs": ["10.0.0.9"]], "10.0.0.9", "2.2.2.2,lb.example"),
        ] as [(JSONValue, String, String)]
    )
    func services(_ spec: JSONValue, _ inside: String, _ outside: String) {
        let ingress: JSONValue = [["hostname": "lb.example"], ["ip": "2.2.2.2"]]
        let row = cells("", "services", ["spec": spec, "status": ["loadBalancer": ["ingress": ingress]]])
        #expect(row["Cluster-IP"] == .string(inside))
        #expect(row["External-IP"] == .string(outside))
        #expect(row["Port(s)"] == "<none>")
        #expect(row["Selector"] == "<none>")
    }

    @Test("show ports and endpoints, at most three of them")
    func endpoints() {
        let ports: JSONValue = [["port": 80, "protocol": "TCP"], ["port": 53, "nodePort": 30_053, "protocol": "UDP"]]
        #expect(cells("", "services", ["spec": ["ports": ports]])["Port(s)"] == "80/TCP,53:30053/UDP")
        let addresses: JSONValue = [["ip": "10.0.0.1"], ["ip": "fd00::1"]]
        let subsets: JSONValue = [["addresses": addresses, "ports": ports]]
        #expect(
            cells("", "endpoints", ["subsets": subsets])["Endpoints"]
                == "10.0.0.1:80,[fd00::1]:80,10.0.0.1:53 + 1 more..."
        )
        #expect(cells("", "endpoints", [:])["Endpoints"] == "<none>")
        let slice = cells(
            "discovery.k8s.io",
            "endpointslices",
            [
                "ports": [["port": 80], ["name": "n"], [:]],
                "endpoints": [["addresses": ["a", "b"]], ["addresses": ["c", "d"]]],
            ]
        )
        #expect(slice["Ports"] == "80,n,*")
        #expect(slice["Endpoints"] == "a,b,c + 1 more...")
    }

    @Test("show events of both groups alike")
    func events() {
        let old = cells(
            "",
            "events",
            [
                "metadata": ["name": "e"], "involvedObject": ["kind": "Pod", "name": "p"], "message": " m\n",
                "lastTimestamp": "2027-01-15T07:59:00Z", "firstTimestamp": "2027-01-15T07:50:00Z", "count": 3,
                "source": ["component": "kubelet", "host": "n"], "eventTime": .null,
            ]
        )
        #expect(old["Last Seen"] == "60s")
        #expect(old["First Seen"] == "10m")
        #expect(old["Object"] == "pod/p")
        #expect(old["Source"] == "kubelet, n")
        #expect(old["Message"] == "m")
        #expect(old["Count"] == 3)
        let new = cells(
            "events.k8s.io",
            "events",
            [
                "metadata": ["name": "e"], "regarding": ["kind": "Node"], "note": "m",
                "eventTime": "2027-01-15T07:59:00.000000Z", "reportingController": "c", "reportingInstance": "i",
            ]
        )
        #expect(new["Last Seen"] == "60s")
        #expect(new["First Seen"] == "60s")
        #expect(new["Object"] == "node")
        #expect(new["Source"] == "c, i")
        #expect(new["Count"] == 1)
    }

    @Test(
        "show the targets of autoscalers",
        arguments: [
            ([], [], "<none>"),
            ([utilization(80)], [], "cpu: <unknown>/80%"),
            (
                [utilization(80)],
                [["type": "Resource", "resource": ["name": "cpu", "current": ["averageUtilization": 12]]]],
                "cpu: 12%/80%"
            ),
            (
                [["type": "External", "external": ["target": ["averageValue": "5"]]], utilization(1), utilization(2)],
                [], "<unknown>/5 (avg), cpu: <unknown>/1% + 1 more..."
            ),
            ([["type": "Pods", "pods": ["target": ["averageValue": "5"]]]], [], "<unknown>/5"),
            ([["type": "Odd"]], [], "<unknown type>"),
        ] as [(JSONValue, JSONValue, String)]
    )
    func autoscalers(_ metrics: JSONValue, _ current: JSONValue, _ text: String) {
        let row = cells(
            "autoscaling",
            "horizontalpodautoscalers",
            ["spec": ["metrics": metrics, "maxReplicas": 9], "status": ["currentMetrics": current]]
        )
        #expect(row["Targets"] == .string(text))
        #expect(row["MinPods"] == "<unset>")
        #expect(row["MaxPods"] == 9)
    }

    @Test("show storage, budgets, bindings and classes")
    func others() {
        let claim: JSONValue = [
            "spec": ["volumeName": "v", "storageClassName": "s"],
            "status": [
                "phase": "Bound", "capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            ],
        ]
        let row = cells("", "persistentvolumeclaims", claim)
        #expect(row["Capacity"] == "1Gi")
        #expect(row["Access Modes"] == "RWO,RWX")
        #expect(row["VolumeAttributesClass"] == "<unset>")
        #expect(cells("policy", "poddisruptionbudgets", ["spec": ["minAvailable": 1]])["Min Available"] == "1")
        #expect(cells("policy", "poddisruptionbudgets", ["spec": ["minAvailable": 1]])["Max Unavailable"] == "N/A")
        let subjects: JSONValue = [
            ["kind": "User", "name": "u"], ["kind": "ServiceAccount", "namespace": "n", "name": "a"],
            ["kind": "ServiceAccount", "namespace": "n", "name": "b"],
        ]
        let binding = cells(
            "rbac.authorization.k8s.io",
            "rolebindings",
            ["roleRef": ["kind": "Role", "name": "r"], "subjects": subjects]
        )
        #expect(binding["Role"] == "Role/r")
        #expect(binding["Users"] == "u")
        #expect(binding["ServiceAccounts"] == "n/a, n/b")
        let quota: JSONValue = [
            "status": ["hard": ["limits.cpu": "4", "pods": "10"], "used": ["limits.cpu": "1", "pods": "2"]]
        ]
        #expect(cells("", "resourcequotas", quota)["Request"] == "pods: 2/10")
        #expect(cells("", "resourcequotas", quota)["Limit"] == "limits.cpu: 1/4")
        let annotation: JSONValue = ["storageclass.kubernetes.io/is-default-class": "true"]
        let storageClass: JSONValue = ["metadata": ["name": "s", "annotations": annotation]]
        #expect(cells("storage.k8s.io", "storageclasses", storageClass)["Name"] == "s (default)")
        let ingress: JSONValue = ["spec": ["rules": [["host": "a"], [:]], "tls": [[:]]]]
        #expect(cells("networking.k8s.io", "ingresses", ingress)["Hosts"] == "a")
        #expect(cells("networking.k8s.io", "ingresses", ingress)["Ports"] == "80, 443")
        #expect(cells("", "configmaps", ["data": ["a": "1"], "binaryData": ["b": "Yg=="]])["Data"] == 2)
    }

    private func cells(_ group: String, _ plural: String, _ object: JSONValue) -> [String: JSONValue] {
        let columns = BuiltinColumns.columns(for: ResourceID(group: group, plural: plural))
        let cells = columns.map { ($0.name, $0.value(of: object, now: Self.now)) }
        return Dictionary(cells) { first, _ in first }
    }

    private static let running: JSONValue = ["ready": true, "restartCount": 0, "state": ["running": [:]]]

    private static func waiting(_ reason: String, _ restarts: Int) -> JSONValue {
        [
            "restartCount": .number(restarts), "state": ["waiting": ["reason": .string(reason)]],
            "lastState": restarts == 0 ? [:] : ["terminated": ["finishedAt": "2027-01-15T07:55:00Z"]],
        ]
    }

    private static func ended(_ state: JSONValue) -> JSONValue {
        ["restartCount": 0, "state": ["terminated": state]]
    }

    private static func utilization(_ percent: Int) -> JSONValue {
        [
            "type": "Resource",
            "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": .number(percent)]],
        ]
    }
}
