import FoundationEssentials
import HTTPTransport
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import TestSupport
import Testing

@testable import RecoveryEngine

/// Conditions of any kind, under a whole engine in virtual time.
@Suite("DetectionController")
struct DetectionControllerTests {
    @Test("a condition that fails for its time opens one Recovery under the policy, and not before")
    func opens() throws {
        let scene = DetectionScene()
        scene.putWidget(ready: "True")
        scene.start()
        scene.world.run(for: .seconds(100))
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.world.run(for: .seconds(19))
        #expect(try scene.recoveries().isEmpty)
        scene.world.run(for: .seconds(2))
        let recoveries = try scene.recoveries()
        let recovery = try #require(recoveries.first)
        #expect(recoveries.count == 1 && recovery.metadata.name?.hasPrefix("widget-w-") == true)
        #expect(recovery.metadata.labels?[MetadataName.policy] == "watch")
        #expect(recovery.metadata.labels?[MetadataName.fingerprint]?.count == 16)
        #expect(recovery.spec.policyRef?.name == "watch" && recovery.spec.targetRef?.name == "w")
        #expect(recovery.spec.error.message == "Told: Ready is False: by the test")
        #expect(recovery.spec.error.severity?.value == .high && recovery.spec.error.component == "detection")
        #expect(recovery.status?.attempts == 1, "what this leader has seen itself is acted on")
        scene.world.run(for: .seconds(1_200))
        #expect(try scene.recoveries().map(\.state) == [.failed], "one incident, one object")
    }

    @Test("a Recovery that cannot be opened keeps the policy from no other, and is tried again")
    func refused() throws {
        let scene = DetectionScene()
        scene.hub.inject(.status(422, "Invalid"), times: 5) {
            $0.verb == .create && $0.concerns(Recovery.resource)
                && String(decoding: $0.body, as: UTF8.self).contains("bad")
        }
        scene.putWidget("bad", ready: "False")
        scene.start()
        scene.world.run(for: .seconds(10))
        scene.putWidget("good", ready: "False")
        scene.world.run(for: .seconds(25))
        #expect(try scene.recoveries().map(\.spec.targetRef?.name) == ["good"])
        #expect(try scene.policy()?.status?.matched == 2)
        scene.world.run(for: .seconds(100))
        #expect(Set(try scene.recoveries().map(\.spec.targetRef?.name)) == ["good", "bad"])
    }

    @Test(
        "a failure that is shorter than its time opens nothing; flapping adds up to nothing (node-healthcheck-operator #365)"
    )
    func flaps() throws {
        let scene = DetectionScene()
        scene.start()
        for _ in 0..<20 {
            scene.putWidget(ready: "False")
            scene.world.run(for: .seconds(15))
            scene.putWidget(ready: "True")
            scene.world.run(for: .seconds(2))
        }
        #expect(try scene.recoveries().isEmpty)
    }

