import FoundationEssentials
import HTTPServer
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// The receiver of alerts: who may send, what is taken, and what it leads to under a whole engine.
@Suite("AlertReceiver")
struct AlertReceiverTests {
    private static let alert: JSONValue = [
        ["labels": ["alertname": "WebDown"], "annotations": ["summary": "down"], "startsAt": "2026-01-01T00:00:00Z"]
    ]

    private static func post(
        _ body: JSONValue,
        path: String = "/api/v2/alerts",
        authorization: [String] = ["Bearer secret"],
        method: String = "POST"
    ) -> HTTPServerRequest {
        HTTPServerRequest(
            method: method,
            path: path,
            headers: authorization.map { HTTPServerHeader(name: "authorization", value: $0) },
            body: body.serialized()
        )
    }

    private static func receiver(token: String? = "secret", mayLead: Bool = true) -> AlertReceiver {
        AlertReceiver(
            AlertReceiver.Environment(
                token: { token },
                mayLead: { mayLead },
                timeSource: ManualTimeSource(),
                logger: .disabled
            )
        )
    }

    @Test(
        "only who shows the token may send",
        arguments: [[], ["Bearer"], ["Bearer "], ["Bearer secre"], ["Bearer secrets"], ["Basic secret"], ["secret"]]
            + [["Bearer secret", "Bearer secret"]]
    )
    func refuses(authorization: [String]) async {
        let answer = await Self.receiver().answer(Self.post(Self.alert, authorization: authorization))
        #expect(answer.status == 401)
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("secret"))
    }

    @Test("without a token nobody may, not even with an empty one")
    func noToken() async {
        for token in [nil, ""] {
            let answer = await Self.receiver(token: token).answer(Self.post(Self.alert, authorization: ["Bearer "]))
            #expect(answer.status == 401)
        }
    }

    @Test("other paths, methods and bodies are refused; the leader alone takes alerts")
    func answers() async {
        let receiver = Self.receiver()
        #expect(await receiver.answer(Self.post(Self.alert)).status == 200)
        #expect(await receiver.answer(Self.post(["alerts": Self.alert], path: "/webhook")).status == 200)
        #expect(await receiver.answer(Self.post(Self.alert, path: "/")).status == 404)
        #expect(await receiver.answer(Self.post(Self.alert, method: "GET")).status == 405)
        #expect(await receiver.answer(Self.post(["x": 1])).status == 400)
        var broken = Self.post(Self.alert)
        broken.body = Array("[{".utf8)
        #expect(await receiver.answer(broken).status == 400)
        let standby = await Self.receiver(mayLead: false).answer(Self.post(Self.alert))
        #expect(standby.status == 503 && standby.headers.contains { $0.name == "Retry-After" })
    }

    @Test("a firing alert opens a Recovery of the policy's target at once; a resolved one closes it")
    func opensAndCloses() throws {
        let scene = DetectionScene([
            "alerts": [
                [
                    "matchLabels": ["alertname": "WebDown"], "errorType": "ComponentUnhealthy", "severity": "Critical",
                    "targetRef": ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w"],
                ]
            ]
        ])
        scene.putWidget(ready: "True")
        scene.refuseWrites()
        scene.start()
        scene.world.run(for: .seconds(5))
        #expect(try scene.recoveries().isEmpty)
        scene.post(Self.alert)
        scene.world.run(for: .seconds(1))
        let opened = try #require(try scene.recoveries().first)
        #expect(opened.spec.targetRef?.name == "w" && opened.spec.error.message == "WebDown: down")
        scene.world.run(for: .seconds(10))
        scene.post(["alerts": [["status": "resolved", "labels": ["alertname": "WebDown"]]]])
        scene.world.run(for: .seconds(1))
        #expect(try scene.recoveries().map(\.state) == [.completed])
    }

    @Test(
        "an alert that is no longer heard of ends what waits for it, not as healed, and counts no longer as unhealthy",
        arguments: [true, false],
        ["Observe", "Approve"]
    )
    func fallsSilent(hasTarget: Bool, mode: String) throws {
        var detector: JSONValue = ["matchLabels": ["alertname": "WebDown"], "errorType": "ComponentUnhealthy"]
        if hasTarget { detector["targetRef"] = ["apiVersion": "example.com/v1", "kind": "Widget", "name": "w"] }
        let scene = DetectionScene(nil)
        scene.putPolicy("watch", ["alerts": [detector]], ["mode": .string(mode)])
        scene.putWidget(ready: "True")
        scene.start()
        scene.world.run(for: .seconds(5))
        scene.post(Self.alert)
        scene.world.run(for: .seconds(AlertBoard.patience - 60))
        #expect(try scene.recoveries().map(\.state) == [.pending])
        #expect(try scene.policy()?.status?.unhealthy == 1)
        scene.world.run(for: .seconds(300))
        let ended = try #require(try scene.recoveries().first)
        #expect(ended.state == .cancelled)
        #expect(ended.status?.conditions?[type: ConditionType.succeeded]?.reason == ConditionReason.noLongerWatched)
        #expect(try scene.policy()?.status?.unhealthy == 0)
        scene.post(Self.alert)
        scene.world.run(for: .seconds(5))
        #expect(try scene.recoveries().count == 2)
    }

    @Test("an alert without a target is an incident of its own, and is closed as well")
    func withoutTarget() throws {
        let scene = DetectionScene([
            "alerts": [["matchLabels": ["alertname": "WebDown"], "errorType": "ComponentUnhealthy"]]
        ])
        scene.hub.edit(RecoveryPolicy.resource, ObjectKey(namespace: "team", name: "watch")) {
            $0.set([["name": "Generic", "maxAttempts": 1]], at: ["spec", "strategies"])
        }
        scene.start()
        scene.world.run(for: .seconds(1))
        scene.post(Self.alert)
        scene.world.run(for: .seconds(1))
        let opened = try #require(try scene.recoveries().first)
        #expect(opened.metadata.name?.hasPrefix("alert-webdown-") == true && opened.spec.targetRef == nil)
        #expect(try scene.recoveries().count == 1)
    }
}
