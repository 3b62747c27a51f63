import JSON
import KubernetesCore
import Telemetry
import TestSupport
import Testing
import Timekeeping

@testable import ControllerRuntime

@Suite("EventRecorder", .timeLimit(.minutes(1)))
struct EventRecorderTests {
    private let world = VirtualWorld()
    private let metrics = MetricsRegistry()
    private let pod = ObjectReference(apiVersion: "v1", kind: "Pod", namespace: "apps", name: "web", uid: "u1")

    private func recorder(
        _ sink: ScriptedSink,
        _ change: (inout EventRecorder.Configuration) -> Void = { _ in }
    )
        -> EventRecorder
    {
        var configuration = EventRecorder.Configuration()
        change(&configuration)
        return EventRecorder(
            sink: sink,
            component: "controller",
            instance: "host-1",
            configuration: configuration,
            context: RuntimeContext(timeSource: world.time, metrics: metrics),
            random: { 0.5 }
        )
    }

    private func dropped(_ reason: String) -> Double {
        metrics.counter("event_recorder_dropped_total", help: "", labels: ["reason"]).value(reason)
    }

    @Test func `the first is a whole core v1 Event, the next a patch of its count`() throws {
        let sink = ScriptedSink()
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.warning, reason: "Failed", message: "it broke", about: pod)
        world.run(for: .seconds(5))
        recorder.record(.warning, reason: "Failed", message: "it broke", about: pod)
        world.settle()
        let expected = try JSONValue(
            parsing: Array(
                #"""
                {"apiVersion":"v1","kind":"Event","metadata":{"name":"web.18867251edfa0000","namespace":"apps"},
                 "involvedObject":{"apiVersion":"v1","kind":"Pod","namespace":"apps","name":"web","uid":"u1"},
                 "reason":"Failed","message":"it broke","type":"Warning",
                 "source":{"component":"controller","host":"host-1"},
                 "firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","count":1,
                 "reportingComponent":"controller","reportingInstance":"host-1"}
                """#.utf8
            )
        )
        #expect(sink.verbs == ["POST", "PATCH"])
        #expect(sink.writes[0].body == expected)
        #expect(sink.writes[1].key == ObjectKey(namespace: "apps", name: "web.18867251edfa0000"))
        #expect(sink.writes[1].body == ["count": 2, "lastTimestamp": "2026-01-01T00:00:05Z", "message": "it broke"])
    }

    @Test func `events of cluster-scoped objects go to default`() {
        let sink = ScriptedSink()
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.normal, reason: "R", message: "m", about: ObjectReference(kind: "Node", name: "n1"))
        world.settle()
        #expect(sink.writes[0].key.namespace == "default")
        #expect(sink.writes[0].body["involvedObject"] == ["kind": "Node", "name": "n1"])
    }

    @Test func `an event that the server has forgotten is made again with its count`() {
        let sink = ScriptedSink()
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.normal, reason: "R", message: "m", about: pod)
        world.settle()
        sink.forget()
        recorder.record(.normal, reason: "R", message: "m", about: pod)
        world.settle()
        #expect(sink.verbs == ["POST", "POST"])
        #expect(sink.writes[1].body["count"] == 2)
        #expect(sink.writes[1].body["firstTimestamp"] == "2026-01-01T00:00:00Z")
    }

    @Test func `an unreachable server is tried twelve times, first after a part of the period`() {
        let sink = ScriptedSink()
        sink.failAlways(EventSinkError.unreachable(ScriptedSink.Down()))
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.normal, reason: "R", message: "m", about: pod)
        world.run(for: .milliseconds(4999))
        #expect(sink.attempts == 1)
        world.run(for: .milliseconds(1))
        #expect(sink.attempts == 2)
        world.run(for: .milliseconds(9999))
        #expect(sink.attempts == 2)
        world.run(for: .seconds(1000))
        #expect(sink.attempts == 12)
        #expect(dropped("failed") == 1)
    }

    @Test func `an event is written when the server comes back`() {
        let sink = ScriptedSink()
        sink.fail(EventSinkError.unreachable(ScriptedSink.Down()), EventSinkError.unreachable(ScriptedSink.Down()))
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.normal, reason: "R", message: "m", about: pod)
        world.run(for: .seconds(15))
        #expect(sink.messages == ["m"])
    }

    @Test func `what the server refuses is not tried again, what is pointless not even counted as failed`() {
        let sink = ScriptedSink()
        sink.fail(EventSinkError.refused(ScriptedSink.Down()), EventSinkError.pointless)
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        recorder.record(.normal, reason: "R", message: "1", about: pod)
        recorder.record(.normal, reason: "R", message: "2", about: pod)
        recorder.record(.normal, reason: "R", message: "3", about: pod)
        world.run(for: .seconds(100))
        #expect(sink.attempts == 3)
        #expect(sink.messages == ["3"])
        #expect(dropped("failed") == 1)
    }

    @Test func `events of one object keep their order while others overtake them`() {
        let sink = ScriptedSink(time: world.time, latency: .milliseconds(1))
        let recorder = recorder(sink)
        world.start { try await recorder.run() }
        for index in 0..<20 {
            for name in ["a", "b", "c", "d", "e", "f"] {
                let object = ObjectReference(kind: "Pod", namespace: "apps", name: name)
                recorder.record(.normal, reason: "R\(index)", message: name, about: object)
            }
        }
        world.run(for: .seconds(1))
        for name in ["a", "b", "c", "d", "e", "f"] {
            let reasons = sink.writes.filter { $0.body["message"] == .string(name) }.map { $0.body["reason"] }
            #expect(reasons == (0..<20).map { .string("R\($0)") })
        }
    }

    @Test func `thousands of objects are written by eight writers at once`() throws {
        let sink = ScriptedSink(time: world.time, latency: .milliseconds(2))
        let recorder = recorder(sink) { $0.queueLimit = 10_000 }
        world.start { try await recorder.run() }
        for index in 0..<2000 {
            let object = ObjectReference(kind: "Recovery", namespace: "apps", name: "r\(index)")
            recorder.record(.normal, reason: "RecoveryStarted", message: "m", about: object)
            recorder.record(.normal, reason: "RecoveryCompleted", message: "m", about: object)
        }
        let elapsed = try #require(world.run { sink.writes.count == 4000 })
        // One writer would need 8 s; the lanes are filled evenly to a tenth or so.
        #expect(elapsed < .milliseconds(1250))
    }

    @Test func `a full queue drops and counts, and recording never waits`() {
        let sink = ScriptedSink()
        let recorder = recorder(sink)
        for index in 0..<1200 {
            let object = ObjectReference(kind: "Pod", name: "p\(index)")
            recorder.record(.normal, reason: "R", message: "m", about: object)
        }
        #expect(dropped("queue_full") == 200)
        world.start { try await recorder.run() }
        world.settle()
        #expect(sink.writes.count == 1000)
    }

    @Test func `spam is held back and counted (bug 19)`() {
        let sink = ScriptedSink()
        let recorder = recorder(sink) { $0.queueLimit = 100_000 }
        world.start { try await recorder.run() }
        for index in 0..<10_000 {
            recorder.record(.normal, reason: "R", message: "same", about: pod)
            recorder.record(.normal, reason: "R", message: "message \(index)", about: pod)
        }
        world.settle()
        #expect(sink.writes.count == 25)
        #expect(dropped("spam") == 19_975)
        world.run(for: .seconds(300))
        recorder.record(.normal, reason: "R", message: "same", about: pod)
        world.settle()
        #expect(sink.writes.count == 26)
    }

    @Test func `stopping writes out the queue, then ends`() {
        let sink = ScriptedSink(time: world.time, latency: .milliseconds(10))
        let recorder = recorder(sink)
        let run = world.start { try await recorder.run() }
        for index in 0..<20 { recorder.record(.normal, reason: "R\(index)", message: "m", about: pod) }
        recorder.stop()
        recorder.record(.normal, reason: "Late", message: "m", about: pod)
        world.run(for: .milliseconds(199))
        #expect(!run.isFinished)
        world.run(for: .milliseconds(1))
        #expect(run.isFinished && run.error == nil)
        #expect(sink.writes.count == 20)
        #expect(dropped("stopped") == 1)
    }

    @Test func `stopping does not wait longer than its bound for a dead server`() {
        let sink = ScriptedSink()
        sink.failAlways(EventSinkError.unreachable(ScriptedSink.Down()))
        let recorder = recorder(sink)
        let run = world.start { try await recorder.run() }
        for index in 0..<3 { recorder.record(.normal, reason: "R\(index)", message: "m", about: pod) }
        recorder.stop()
        // The retry of the first write is due at 5 s as well; the bound ends the run.
        world.run(for: .milliseconds(4999))
        #expect(!run.isFinished)
        world.run(for: .milliseconds(1))
        #expect(run.isFinished)
        #expect(sink.writes.isEmpty)
        #expect(dropped("stopped") == 3)
    }

    @Test func `events recorded before the run are written, before a stop without a run they are lost`() {
        let sink = ScriptedSink()
        let recorder = recorder(sink)
        recorder.record(.normal, reason: "R", message: "early", about: pod)
        world.start { try await recorder.run() }
        #expect(sink.messages == ["early"])
    }

    @Test func `cancelling drops what is queued and counts it`() {
        let sink = ScriptedSink(time: world.time, latency: .seconds(1))
        let recorder = recorder(sink)
        let run = world.start { try await recorder.run() }
        for index in 0..<5 { recorder.record(.normal, reason: "R\(index)", message: "m", about: pod) }
        world.settle()
        run.cancel()
        world.settle()
        #expect(run.error is CancellationError)
        recorder.record(.normal, reason: "Late", message: "m", about: pod)
        #expect(sink.writes.isEmpty)
        #expect(dropped("stopped") == 6)
    }

    @Test func `a thousand starts and stops under concurrent events lose nothing without a count (bug 18)`() async {
        let sink = ScriptedSink()
        let pod = pod
        for round in 0..<1000 {
            let recorder = EventRecorder(
                sink: sink,
                component: "c",
                context: RuntimeContext(timeSource: world.time, metrics: metrics)
            )
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do { try await recorder.run() } catch { Issue.record(error) }
                }
                for sender in 0..<3 {
                    group.addTask {
                        let object = ObjectReference(kind: "Pod", name: "p\(round)-\(sender)")
                        for index in 0..<4 {
                            recorder.record(.normal, reason: "R\(index)", message: "m", about: object)
                        }
                    }
                }
                group.addTask {
                    recorder.record(.normal, reason: "R", message: "m", about: pod)
                    recorder.stop()
                }
            }
        }
        #expect(Double(sink.writes.count) + dropped("stopped") == 13_000)
    }
}
