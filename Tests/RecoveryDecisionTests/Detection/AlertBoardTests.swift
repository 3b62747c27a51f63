import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import Testing

@testable import RecoveryDecision

/// Alerts as Prometheus and Alertmanager post them: firing opens, resolved closes.
@Suite("AlertBoard")
struct AlertBoardTests {
    private static let rule = DetectionRule(
        name: "a",
        errorType: "ComponentUnhealthy",
        severity: .high,
        forSeconds: 0,
        healthyForSeconds: 0
    )
    private static let web = TargetReference(apiVersion: "apps/v1", kind: "Deployment", name: "web")

    /// As Alertmanager 0.27 posts it.
    private static func webhook(_ status: String, _ labels: JSONValue = ["alertname": "WebDown"]) -> JSONValue {
        [
            "version": "4", "status": .string(status), "receiver": "recovery",
            "alerts": [
                [
                    "status": .string(status), "labels": labels, "annotations": ["summary": "web is down"],
                    "startsAt": "2027-01-15T08:00:00.123Z", "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "ab",
                ]
            ],
        ]
    }

    private struct Scene {
        var board = AlertBoard()
        var detector = AlertDetector(matchLabels: ["alertname": "WebDown"], errorType: "ComponentUnhealthy")

        mutating func receive(_ document: JSONValue, at seconds: Double = 0) throws {
            #expect(board.receive(try ReceivedAlert.all(in: document), now: at(seconds)) == 0)
        }

        func look(at seconds: Double = 0, namespace: String = "team", isOwn: Bool = false) -> [String: String] {
            let policy = (namespace: namespace, name: "p")
            let seen = board.look(AlertBoardTests.rule, detector, policy: policy, isOwn: isOwn, now: at(seconds))
            var found: [String: String] = [:]
            for sighting in seen.sightings {
                let name = "\(sighting.target.reference.kind)/\(sighting.target.reference.name)"
                if case .failing(let failure) = sighting.verdict {
                    found[name] = "\(failure.reason): \(failure.message)"
                } else {
                    found[name] = "\(sighting.verdict)"
                }
            }
            return found
        }
    }

    @Test("firing is a failure of the target, resolved is health, nothing heard is neither (robusta #345)")
    func fires() throws {
        var scene = Scene()
        scene.detector.targetRef = Self.web
        #expect(scene.look() == ["Deployment/web": "unknown"])
        try scene.receive(Self.webhook("firing"))
        #expect(scene.look(at: 10_000) == ["Deployment/web": "WebDown: web is down"])
        try scene.receive(Self.webhook("resolved"), at: 10)
        #expect(scene.look(at: 11) == ["Deployment/web": "healthy"])
        try scene.receive(Self.webhook("firing"), at: 20)
        #expect(scene.look(at: 21) == ["Deployment/web": "WebDown: web is down"])
    }

    @Test("an alert that Prometheus does not send again ends at its end")
    func expires() throws {
        var scene = Scene()
        scene.detector.targetRef = Self.web
        let end = JSONValue.string(RFC3339.string(from: at(240)) ?? "")
        try scene.receive([["labels": ["alertname": "WebDown"], "endsAt": end]])
        let policy = (namespace: "team", name: "p")
        let seen = scene.board.look(Self.rule, scene.detector, policy: policy, isOwn: false, now: at(0))
        #expect(seen.nextChange == at(240))
        #expect(scene.look(at: 239).values.first?.hasPrefix("WebDown") == true)
        #expect(scene.look(at: 240) == ["Deployment/web": "healthy"])
    }

