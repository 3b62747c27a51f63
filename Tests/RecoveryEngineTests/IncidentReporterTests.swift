import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import RecoveryEngine

/// Recoveries that look like an incident's, made by others.
@Suite("Incidents and Recoveries that only look like theirs")
struct IncidentReporterTests {
    private let world = VirtualWorld()
    private let hub: FakeAPIServer
    private let reporter: IncidentReporter
    private let incident: Incident

    init() {
        hub = FakeAPIServer(timeSource: world.time, resources: [Recovery.resource])
        let client = hub.client(identity: "controller")
        let context = RuntimeContext(timeSource: world.time, logger: .disabled)
        let recorder = EventRecorder(client: client, component: "test", context: context, random: { 0.5 })
        let recoveries = Informer<Recovery>(
            client: client,
            indexes: RecoveryReconciler.recoveryIndexes,
            context: context
        )
        reporter = IncidentReporter(
            client: client,
            recoveries: recoveries.store,
            watchedNamespace: nil,
            recorder: recorder,
            logger: .disabled
        )
        var incident = Incident(.syncFailure, namespace: "team", since: world.time.wallTime())
        incident.targetRef = TargetReference(apiVersion: RecoveryAPI.apiVersion, kind: "Placement", name: "web")
        incident.reason = "ApplyRefused"
        self.incident = incident
        world.start { try await recoveries.run() }
        world.start { try await recorder.run() }
        world.run(for: .seconds(1))
    }

    private func report() throws -> ObjectKey? {
        let run = world.start { [reporter, incident] in try await reporter.report(incident) }
        world.run(for: .seconds(1))
        return try #require(run.result).get()
    }

    private func put(_ number: Int = 1, _ change: (inout Recovery) -> Void = { _ in }) throws -> String {
        var recovery = incident.recovery(after: [])
        let name = "\(recovery.metadata.name?.dropLast() ?? "")\(number)"
        recovery.metadata.name = name
        change(&recovery)
        hub.put(try JSONValue(encoding: recovery), Recovery.resource)
        world.run(for: .seconds(1))
        return name
    }

    private func events(about name: String) -> [String] {
        hub.objects(.events).filter { $0["involvedObject", "name"]?.stringValue == name }.map {
            "\($0["type"]?.stringValue ?? "") \($0["reason"]?.stringValue ?? "")"
        }
    }

    @Test(
        "one with the name of the incident's keeps none from being opened, and gets an event",
        arguments: [true, false]
    )
    func nameTaken(isLabelled: Bool) throws {
        let name = try put {
            $0.spec.error.type = "Other"
            if !isLabelled { $0.metadata.labels = nil }
        }
        // The label makes it known beforehand, and its number with it.
        let key = try #require(try report())
        #expect(key.name != name && key.name.hasSuffix("-2"))
        let opened = try #require(hub.object(Recovery.resource, key))
        #expect(try incident.isSubject(of: Recovery(json: opened.content)))
        #expect(events(about: name) == (isLabelled ? [] : ["Warning IncidentNameTaken"]))
        #expect(try report() == key)
        #expect(hub.objects(Recovery.resource).count == 2)
    }

    @Test("one with its label, and about another target, covers nothing")
    func labelled() throws {
        _ = try put(7) { $0.spec.targetRef?.name = "api" }
        #expect(try report()?.name.hasSuffix("-8") == true)
    }

    @Test("one that says what it would say is the incident's, whoever has made it")
    func joined() throws {
        let name = try put()
        #expect(try report()?.name == name)
        #expect(hub.objects(Recovery.resource).count == 1)
    }

    @Test("names are tried in bounded number; then it is reported again")
    func bounded() throws {
        for number in 1...5 { _ = try put(number) { $0.metadata.labels = nil } }
        #expect(throws: ClientError.self) { try report() }
        hub.remove(Recovery.resource, ObjectKey(namespace: "team", name: try put(3) { $0.metadata.labels = nil }))
        #expect(try report()?.name.hasSuffix("-3") == true)
    }
}