    @Test("a target that is well again for its time between two attempts completes the Recovery as SelfHealed")
    func heals() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(30))
        #expect(try scene.recoveries().first?.status?.nextAttemptTime != nil)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(9))
        #expect(try scene.recoveries().first?.isFinal == false)
        scene.world.run(for: .seconds(3))
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.state == .completed && recovery.status?.attempts == 1)
        #expect(recovery.status?.conditions?[type: ConditionType.succeeded]?.reason == "SelfHealed")
    }

    @Test("a target that fails again soon after its recovery goes on along the ladder, and ends as Flapping (OCM #541)")
    func flapping() throws {
        let scene = DetectionScene(nil)
        let ladder: JSONValue = ["strategies": [["name": "Generic", "maxAttempts": 2]]]
        scene.putPolicy("watch", DetectionScene.readiness, ladder)
        scene.putWidget(ready: "True")
        scene.start()
        scene.world.run(for: .seconds(30))
        for number in 1...2 {
            scene.putWidget(ready: "False")
            let begins = {
                (try? scene.recoveries().last?.status?.attempts) == 1 && (try? scene.recoveries().count) == number
            }
            #expect(scene.world.run(until: begins, limit: .seconds(60)) != nil)
            scene.putWidget(ready: "True")
            scene.world.run(for: .seconds(60))
        }
        scene.putWidget(ready: "False")
        scene.world.run(for: .seconds(60))
        let all = try scene.recoveries().sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }
        #expect(all.map(\.state) == [.completed, .completed, .failed])
        #expect(all.map(\.spec.parentRef?.name) == [nil] + all.dropLast().map(\.metadata.name))
        #expect(all.map { $0.status?.rungAttempts } == [1, 2, 2] && all.last?.status?.attempts == nil)
        #expect(all.last?.status?.conditions?[type: ConditionType.succeeded]?.reason == "Flapping")
        // As long as it fails, that is the answer; later it is another incident.
        scene.world.run(for: .seconds(700))
        #expect(try scene.recoveries().count == 3)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(30))
        scene.putWidget(ready: "False")
        scene.world.run(for: .seconds(30))
        #expect(try scene.recoveries().last?.spec.parentRef == nil && scene.recoveries().count == 4)
    }

    @Test("a target that is deleted is no failure any more")
    func deleted() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(30))
        scene.hub.remove(DetectionScene.widgets, ObjectKey(namespace: "team", name: "w"))
        scene.world.run(for: .seconds(12))
        #expect(try scene.recoveries().first?.state == .completed)
    }

    @Test("a failure that comes back too early is one more occurrence; after enough health it is the next incident")
    func repeats() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(25))
        #expect(try scene.recoveries().count == 1)
        let isFailed = { (try? scene.recoveries().first?.state) == .failed }
        #expect(scene.world.run(until: isFailed, limit: .seconds(1_200)) != nil)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(5))
        scene.putWidget(ready: "False")
        scene.world.run(for: .seconds(30))
        #expect(try scene.recoveries().count == 1)
        #expect(try scene.recoveries().first?.status?.occurrences?.count == 2)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(15))
        scene.putWidget(ready: "False")
        scene.world.run(for: .seconds(30))
        let names = try scene.recoveries().compactMap(\.metadata.name)
        #expect(names.count == 2 && names.last?.hasSuffix("-2") == true)
    }

    @Test(
        "a new leader acts on a predecessor's Recovery only after it has seen the failure for its time itself (spur #624)"
    )
    func warmsUp() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        let policy = try #require(try scene.policy())
        let target = DetectedTarget(
            TargetReference(apiVersion: "example.com/v1", kind: "Widget", name: "w", namespace: "team")
        )
        let incident = Incident(PolicyWatch.Failure(target, errorType: "ComponentUnhealthy"), policy: policy)
        scene.hub.put(try incident.recovery(after: []).jsonValue(), Recovery.resource)
        scene.start()
        scene.world.run(for: .seconds(15))
        let held = try #require(try scene.recoveries().first)
        let admitted = held.status?.conditions?[type: ConditionType.admitted]
        #expect(held.status?.attempts == nil && admitted?.reason == "WarmingUp" && admitted?.status == .false)
        scene.world.run(for: .seconds(10))
        #expect(try scene.recoveries().count == 1)
        #expect(try scene.recoveries().first?.status?.attempts == 1)
    }

    @Test("a predecessor's Recovery whose target is well by now ends as SelfHealed, without an action")
    func inheritsHealth() throws {
        let scene = DetectionScene()
        scene.putWidget(ready: "True")
        let policy = try #require(try scene.policy())
        let target = DetectedTarget(
            TargetReference(apiVersion: "example.com/v1", kind: "Widget", name: "w", namespace: "team")
        )
        let incident = Incident(PolicyWatch.Failure(target, errorType: "ComponentUnhealthy"), policy: policy)
        scene.hub.put(try incident.recovery(after: []).jsonValue(), Recovery.resource)
        scene.start()
        scene.world.run(for: .seconds(15))
        let ended = try #require(try scene.recoveries().first)
        #expect(ended.state == .completed && ended.status?.attempts == nil)
        #expect(scene.hub.requests { $0.isWrite && $0.concerns(DetectionScene.widgets) }.isEmpty)
    }

    @Test(
        "no data is not a failure, nor is a list that cannot be read any more: nothing opens, nothing heals (flagger #1098)"
    )
    func noData() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget("silent", ready: nil)
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(25))
        #expect(try scene.recoveries().compactMap(\.spec.targetRef?.name) == ["w"])
        scene.hub.inject(.refuse, times: 100_000) { $0.concerns(DetectionScene.widgets) }
        scene.hub.breakWatches(of: DetectionScene.widgets)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(120))
        #expect(try scene.recoveries().first?.isFinal == false)
        let admitted = try scene.recoveries().first?.status?.conditions?[type: ConditionType.admitted]
        #expect(admitted?.reason == "WarmingUp")
        #expect(try scene.detecting()?.hasPrefix("False/") == true)
    }

    @Test("the policy's status counts the targets that its detectors match, and those that fail")
    func counts() throws {
        let scene = DetectionScene()
        scene.putWidget("a", ready: "True")
        scene.putWidget("b", ready: "False")
        scene.putWidget("elsewhere", ready: "False", namespace: "other")
        scene.start()
        scene.world.run(for: .seconds(15))
        let status = try scene.policy()?.status
        #expect(status?.matched == 2 && status?.unhealthy == 1)
        #expect(try scene.detecting() == "True/Watching: all that spec.detection names is looked at")
        let base = scene.engine.reconciler.environment.findings.base(
            of: ObjectKey(namespace: "team", name: "watch")
        )
        #expect(base == DetectionBase(matched: 2, unhealthy: 1))
        // The policy's other writer enters what is done under it.
        let counts: @Sendable (FakeRequest) -> Bool = { request in
            request.isWrite && request.concerns(RecoveryPolicy.resource)
                && String(decoding: request.body, as: UTF8.self).contains("\"matched\"")
        }
        let writes = scene.hub.requests(where: counts).count
        for round in 0..<10 {
            scene.putWidget("c\(round)", ready: "True")
            scene.world.run(for: .seconds(1))
        }
        scene.world.run(for: .seconds(15))
        #expect(try scene.policy()?.status?.matched == 12)
        #expect(scene.hub.requests(where: counts).count <= writes + 2)
    }

    @Test("a policy that stops looking says so by saying nothing, and its Recoveries are no longer detection's")
    func stops() throws {
        let scene = DetectionScene()
        scene.putWidget(ready: "True")
        scene.start()
        scene.world.run(for: .seconds(5))
        #expect(try scene.detecting() != nil)
        scene.hub.edit(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch")) {
            $0.set(true, at: ["spec", "suspend"])
        }
        scene.world.run(for: .seconds(5))
        #expect(try scene.detecting() == nil)
        #expect(try scene.policy()?.status?.matched == nil)
    }

    @Test(
        "a Recovery that is only observed ends when its policy is gone or looks elsewhere; another policy opens its own",
        arguments: [true, false]
    )
    func abandons(isDeleted: Bool) throws {
        let scene = DetectionScene()
        let key = ObjectKey(namespace: "team", name: "watch")
        scene.hub.edit(RecoveryPolicy.resource, key) { $0.set("Observe", at: ["spec", "mode"]) }
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(30))
        #expect(try scene.recoveries().map(\.status?.attempts) == [nil])
        scene.refuseWrites()
        if isDeleted {
            scene.hub.remove(RecoveryPolicy.resource, key)
        } else {
            var other = DetectionScene.readiness
            other["conditions"] = [
                ["apiVersion": "example.com/v1", "kind": "Widget", "type": "Other", "errorType": "InternalError"]
            ]
            let elsewhere = other
            scene.hub.edit(RecoveryPolicy.resource, key) { $0.set(elsewhere, at: ["spec", "detection"]) }
        }
        scene.putPolicy("other", DetectionScene.readiness)
        scene.world.run(for: .seconds(60))
        let all = try scene.recoveries().sorted { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") }
        #expect(all.count == 2)
        #expect(all.first?.state == .cancelled)
        #expect(all.first?.status?.conditions?[type: ConditionType.succeeded]?.reason == "NoLongerWatched")
        #expect(all.last?.spec.policyRef?.name == "other" && (all.last?.status?.attempts ?? 0) > 0)
    }

    @Test(
        "that a failure was over is remembered by the Recovery that gave it up, so that a new leader opens another one"
    )
    func remembersHealth() throws {
        let scene = DetectionScene()
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.start()
        let isFailed = { (try? scene.recoveries().first?.state) == .failed }
        #expect(scene.world.run(until: isFailed, limit: .seconds(1_200)) != nil)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(15))
        let recovery = try #require(try scene.recoveries().first)
        #expect(recovery.status?.occurrences?.healedTime != nil)
        // The next leader knows neither when it failed before nor when it fails now.
        var incident = Incident(.componentUnhealthy, namespace: "team", since: .distantPast)
        incident.targetRef = recovery.spec.targetRef
        #expect(!incident.isCovered(by: recovery))
        var before = recovery
        before.status?.occurrences?.healedTime = nil
        #expect(incident.isCovered(by: before))
        let writes = scene.hub.requests { $0.isWrite }.count
        scene.world.run(for: .seconds(600))
        #expect(scene.hub.requests { $0.isWrite && $0.concerns(Recovery.resource) }.count <= writes)
    }

    @Test("an Alertmanager that was told of a failure hears when detection sees its end")
    func tellsTheEnd() throws {
        let scene = DetectionScene(nil)
        let channels: JSONValue = [["channel": "Alertmanager", "url": "https://alerts.example"]]
        scene.putPolicy("watch", DetectionScene.readiness, ["notifications": channels])
        scene.refuseWrites()
        scene.putWidget(ready: "False")
        scene.start()
        let isFailed = { (try? scene.recoveries().first?.state) == .failed }
        #expect(scene.world.run(until: isFailed, limit: .seconds(1_200)) != nil)
        scene.world.run(for: .seconds(5))
        #expect(scene.told.requests.count == 1)
        scene.putWidget(ready: "True")
        scene.world.run(for: .seconds(30))
        let alerts = try scene.told.requests.compactMap { try JSONValue(parsing: $0.body ?? [])[index: 0] }
        let ends = alerts.compactMap { $0["endsAt"]?.stringValue.flatMap { RFC3339.date(from: $0) } }
        #expect(ends.count == 2 && alerts.first?["labels"] == alerts.last?["labels"])
        #expect(ends.last.map { $0 <= scene.world.time.wallTime() } == true)
        let failed = try scene.recoveries().first { $0.state == .failed }
        #expect(failed?.status?.escalation?.resolvedTime != nil)
    }

    @Test("what must not be looked at is said, and does not keep it from the rest")
    func partly() throws {
        var detection = DetectionScene.readiness
        detection["clusterHealth"] = ["enabled": true]
        detection["httpProbes"] = [["name": "p", "url": "http://127.0.0.1/", "errorType": "ComponentUnhealthy"]]
        let scene = DetectionScene(detection)
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(30))
        let said = try scene.detecting()
        #expect(said?.hasPrefix("False/PartlyWatching: spec.detection.httpProbes[0] p: the URL ") == true)
        #expect(said?.contains("spec.detection.clusterHealth: ") == true)
        #expect(try scene.recoveries().count == 1)
    }

    @Test("a policy that names nothing to look at says so")
    func nothing() throws {
        let scene = DetectionScene(["workloads": ["enabled": false]])
        scene.start()
        scene.world.run(for: .seconds(5))
        #expect(try scene.detecting() == "False/NothingToWatch: spec.detection names nothing that is looked at")
    }

    @Test("a policy with a mistake looks at nothing and names the field")
    func invalid() throws {
        let scene = DetectionScene([
            "conditions": [["apiVersion": "example.com/v1", "kind": "no kind", "type": "Ready", "errorType": "X"]]
        ])
        scene.putWidget(ready: "False")
        scene.start()
        scene.world.run(for: .seconds(100))
        #expect(try scene.recoveries().isEmpty)
        #expect(try scene.detecting()?.hasPrefix("False/InvalidSpec: spec.detection.conditions[0].kind") == true)
    }
}
