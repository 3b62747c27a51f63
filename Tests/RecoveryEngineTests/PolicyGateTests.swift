import ControllerRuntime
import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// What a policy lets start, told by the status of Recoveries and of the policy itself.
@Suite(.timeLimit(.minutes(1)))
struct PolicyGateTests {
    private static let key = ObjectKey(namespace: EngineScene.namespace, name: "careful")

    private func put(_ spec: JSONValue, in scene: EngineScene) {
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": "careful", "namespace": .string(EngineScene.namespace)], "spec": spec,
            ],
            RecoveryPolicy.resource
        )
    }

    private func policy(_ scene: EngineScene) throws -> RecoveryPolicy {
        try RecoveryPolicy(json: try #require(scene.hub.object(RecoveryPolicy.resource, Self.key)).content)
    }

    /// A Recovery that waits no second, about a target of that name.
    private func put(_ name: String, target: String? = nil, in scene: EngineScene) {
        var more: [String: JSONValue] = ["parameters": ["waitSeconds": 0], "maxAttempts": 1]
        if let target { more["targetRef"] = ["apiVersion": "v1", "kind": "ConfigMap", "name": .string(target)] }
        scene.put(name, more)
    }

    private func putTarget(_ name: String, in scene: EngineScene) {
        scene.hub.put(
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": .string(name), "namespace": .string(EngineScene.namespace)],
            ],
            .configMaps
        )
    }

    @Test func `a policy whose ServiceAccount does not exist says so with the remedy until it does`()
        throws
    {
        let scene = EngineScene()
        scene.start()
        put(["mode": "Auto", "serviceAccountName": "mender"], in: scene)
        scene.world.run(for: .seconds(5))
        let ready = try policy(scene).status?.conditions?[type: ConditionType.ready]
        #expect(ready?.status == .false && ready?.reason == "ServiceAccountNotFound")
        #expect(ready?.message.contains("kubectl create serviceaccount mender -n team") == true)
        scene.hub.put(
            [
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": ["name": "mender", "namespace": .string(EngineScene.namespace)],
            ],
            .serviceAccounts
        )
        scene.world.run(for: .seconds(130))
        #expect(try policy(scene).status?.conditions?[type: ConditionType.ready]?.status == .true)
    }

    @Test func `a controller that may not read ServiceAccounts says nothing about them`() throws {
        let scene = LessonScene()
        scene.hub.inject(.status(403, "Forbidden"), times: 1_000) {
            $0.target?.collection.plural == "serviceaccounts"
        }
        scene.putPolicy(["mode": "Auto", "serviceAccountName": "mender"])
        scene.start()
        scene.world.run(for: .seconds(5))
        #expect(try scene.policy()?.status?.conditions?[type: ConditionType.ready]?.status == .true)
    }

    @Test func `a used-up budget holds the next Recovery, says until when, and is kept in the policy's status`() throws
    {
        let scene = EngineScene()
        put(["limits": ["budget": ["actions": 1, "windowSeconds": 120], "maxConcurrent": 5]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        put("first", in: scene)
        scene.world.run(for: .seconds(1))
        put("second", in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("first")?.state == .completed)
        let held = try #require(try scene.recovery("second"))
        let entry = try #require(try policy(scene).status?.recentActions?.first)
        let admitted = held.status?.conditions?[type: ConditionType.admitted]
        #expect(held.state == .pending && admitted?.reason == "BudgetExhausted")
        #expect(admitted?.message.contains(entry.time.addingTimeInterval(120).text) == true)
        #expect(held.status?.effective?.policy?.name == "careful" && held.status?.attempts == nil)
        #expect(scene.events(about: "second").first?.hasPrefix("RecoveryBlocked: BudgetExhausted: ") == true)
        #expect(entry.recovery == "first" && entry.attempt == 1 && entry.success == true && entry.endTime != nil)
        let status = try policy(scene).status
        #expect(status?.lastDecisions?.map(\.reason) == ["Admitted", "BudgetExhausted"])
        #expect(status?.lastDecisions?.last?.nextTime == entry.time.addingTimeInterval(120))
        #expect(status?.matched == 1 && status?.inFlight == 0)
        #expect(status?.conditions?[type: ConditionType.ready]?.status == .true)
        scene.world.run(for: .seconds(110))
        #expect(try scene.recovery("second")?.state == .pending)
        scene.world.run(for: .seconds(10))
        #expect(try scene.recovery("second")?.state == .completed)
    }

    @Test func `a target rests after a recovery, and what is deleted at once is remembered all the same`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["limits": ["cooldownSeconds": 60, "maxConcurrent": 5]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        let target: JSONValue = ["apiVersion": "v1", "kind": "ConfigMap", "name": "web"]
        scene.put(
            "first",
            ["parameters": ["waitSeconds": 0], "targetRef": target, "ttlSecondsAfterFinished": 0]
        )
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("first") == nil)
        #expect(try policy(scene).status?.recentActions?.first?.success == true)
        put("second", target: "web", in: scene)
        scene.world.run(for: .seconds(5))
        let held = try #require(try scene.recovery("second"))
        let admitted = held.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "CoolingDown" && admitted?.message.contains("Recovery first") == true)
        scene.world.run(for: .seconds(60))
        #expect(try scene.recovery("second")?.state == .completed)
    }

    @Test func `a breaker opens after failures, lets one probe through, and closes when that succeeds`() throws {
        let scene = EngineScene()
        put(
            [
                "circuitBreaker": [
                    "failureThreshold": 2, "openSeconds": 100, "halfOpenMaxSeconds": 50, "minimumCalls": 10,
                ], "limits": ["maxConcurrent": 5, "cooldownSeconds": 0],
            ],
            in: scene
        )
        scene.start()
        scene.world.run(for: .seconds(1))
        for name in ["a", "b"] { put(name, target: "missing-\(name)", in: scene) }
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("a")?.state == .failed && scene.recovery("b")?.state == .failed)
        var breaker = try #require(try policy(scene).status?.breakers?.first)
        #expect(breaker.state == .open && breaker.key == "Generic" && breaker.consecutiveFailures == 2)
        #expect(try policy(scene).status?.conditions?[type: ConditionType.breakersClosed]?.status == .false)
        #expect(scene.events(about: "careful").contains { $0.hasPrefix("CircuitBreakerOpened: Strategy Generic: ") })
        putTarget("c", in: scene)
        putTarget("d", in: scene)
        put("c", target: "c", in: scene)
        put("d", target: "d", in: scene)
        scene.world.run(for: .seconds(5))
        for name in ["c", "d"] {
            let admitted = try scene.recovery(name)?.status?.conditions?[type: ConditionType.admitted]
            #expect(admitted?.reason == "BreakerOpen")
        }
        scene.world.run(for: .seconds(100))
        breaker = try #require(try policy(scene).status?.breakers?.first)
        #expect(breaker.state == .closed && breaker.history?.map(\.state) == [.open, .halfOpen, .closed])
        // Closing it wakes who waits: nobody has to wait for the probe's time limit.
        #expect(try scene.recovery("c")?.state == .completed && scene.recovery("d")?.state == .completed)
        let words = scene.events(about: "careful").map { $0.prefix { $0 != ":" } }
        #expect(words == ["CircuitBreakerOpened", "CircuitBreakerHalfOpened", "CircuitBreakerClosed"])
    }

    @Test func `attempts that succeed but take long open a breaker, and the policy and who is held say so`() throws {
        let scene = EngineScene()
        put(
            [
                "circuitBreaker": ["slowCallSeconds": 20, "minimumCalls": 2, "openSeconds": 100],
                "limits": ["cooldownSeconds": 0],
            ],
            in: scene
        )
        scene.start()
        scene.world.run(for: .seconds(1))
        for name in ["a", "b"] {
            scene.put(name, ["parameters": ["waitSeconds": 25], "maxAttempts": 1])
            scene.world.run(for: .seconds(30))
            #expect(try scene.recovery(name)?.state == .completed)
        }
        let breaker = try #require(try policy(scene).status?.breakers?.first)
        #expect(breaker.state == .open && breaker.history?.last?.reason == "SlowCalls")
        #expect((breaker.consecutiveFailures ?? 0) == 0)
        #expect(try policy(scene).status?.conditions?[type: ConditionType.breakersClosed]?.status == .false)
        let opened = "CircuitBreakerOpened: Strategy Generic: SlowCalls; next probe at "
        #expect(scene.events(about: "careful").first?.hasPrefix(opened) == true)
        put("c", in: scene)
        scene.world.run(for: .seconds(5))
        let admitted = try scene.recovery("c")?.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "BreakerOpen")
        #expect(admitted?.message.contains("strategy Generic is open after too many slow calls") == true)
        scene.world.run(for: .seconds(100))
        #expect(try scene.recovery("c")?.state == .completed)
        #expect(try policy(scene).status?.breakers?.first?.state == .closed)
    }

    @Test func `a person closes a breaker by the annotation, and who waits goes on at once`() throws {
        let scene = EngineScene()
        put(
            ["circuitBreaker": ["failureThreshold": 1, "reset": "Manual"], "strategies": [["name": "Generic"]]],
            in: scene
        )
        scene.start()
        scene.world.run(for: .seconds(1))
        put("a", target: "missing", in: scene)
        scene.world.run(for: .seconds(5))
        put("b", in: scene)
        scene.world.run(for: .seconds(5_000))
        let admitted = try scene.recovery("b")?.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "BreakerOpen" && admitted?.message.contains("reset-breaker") == true)
        scene.hub.edit(RecoveryPolicy.resource, Self.key) {
            $0.set("today", at: ["metadata", "annotations", MetadataName.resetBreaker])
        }
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("b")?.state == .completed)
        #expect(try policy(scene).status?.breakerReset == "today")
    }

    @Test func `a policy that cannot be read has an event, and what it may govern waits until it can`() throws {
        let scene = EngineScene()
        put(["priority": "high"], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        put("web", in: scene)
        scene.world.run(for: .seconds(5))
        let events = scene.events(about: "careful")
        #expect(events.count == 1 && events.first?.hasPrefix("PolicyUnreadable: spec.priority: ") == true, "\(events)")
        let held = try scene.recovery("web")?.status?.conditions?[type: ConditionType.admitted]
        #expect(held?.reason == "PolicyUnreadable" && held?.message.contains("spec.priority") == true)
        put(["priority": 5], in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .completed)
        #expect(try scene.recovery("web")?.status?.effective?.policy?.name == "careful")
    }

    // MARK: Verification

    private func setReady(_ isReady: Bool, _ name: String, in scene: EngineScene) {
        scene.hub.edit(.configMaps, ObjectKey(namespace: EngineScene.namespace, name: name)) { object in
            object["status"] = [
                "conditions": [
                    [
                        "type": "Ready", "status": .string(isReady ? "True" : "False"),
                        "lastTransitionTime": .string(scene.world.time.wallTime().text),
                    ]
                ]
            ]
        }
    }

    @Test
    func
        `only a target that stays healthy completes a Recovery, also when it breaks between two looks (node-healthcheck-operator #208)`()
        throws
    {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["verify": ["forSeconds": 60, "timeoutSeconds": 200], "strategies": [["name": "Generic"]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        put("web", target: "web", in: scene)
        scene.world.run(for: .seconds(40))
        let status = try #require(try scene.recovery("web")?.status)
        #expect(status.state == .inProgress && status.conditions?[type: ConditionType.verified]?.reason == "Verifying")
        #expect(status.verification?.healthyTime != nil && status.executions?.last?.result?.message != nil)
        scene.world.run(for: .seconds(1))
        setReady(false, "web", in: scene)
        scene.world.run(for: .seconds(1))
        setReady(true, "web", in: scene)
        scene.world.run(for: .seconds(45))
        #expect(try scene.recovery("web")?.state == .inProgress, "healthy for a minute, but for one second")
        scene.world.run(for: .seconds(20))
        let ended = try #require(try scene.recovery("web"))
        #expect(ended.state == .completed && ended.status?.attempts == 1)
        #expect(ended.status?.conditions?[type: ConditionType.verified]?.reason == "TargetHealthy")
    }

    @Test func `a target that does not stay healthy fails the attempt, and the next one follows`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["verify": ["forSeconds": 10, "timeoutSeconds": 20], "strategies": [["name": "Generic"]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        put("web", target: "web", in: scene)
        scene.world.run(for: .seconds(3))
        setReady(false, "web", in: scene)
        scene.world.run(for: .seconds(60))
        let failed = try #require(try scene.recovery("web"))
        #expect(failed.state == .failed)
        let message = failed.status?.executions?.last?.result?.message ?? ""
        #expect(message.contains("did not stay healthy for 10 s within 20 s") && message.contains("Ready is False"))
        #expect(failed.status?.conditions?[type: ConditionType.verified]?.reason == "TargetUnhealthy")
    }

    @Test func `a recovery that is cancelled while its target is watched ends at once`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["verify": ["forSeconds": 100, "timeoutSeconds": 200], "strategies": [["name": "Generic"]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        put("web", target: "web", in: scene)
        scene.world.run(for: .seconds(30))
        scene.hub.edit(Recovery.resource, ObjectKey(namespace: EngineScene.namespace, name: "web")) {
            $0.set(true, at: ["spec", "cancel"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(2))
        #expect(try scene.recovery("web")?.state == .cancelled)
    }

    // MARK: Modes

    /// A Recovery as detection opens it.
    private func putIncident(_ name: String, target: String, in scene: EngineScene) {
        let spec: JSONValue = [
            "error": ["type": "InternalError", "retryable": true], "parameters": ["waitSeconds": 0], "maxAttempts": 1,
            "targetRef": ["apiVersion": "v1", "kind": "ConfigMap", "name": .string(target)],
        ]
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": [
                    "name": .string(name), "namespace": .string(EngineScene.namespace),
                    "labels": .object([MetadataName.fingerprint: "0123456789abcdef"]),
                ], "spec": spec,
            ],
            Recovery.resource
        )
    }

    private func approve(_ name: String, _ hash: String, as approval: String, in scene: EngineScene) throws {
        let uid = try #require(try scene.recovery(name)?.metadata.uid)
        scene.hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryApproval",
                "metadata": ["name": .string(approval), "namespace": .string(EngineScene.namespace)],
                "spec": [
                    "recoveryRef": ["name": .string(name), "uid": .string(uid)], "planHash": .string(hash),
                    "decision": "Approve",
                ],
            ],
            RecoveryApproval.resource
        )
    }

    private func result(_ approval: String, _ scene: EngineScene) throws -> ApprovalResult? {
        let key = ObjectKey(namespace: EngineScene.namespace, name: approval)
        return try scene.hub.object(RecoveryApproval.resource, key).map { try RecoveryApproval(json: $0.content) }?
            .status?.result
    }

    private static let target = ObjectKey(namespace: EngineScene.namespace, name: "web")

    @Test func `an approval is refused once the target has changed, and one of the new plan is carried out`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["mode": "Approve", "strategies": [["name": "Generic"]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        putIncident("web", target: "web", in: scene)
        scene.world.run(for: .seconds(5))
        let waiting = try #require(try scene.recovery("web")?.status)
        #expect(waiting.conditions?[type: ConditionType.admitted]?.reason == "AwaitingApproval")
        let old = try #require(waiting.plan?.hash)
        scene.hub.edit(.configMaps, Self.target) { $0.set("changed", at: ["data", "text"]) }
        try approve("web", old, as: "late", in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try result("late", scene) == .refused)
        let changed = try #require(try scene.recovery("web")?.status)
        let new = try #require(changed.plan?.hash)
        #expect(new != old && changed.attempts == nil)
        try approve("web", new, as: "good", in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .completed)
        #expect(try result("good", scene) == .applied)
        #expect(try scene.recovery("web")?.status?.plan?.approval == "good")
    }

    @Test func `who has to approve a plan is told how, once for each plan, and that the wait is over`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        let channels: JSONValue = [
            ["channel": "Slack", "url": "https://hooks.example/x"],
            ["channel": "Slack", "url": "https://boss.example/x", "minLevel": "Manual"],
            ["channel": "Alertmanager", "url": "https://alerts.example"],
        ]
        put(["mode": "Approve", "strategies": [["name": "Generic"]], "notifications": channels], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        putIncident("web", target: "web", in: scene)
        scene.world.run(for: .seconds(5))
        let waiting = try #require(try scene.recovery("web"))
        let (uid, hash) = try (#require(waiting.metadata.uid), #require(waiting.status?.plan?.hash))
        #expect(scene.told.requests.map(\.url) == ["https://hooks.example/x", "https://alerts.example/api/v2/alerts"])
        let text = try #require(try bodies(scene).first?["text"]?.stringValue)
        #expect(text.hasPrefix("[Guided] InternalError of ConfigMap team/web: recovery waits for an approval\n"))
        #expect(text.contains("planHash \(hash); the plan: Generic acts on") && text.contains("kubectl create -f -"))
        #expect(text.contains("\"planHash\":\"\(hash)\"") && text.contains("\"uid\":\"\(uid)\""))
        #expect(waiting.status?.plan?.notifiedTime != nil)

        scene.engine.queue.add(waiting.metadata.key)
        scene.world.run(for: .seconds(5))
        #expect(scene.told.requests.count == 2, "another look tells nobody anything new")
        scene.hub.edit(.configMaps, Self.target) { $0.set("changed", at: ["data", "text"]) }
        try approve("web", hash, as: "late", in: scene)
        scene.world.run(for: .seconds(5))
        let new = try #require(try scene.recovery("web")?.status?.plan?.hash)
        #expect(scene.told.requests.count == 4 && new != hash, "a new plan is told")
        #expect(try bodies(scene)[2]["text"]?.stringValue?.contains(new) == true)

        try approve("web", new, as: "good", in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .completed)
        let alerts = try bodies(scene).compactMap { $0[index: 0] }
        #expect(scene.told.requests.count == 5 && alerts.count == 3)
        #expect(alerts.allSatisfy { $0["labels"] == alerts[0]["labels"] && $0["startsAt"] == alerts[0]["startsAt"] })
        let ends = alerts.compactMap { $0["endsAt"]?.stringValue.flatMap { RFC3339.date(from: $0) } }
        #expect(ends.count == 3 && ends[2] <= scene.world.time.wallTime() && ends[1] > ends[2])
    }

    @Test func `who approves is told again as long as that has not reached everybody`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        let channels: JSONValue = [["channel": "Slack", "url": "http://127.0.0.1/refused"]]
        put(["mode": "Approve", "strategies": [["name": "Generic"]], "notifications": channels], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        putIncident("web", target: "web", in: scene)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.status?.plan?.notifiedTime == nil && scene.told.requests.isEmpty)
        scene.hub.edit(RecoveryPolicy.resource, Self.key) {
            $0.set([["channel": "Slack", "url": "https://hooks.example/x"]], at: ["spec", "notifications"])
            $0.set(2, at: ["metadata", "generation"])
        }
        scene.world.run(for: .seconds(5))
        scene.engine.queue.add(ObjectKey(namespace: EngineScene.namespace, name: "web"))
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.status?.plan?.notifiedTime != nil && scene.told.requests.count == 1)
    }

    private func bodies(_ scene: EngineScene) throws -> [JSONValue] {
        try scene.told.requests.map { try JSONValue(parsing: $0.body ?? []) }
    }

    @Test func `a plan depends on the shape of its target, not on what reports its state`() throws {
        let node: JSONValue = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": "n", "uid": "u", "resourceVersion": "5"],
            "spec": ["unschedulable": false], "status": ["phase": "Running"],
        ]
        func version(_ change: (inout JSONValue) -> Void) -> String {
            var object = node
            change(&object)
            return RecoveryReconciler.shape(of: Unstructured(object))
        }
        let before = version { _ in }
        let heartbeat = version {
            $0.set("6", at: ["metadata", "resourceVersion"])
            $0.set("2026-01-01T00:00:00Z", at: ["metadata", "annotations", "heartbeat"])
            $0.set("Pending", at: ["status", "phase"])
        }
        #expect(heartbeat == before)
        #expect(version { $0.set(true, at: ["spec", "unschedulable"]) } != before)
        #expect(version { $0["kind"] = "Secret" } == "resourceVersion 5", "a digest of it would help to guess it")
    }

    @Test func `what is only observed changes nothing, and goes on when the policy's mode becomes Auto`() throws {
        let scene = EngineScene()
        putTarget("web", in: scene)
        put(["strategies": [["name": "Generic"]]], in: scene)
        scene.start()
        scene.world.run(for: .seconds(1))
        putIncident("web", target: "web", in: scene)
        let before = scene.hub.object(.configMaps, Self.target)
        scene.world.run(for: .seconds(1_000))
        let observed = try #require(try scene.recovery("web")?.status)
        #expect(observed.state == .pending && observed.plan?.outcome == "not healed by itself within 900 s")
        #expect(scene.hub.object(.configMaps, Self.target) == before)
        scene.hub.edit(RecoveryPolicy.resource, Self.key) { $0.set("Auto", at: ["spec", "mode"]) }
        scene.world.run(for: .seconds(5))
        #expect(try scene.recovery("web")?.state == .completed)
    }
}