    @Test("an alert without an end that does not come again is unknown in the end, and gives its place to others")
    func fallsSilent() throws {
        var scene = Scene()
        scene.detector.targetRef = Self.web
        try scene.receive(Self.webhook("firing"))
        try scene.receive(Self.webhook("firing"), at: 14_400)
        let lapse = 14_400 + AlertBoard.patience
        let policy = (namespace: "team", name: "p")
        let seen = scene.board.look(Self.rule, scene.detector, policy: policy, isOwn: false, now: at(14_400))
        #expect(seen.nextChange == at(lapse))
        #expect(scene.look(at: lapse - 1) == ["Deployment/web": "WebDown: web is down"])
        #expect(scene.look(at: lapse) == ["Deployment/web": "unknown"])
        try scene.receive(Self.webhook("firing"), at: lapse + 1)
        #expect(scene.look(at: lapse + 1) == ["Deployment/web": "WebDown: web is down"])

        var churn = Scene()
        let flood: (Int) -> JSONValue = { start in
            .array((start..<start + 10_000).map { ["labels": ["alertname": "WebDown", "n": .string("\($0)")]] })
        }
        try churn.receive(flood(0))
        try churn.receive(flood(10_000))
        try churn.receive(flood(20_000), at: AlertBoard.patience)
        #expect(churn.look(at: AlertBoard.patience).count == 10_000)
    }

    @Test("without a target each set of labels is an incident of its own")
    func subjects() throws {
        var scene = Scene()
        try scene.receive(Self.webhook("firing", ["alertname": "WebDown", "instance": "a"]))
        try scene.receive(Self.webhook("firing", ["alertname": "WebDown", "instance": "b"]))
        try scene.receive(Self.webhook("firing", ["alertname": "Other"]))
        #expect(scene.look().count == 2)
        #expect(scene.look().keys.allSatisfy { $0.hasPrefix("Alert/WebDown-") })
    }

    @Test("an alert about a namespace is no business of others, but of the controller's own")
    func namespaces() throws {
        var scene = Scene()
        try scene.receive(Self.webhook("firing", ["alertname": "WebDown", "namespace": "other"]))
        #expect(scene.look().isEmpty)
        #expect(scene.look(namespace: "other").count == 1)
        #expect(scene.look(namespace: "system", isOwn: true).count == 1)
        scene.detector.matchLabels = [:]
        #expect(scene.look(namespace: "other").isEmpty, "no labels match nothing, not everything")
    }

    @Test(
        "what is no list of alerts is refused as a whole",
        arguments: [
            .null, 1, [:], ["alerts": 1], [1], [["labels": [:]]], [["labels": ["a": 1]]], [["labels": "x"]],
            [["labels": ["a": "b"]], [:]],
        ] as [JSONValue]
    )
    func malformed(document: JSONValue) {
        #expect(throws: ReceivedAlert.Malformed.self) { try ReceivedAlert.all(in: document) }
    }

    @Test("a flood is cut off, what is over goes after an hour, and what fires stays")
    func bounds() throws {
        var scene = Scene()
        let flood: (Int) -> JSONValue = { start in
            .array((start..<start + 10_000).map { ["labels": ["alertname": "WebDown", "n": .string("\($0)")]] })
        }
        try scene.receive(flood(0))
        try scene.receive(flood(10_000))
        let more = try ReceivedAlert.all(in: flood(20_000))
        #expect(scene.board.receive(more, now: at(0)) == 10_000)
        #expect(throws: ReceivedAlert.Malformed.self) {
            try ReceivedAlert.all(in: .array(Array(repeating: ["labels": ["a": "b"]], count: 10_001)))
        }
        let large = String(repeating: "x", count: 100_000)
        let bytes: JSONValue = .array((0..<200).map { ["labels": ["a": .string("\($0)"), "b": .string(large)]] })
        var wide = Scene()
        // What is known may go on firing; what is new has no room any more.
        #expect(wide.board.receive(try ReceivedAlert.all(in: bytes), now: at(0)) == 33)
        #expect(wide.board.receive(try ReceivedAlert.all(in: bytes), now: at(1)) == 33)
        var brief = Scene()
        try brief.receive(Self.webhook("resolved"))
        try brief.receive(Self.webhook("firing", ["alertname": "WebDown", "n": "1"]))
        #expect(brief.look().count == 2)
        try brief.receive([], at: 3_601)
        #expect(brief.look(at: 3_601).count == 1)
    }
}
