import JSON
import Testing

@testable import SandboxServer

@Suite("Simulated workloads")
struct WorkloadSimulationTests {
    private func progressing(_ cluster: TestCluster) -> String? {
        cluster.get(Builtin.deployments, "web")?["status"]?.condition("Progressing")?["reason"]?.stringValue
    }

    @Test("the nodes are ready and have leases")
    func nodes() {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 2)
        #expect(cluster.names(Builtin.nodes, in: nil) == ["sandbox-node-1", "sandbox-node-2"])
        #expect(cluster.list(Builtin.nodes, in: nil).allSatisfy { $0["status"]?.isTrue("Ready") == true })
        #expect(cluster.names(Builtin.leases, in: "kube-node-lease") == ["sandbox-node-1", "sandbox-node-2"])
    }

    @Test("a Deployment gets pods that spread over the nodes and become ready")
    func becomesReady() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 3))
        #expect(cluster.list(Builtin.pods).count == 3)
        #expect(Set(cluster.list(Builtin.pods).compactMap { $0["spec"]?["nodeName"]?.stringValue }).count == 3)
        #expect(progressing(cluster) == "ReplicaSetUpdated" || progressing(cluster) == "NewReplicaSetCreated")
        cluster.pass(seconds: 3)
        let status = cluster.get(Builtin.deployments, "web")?["status"]
        #expect(status?.count("readyReplicas") == 3 && status?.count("availableReplicas") == 3)
        #expect(status?["unavailableReplicas"] == nil)
        #expect(status?.isTrue("Available") == true && progressing(cluster) == "NewReplicaSetAvailable")
        #expect(
            cluster.get(Builtin.deployments, "web")?["metadata"]?["annotations"]?[DeploymentController.revision] == "1"
        )
        let addresses = Set(cluster.list(Builtin.pods).compactMap { $0["status"]?["podIP"]?.stringValue })
        #expect(addresses.count == 3)
    }

    @Test("many pods spread evenly", .timeLimit(.minutes(1)))
    func manyPods() {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 10)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 100))
        cluster.pass(seconds: 3)
        #expect(cluster.get(Builtin.deployments, "web")?["status"]?.count("availableReplicas") == 100)
        let nodes = Dictionary(
            cluster.list(Builtin.pods).map { ($0["spec"]?["nodeName"]?.stringValue ?? "", 1) },
            uniquingKeysWith: +
        )
        #expect(nodes.count == 10 && nodes.values.allSatisfy { $0 == 10 })
    }

    @Test("nothing changes any more once everything runs")
    func settles() {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 1)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 2))
        cluster.pass(seconds: 5)
        let before = cluster.list(Builtin.pods) + cluster.list(Builtin.deployments) + cluster.list(Builtin.replicaSets)
        cluster.pass(seconds: 60)
        let after = cluster.list(Builtin.pods) + cluster.list(Builtin.deployments) + cluster.list(Builtin.replicaSets)
        #expect(before == after)
    }

    @Test("a new template rolls out within its bounds, and the old ReplicaSet stays for undo")
    func rollout() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 4))
        cluster.pass(seconds: 3)
        cluster.edit(Builtin.deployments, "web") {
            $0.set(TestCluster.template(app: "web", image: "i:2"), at: ["spec", "template"])
        }
        for _ in 0..<20 {
            let pods = cluster.list(Builtin.pods).filter(\.isActivePod)
            #expect(pods.count <= 5)
            #expect(pods.filter(\.isReadyPod).count >= 3)
            cluster.pass(seconds: 1)
        }
        #expect(cluster.list(Builtin.pods).count == 4)
        #expect(cluster.list(Builtin.pods).allSatisfy { $0["spec"]?["containers"]?[index: 0]?["image"] == "i:2" })
        #expect(cluster.list(Builtin.replicaSets).map { $0.count("spec", "replicas") }.sorted() == [0, 4])
        #expect(progressing(cluster) == "NewReplicaSetAvailable")
        #expect(
            cluster.get(Builtin.deployments, "web")?["metadata"]?["annotations"]?[DeploymentController.revision] == "2"
        )
        // Back to the first template: its ReplicaSet is used again under a new number.
        cluster.edit(Builtin.deployments, "web") { $0.set(TestCluster.template(app: "web"), at: ["spec", "template"]) }
        cluster.pass(seconds: 20)
        #expect(cluster.list(Builtin.replicaSets).count == 2)
        #expect(
            cluster.get(Builtin.deployments, "web")?["metadata"]?["annotations"]?[DeploymentController.revision] == "3"
        )
        #expect(cluster.list(Builtin.pods).allSatisfy { $0["spec"]?["containers"]?[index: 0]?["image"] == "i:1" })
    }

    @Test("a rollout that cannot get on says so after its deadline and keeps the old pods")
    func stuckRollout() {
        let cluster = TestCluster(simulatesWorkloads: true)
        var deployment = TestCluster.deployment("web", replicas: 4)
        deployment.set(30, at: ["spec", "progressDeadlineSeconds"])
        cluster.create(Builtin.deployments, deployment)
        cluster.pass(seconds: 3)
        cluster.edit(Builtin.deployments, "web") { deployment in
            deployment.set(
                "image-pull-error",
                at: ["spec", "template", "metadata", "annotations", Workload.failureAnnotation]
            )
        }
        cluster.pass(seconds: 60)
        #expect(progressing(cluster) == "ProgressDeadlineExceeded")
        #expect(cluster.get(Builtin.deployments, "web")?["status"]?.isTrue("Available") == true)
        #expect(cluster.list(Builtin.pods).filter(\.isReadyPod).count == 3)
    }

    @Test("recreate ends the old pods before it starts new ones")
    func recreate() {
        let cluster = TestCluster(simulatesWorkloads: true)
        var deployment = TestCluster.deployment("web", replicas: 2)
        deployment.set(["type": "Recreate"], at: ["spec", "strategy"])
        cluster.create(Builtin.deployments, deployment)
        cluster.pass(seconds: 3)
        cluster.edit(Builtin.deployments, "web") {
            $0.set(TestCluster.template(app: "web", image: "i:2"), at: ["spec", "template"])
        }
        for _ in 0..<5 {
            let images = Set(
                cluster.list(Builtin.pods).filter(\.isActivePod).map { $0["spec"]?["containers"]?[index: 0]?["image"] }
            )
            #expect(images.count <= 1)
            cluster.pass(seconds: 1)
        }
        #expect(cluster.get(Builtin.deployments, "web")?["status"]?.count("availableReplicas") == 2)
    }

    @Test("scaling down takes the pods that are not ready first")
    func scalesDown() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 3))
        cluster.pass(seconds: 3)
        let broken = cluster.names(Builtin.pods)[1]
        cluster.edit(Builtin.pods, broken) {
            $0.set("not-ready", at: ["metadata", "annotations", Workload.failureAnnotation])
        }
        cluster.edit(Builtin.deployments, "web") { $0.set(2, at: ["spec", "replicas"]) }
        cluster.pass(seconds: 3)
        #expect(cluster.list(Builtin.pods).count == 2 && !cluster.names(Builtin.pods).contains(broken))
    }

    @Test(
        "a pod is broken by an annotation and heals without it",
        arguments: [
            ("crash-loop", "CrashLoopBackOff"), ("image-pull-error", "ImagePullBackOff"), ("not-ready", nil),
        ] as [(String, String?)]
    )
    func breaks(failure: String, reason: String?) {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 1))
        cluster.pass(seconds: 3)
        let pod = cluster.names(Builtin.pods)[0]
        cluster.edit(Builtin.pods, pod) {
            $0.set(.string(failure), at: ["metadata", "annotations", Workload.failureAnnotation])
        }
        cluster.pass(seconds: 8)
        let state = cluster.get(Builtin.pods, pod)?["status"]?["containerStatuses"]?[index: 0]?["state"]
        #expect(state?["waiting"]?["reason"]?.stringValue == reason)
        #expect(cluster.get(Builtin.deployments, "web")?["status"]?.isTrue("Available") == false)
        cluster.edit(Builtin.pods, pod) { $0.set(nil, at: ["metadata", "annotations", Workload.failureAnnotation]) }
        cluster.pass(seconds: 3)
        #expect(cluster.get(Builtin.deployments, "web")?["status"]?.isTrue("Available") == true)
    }

    @Test("a stalled Deployment is not looked at until it changes again")
    func stalls() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 2))
        cluster.pass(seconds: 3)
        cluster.edit(Builtin.deployments, "web") { deployment in
            deployment.set("stalled", at: ["metadata", "annotations", Workload.failureAnnotation])
            deployment.set(4, at: ["spec", "replicas"])
        }
        cluster.pass(seconds: 60)
        #expect(cluster.list(Builtin.pods).count == 2)
        let stalled = cluster.get(Builtin.deployments, "web")
        #expect(stalled?["status"]?["observedGeneration"] == 1 && stalled?["metadata"]?["generation"] == 2)
        cluster.edit(Builtin.deployments, "web") { $0.set("x", at: ["metadata", "annotations", "touched"]) }
        cluster.pass(seconds: 3)
        let deployment = cluster.get(Builtin.deployments, "web")
        #expect(deployment?["status"]?.count("availableReplicas") == 4)
        #expect(deployment?["status"]?["observedGeneration"] == deployment?["metadata"]?["generation"])
        #expect(deployment?.failure == nil)
    }

    @Test("a crashing pod is restarted with growing pauses")
    func crashLoop() {
        let cluster = TestCluster(simulatesWorkloads: true)
        var deployment = TestCluster.deployment("web", replicas: 1)
        deployment.set("crash-loop", at: ["spec", "template", "metadata", "annotations", Workload.failureAnnotation])
        cluster.create(Builtin.deployments, deployment)
        var restarts: [Int] = []
        for _ in 0..<4 {
            cluster.pass(seconds: 20)
            restarts.append(
                cluster.list(Builtin.pods)[0]["status"]?["containerStatuses"]?[index: 0]?.count("restartCount") ?? -1
            )
        }
        #expect(restarts == [1, 2, 2, 3] || restarts == [1, 1, 2, 3] || restarts == [1, 2, 3, 3])
    }

    @Test("a pod that fits nowhere waits and says why")
    func unschedulable() {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 2)
        var deployment = TestCluster.deployment("web", replicas: 1)
        deployment.set(["disk": "fast"], at: ["spec", "template", "spec", "nodeSelector"])
        cluster.create(Builtin.deployments, deployment)
        cluster.pass(seconds: 3)
        let condition = cluster.list(Builtin.pods)[0]["status"]?.condition("PodScheduled")
        #expect(condition?["reason"] == "Unschedulable")
        #expect(
            condition?["message"] == "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
        )
        #expect(cluster.list(Builtin.events).contains { $0["reason"] == "FailedScheduling" })
        cluster.edit(Builtin.nodes, "sandbox-node-2", in: "") { $0.set("fast", at: ["metadata", "labels", "disk"]) }
        cluster.pass(seconds: 5)
        #expect(cluster.list(Builtin.pods)[0].isReadyPod)
    }

    @Test("a broken node makes its pods unready at once and loses them after their tolerations")
    func brokenNode() throws {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 2)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 2))
        cluster.pass(seconds: 3)
        cluster.edit(Builtin.nodes, "sandbox-node-1", in: "") {
            $0.set("not-ready", at: ["metadata", "annotations", Workload.failureAnnotation])
        }
        #expect(cluster.get(Builtin.nodes, "sandbox-node-1", in: "")?["status"]?.isTrue("Ready") == false)
        #expect(cluster.list(Builtin.pods).filter(\.isReadyPod).count == 1)
        cluster.pass(seconds: 310)
        #expect(cluster.list(Builtin.pods).filter(\.isReadyPod).count == 2)
        #expect(cluster.list(Builtin.pods).allSatisfy { $0["spec"]?["nodeName"] == "sandbox-node-2" })
        cluster.edit(Builtin.nodes, "sandbox-node-1", in: "") {
            $0.set(nil, at: ["metadata", "annotations", Workload.failureAnnotation])
        }
        #expect(cluster.get(Builtin.nodes, "sandbox-node-1", in: "")?["spec"]?["taints"] == nil)
    }

    @Test("a deleted Deployment takes its ReplicaSets and pods along")
    func deletion() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 2))
        cluster.pass(seconds: 3)
        cluster.delete(Builtin.deployments, "web")
        cluster.pass(seconds: 3)
        #expect(cluster.list(Builtin.pods).isEmpty && cluster.list(Builtin.replicaSets).isEmpty)
    }

    @Test("a StatefulSet starts in order, and rolls out from the highest number down")
    func statefulSet() {
        let cluster = TestCluster(simulatesWorkloads: true)
        var set = TestCluster.deployment("db", replicas: 3)
        set["kind"] = "StatefulSet"
        set.set(nil, at: ["spec", "strategy"])
        cluster.create(Builtin.statefulSets, set)
        #expect(cluster.names(Builtin.pods) == ["db-0"])
        cluster.pass(seconds: 10)
        #expect(cluster.names(Builtin.pods) == ["db-0", "db-1", "db-2"])
        #expect(cluster.get(Builtin.statefulSets, "db")?["status"]?.count("readyReplicas") == 3)
        cluster.edit(Builtin.statefulSets, "db") {
            $0.set(TestCluster.template(app: "db", image: "i:2"), at: ["spec", "template"])
        }
        cluster.pass(seconds: 1)
        #expect(cluster.list(Builtin.pods).filter(\.isBeingDeleted).allSatisfy { $0.objectName.name == "db-2" })
        cluster.pass(seconds: 30)
        #expect(cluster.list(Builtin.pods).allSatisfy { $0["spec"]?["containers"]?[index: 0]?["image"] == "i:2" })
        let status = cluster.get(Builtin.statefulSets, "db")?["status"]
        #expect(status?["currentRevision"] == status?["updateRevision"] && status?.count("updatedReplicas") == 3)
        cluster.edit(Builtin.statefulSets, "db") { $0.set(1, at: ["spec", "replicas"]) }
        cluster.pass(seconds: 10)
        #expect(cluster.names(Builtin.pods) == ["db-0"])
    }

    @Test("a DaemonSet has a pod on every node, cordoned ones too")
    func daemonSet() {
        let cluster = TestCluster(simulatesWorkloads: true)
        var set = TestCluster.deployment("agent", replicas: 1)
        set["kind"] = "DaemonSet"
        set.set(nil, at: ["spec", "replicas"])
        set.set(nil, at: ["spec", "strategy"])
        cluster.edit(Builtin.nodes, "sandbox-node-1", in: "") { $0.set(true, at: ["spec", "unschedulable"]) }
        cluster.create(Builtin.daemonSets, set)
        cluster.pass(seconds: 3)
        #expect(cluster.get(Builtin.daemonSets, "agent")?["status"]?.count("numberReady") == 3)
        cluster.edit(Builtin.daemonSets, "agent") {
            $0.set(TestCluster.template(app: "agent", image: "i:2"), at: ["spec", "template"])
        }
        cluster.pass(seconds: 30)
        #expect(cluster.list(Builtin.pods).allSatisfy { $0["spec"]?["containers"]?[index: 0]?["image"] == "i:2" })
        #expect(cluster.get(Builtin.daemonSets, "agent")?["status"]?.count("updatedNumberScheduled") == 3)
    }

    private func job(failing: Bool = false) -> JSONValue {
        var job: JSONValue = [
            "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "sum", "namespace": "default"],
            "spec": [
                "completions": 3, "parallelism": 2, "backoffLimit": 1,
                "selector": ["matchLabels": ["app": "sum"]],
                "template": TestCluster.template(app: "sum", restartPolicy: "Never"),
            ],
            "status": [:],
        ]
        if failing {
            job.set("crash-loop", at: ["spec", "template", "metadata", "annotations", Workload.failureAnnotation])
        }
        return job
    }

    @Test("a Job runs its pods to completion")
    func jobCompletes() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.jobs, job())
        #expect(cluster.list(Builtin.pods).count == 2)
        cluster.pass(seconds: 12)
        let status = cluster.get(Builtin.jobs, "sum")?["status"]
        #expect(status?.isTrue("Complete") == true && status?.count("succeeded") == 3)
        #expect(status?["completionTime"] != nil)
    }

    @Test("a Job that keeps failing gives up")
    func jobFails() {
        let cluster = TestCluster(simulatesWorkloads: true)
        cluster.create(Builtin.jobs, job(failing: true))
        cluster.pass(seconds: 12)
        let condition = cluster.get(Builtin.jobs, "sum")?["status"]?.condition("Failed")
        #expect(condition?["reason"] == "BackoffLimitExceeded")
    }

    @Test("a Service lists the pods that are ready, in Endpoints and in a slice")
    func endpoints() {
        let cluster = TestCluster(simulatesWorkloads: true)
        let service: JSONValue = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": "web", "namespace": "default"],
            "spec": ["selector": ["app": "web"], "ports": [["port": 80, "targetPort": 8080, "protocol": "TCP"]]],
        ]
        cluster.create(Builtin.services, service)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 2))
        cluster.pass(seconds: 3)
        let subset = cluster.get(Builtin.endpoints, "web")?["subsets"]?[index: 0]
        #expect(subset?["addresses"]?.arrayValue?.count == 2 && subset?["ports"]?[index: 0]?["port"] == 8080)
        let slice = cluster.list(Builtin.endpointSlices).first { $0.objectName.name.hasPrefix("web-") }
        #expect(slice?["endpoints"]?.arrayValue?.count == 2)
        let pod = cluster.names(Builtin.pods)[0]
        cluster.edit(Builtin.pods, pod) {
            $0.set("not-ready", at: ["metadata", "annotations", Workload.failureAnnotation])
        }
        let after = cluster.get(Builtin.endpoints, "web")?["subsets"]?[index: 0]
        #expect(after?["addresses"]?.arrayValue?.count == 1 && after?["notReadyAddresses"]?.arrayValue?.count == 1)
        cluster.delete(Builtin.services, "web")
        #expect(cluster.get(Builtin.endpoints, "web") == nil)
        #expect(!cluster.names(Builtin.endpointSlices).contains { $0.hasPrefix("web-") })
    }

    @Test("a PodDisruptionBudget counts what may be evicted")
    func disruptionBudget() {
        let cluster = TestCluster(simulatesWorkloads: true)
        let budget: JSONValue = [
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": ["name": "web", "namespace": "default"],
            "spec": ["minAvailable": 2, "selector": ["matchLabels": ["app": "web"]]],
        ]
        cluster.create(Builtin.disruptionBudgets, budget)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 3))
        #expect(cluster.get(Builtin.disruptionBudgets, "web")?["status"]?["disruptionsAllowed"] == 0)
        cluster.pass(seconds: 3)
        #expect(cluster.get(Builtin.disruptionBudgets, "web")?["status"]?["disruptionsAllowed"] == 1)
    }

    @Test("events go after an hour")
    func eventExpiry() {
        let cluster = TestCluster(simulatesWorkloads: true, nodes: 1)
        cluster.create(Builtin.deployments, TestCluster.deployment("web", replicas: 1))
        cluster.pass(seconds: 3)
        #expect(cluster.list(Builtin.events).contains { $0["reason"] == "Scheduled" })
        cluster.clock.advance(by: .seconds(3700))
        cluster.controllers.settle()
        #expect(!cluster.list(Builtin.events).contains { $0["reason"] == "Scheduled" })
    }
}
