import ControllerRuntime
import FoundationEssentials
import HTTPServer
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// A whole engine with a policy that detects, and widgets that may be ready or not.
struct DetectionScene {
    static let widgets = APIResource(
        group: "example.com",
        version: "v1",
        plural: "widgets",
        kind: "Widget",
        isNamespaced: true
    )

    /// Failing for 20 s is a failure, well for 10 s is the end of it.
    static let readiness: JSONValue = [
        "conditions": [
            [
                "apiVersion": "example.com/v1", "kind": "Widget", "type": "Ready", "forSeconds": 20,
                "healthyForSeconds": 10, "errorType": "ComponentUnhealthy", "severity": "High",
            ]
        ]
    ]

    let world = VirtualWorld()
    let hub: FakeAPIServer
    let engine: RecoveryEngine
    /// Whom HTTP probes ask.
    let probed: ProbedServices
    /// Takes what people are told.
    let told = ScriptedTransport { _ in .json([:]) }

    init(_ detection: JSONValue? = readiness) {
        hub = FakeAPIServer(
            timeSource: world.time,
            resources: [Recovery.resource, RecoveryPolicy.resource, MemberCluster.resource, Self.widgets]
        )
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time)
        var dependencies = RecoveryEngine.Dependencies(
            client: client,
            members: { cluster, _ in throw StrategyFailure.permanent("no cluster \(cluster)") },
            registry: StrategyRegistry([GenericStrategy()]),
            configuration: EngineConfiguration(),
            namespace: nil,
            controllerNamespace: "tmc-recovery-system",
            identity: { ControllerIdentity(holder: "controller") },
            mayLead: { true },
            recorder: EventRecorder(client: client, component: "test", instance: "me", context: context),
            timeSource: world.time,
            logger: .disabled,
            metrics: MetricsRegistry()
        )
        dependencies.alertToken = { "secret" }
        probed = ProbedServices(world.time)
        dependencies.outgoing = probed.transport
        dependencies.notices = told
        engine = RecoveryEngine(dependencies)
        if let detection { putPolicy("watch", detection) }
    }

    /// Sends alerts as Prometheus or an Alertmanager does.
    func post(_ alerts: JSONValue) {
        let request = HTTPServerRequest(
            method: "POST",
            path: "/api/v2/alerts",
            headers: [HTTPServerHeader(name: "Authorization", value: "Bearer secret")],
            body: alerts.serialized()
        )
        let receiver = engine.alerts
        let run = world.start { await receiver?.answer(request).status }
        #expect(run.isFinished)
    }

    func start() { FleetScene.start(engine, in: world) }

    func putPolicy(
        _ name: String,
        _ detection: JSONValue?,
        suspend: Bool = false,
        namespace: String = "team",
        _ more: JSONValue = [:],
        status: JSONValue = [:]
    ) {
        var spec: JSONValue = [
            "mode": "Auto", "suspend": .bool(suspend),
            "strategies": [["name": "Generic", "maxAttempts": 3, "backoff": ["initialSeconds": 30]]],
        ]
        spec["detection"] = detection
        for (field, value) in more.objectValue ?? [:] { spec[field] = value }
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                "metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec,
                "status": status,
            ],
            RecoveryPolicy.resource
        )
    }

    /// A Recovery as people create it.
    func putRecovery(_ name: String) {
        hub.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery",
                "metadata": ["name": .string(name), "namespace": "team"],
                "spec": ["error": ["type": "InternalError", "retryable": true]],
            ],
            Recovery.resource
        )
    }

    func putWidget(_ name: String = "w", ready: String?, namespace: String = "team") {
        var status: JSONValue = [:]
        if let ready {
            status["conditions"] = [
                [
                    "type": "Ready", "status": .string(ready), "reason": "Told", "message": "by the test",
                    "lastTransitionTime": .string(RFC3339.string(from: world.time.wallTime()) ?? ""),
                ]
            ]
        }
        hub.put(
            [
                "apiVersion": "example.com/v1", "kind": "Widget",
                "metadata": ["name": .string(name), "namespace": .string(namespace)], "status": status,
            ],
            Self.widgets
        )
    }

    /// Everything that a strategy writes to widgets is refused, so that no attempt succeeds.
    func refuseWrites() {
        hub.inject(.status(500, "InternalError"), times: 100_000) { $0.isWrite && $0.concerns(Self.widgets) }
    }

    func recoveries() throws -> [Recovery] {
        try hub.objects(Recovery.resource).map { try Recovery(json: $0.content) }
    }

    func policy(_ name: String = "watch", namespace: String = "team") throws -> RecoveryPolicy? {
        try hub.object(RecoveryPolicy.resource, ObjectKey(namespace: namespace, name: name)).map {
            try RecoveryPolicy(json: $0.content)
        }
    }

    /// The condition `Detecting` as `Status/Reason: message`.
    func detecting(_ name: String = "watch", namespace: String = "team") throws -> String? {
        let condition = try policy(name, namespace: namespace)?.status?.conditions?[type: ConditionType.detecting]
        return condition.map { "\($0.status.rawValue)/\($0.reason): \($0.message)" }
    }

    func reads(_ resource: APIResource) -> Int {
        hub.requests { !$0.isWrite && $0.concerns(resource) }.count
    }
}
