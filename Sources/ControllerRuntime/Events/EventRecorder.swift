public import KubernetesCore
import Synchronization
import Telemetry
import Timekeeping

/// Writes Kubernetes events about objects: what `kubectl describe` and `kubectl get events` show.
///
/// ```swift
/// let recorder = EventRecorder(client: client, component: "recovery-controller", context: context)
/// recorder.record(.warning, reason: "RecoveryFailed", message: "...", about: recovery.reference)
/// ```
///
/// Recording never waits and never fails: events are hints for people, written in the background as far as the
/// queue, the spam filter and the server allow. What is dropped is counted. Events of one object keep their order.
///
/// It is the last thing to stop: ``stop()`` refuses new events and lets ``run()`` write what is queued, within
/// ``Configuration/drainTimeout``. Cancelling the task that runs it drops what is queued.
public final class EventRecorder: Sendable {
    /// The recorder's numbers; the defaults are client-go's, with eight writers.
    public struct Configuration: Sendable, Hashable {
        /// How many events may wait.
        public var queueLimit = 1000
        /// How many writes go on at a time.
        public var writers = 8
        /// How many writes one object and type may have at once.
        public var burst = 25
        /// The time until an object and type may have one more.
        public var refill = Duration.seconds(300)
        /// How long the queue is written out after ``EventRecorder/stop()``.
        public var drainTimeout = Duration.seconds(5)
        /// How often a write is tried while the server does not answer.
        public var attempts = 12
        /// The time between two tries; the first wait is a random part of it.
        public var retryPeriod = Duration.seconds(10)

        /// Makes the default configuration.
        public init() {}
    }

    private let configuration: Configuration
    private let sink: any EventSink
    private let component: String
    private let host: String
    private let timeSource: any TimeSource
    private let logger: Logger
    private let random: @Sendable () -> Double
    private let queue: EventQueue
    private let correlator: Mutex<EventCorrelator>
    private let stopped = Latch()
    private let counts: Counts

    init(
        sink: any EventSink,
        component: String,
        instance: String = "",
        configuration: Configuration = Configuration(),
        context: RuntimeContext,
        random: @escaping @Sendable () -> Double = { 0 }
    ) {
        self.sink = sink
        self.component = component
        host = instance
        self.configuration = configuration
        timeSource = context.timeSource
        logger = context.logger
        self.random = random
        queue = EventQueue(lanes: configuration.writers, limit: configuration.queueLimit)
        var limits = EventCorrelator.Limits()
        limits.burst = configuration.burst
        limits.refill = configuration.refill
        correlator = Mutex(EventCorrelator(limits: limits))
        counts = Counts(context.metrics)
    }

    /// Notes that something happened to an object; returns at once, at any time, from anywhere.
    ///
    /// - Parameters:
    ///   - type: Normal or Warning.
    ///   - reason: A word in CamelCase for machines.
    ///   - message: A sentence for people; longer than 1024 bytes is cut.
    ///   - object: The object; its namespace gets the event, `default` when it has none.
    public func record(_ type: EventType, reason: String, message: String, about object: ObjectReference) {
        let event = RecordedEvent(type, reason: reason, message: message, about: object, time: timeSource.wallTime())
        switch queue.add(event) {
        case .accepted: break
        case .full: counts.full.increment()
        case .closed: counts.stopped.increment()
        }
    }

    /// Writes events until ``stop()``, then what is queued; at most once.
    ///
    /// - Throws: `CancellationError`.
    public func run() async throws {
        defer {
            queue.close()
            counts.stopped.increment(by: Double(queue.count))
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            for lane in queue.lanes {
                group.addTask { [self] in
                    while let event = try await queue.next(in: lane) {
                        do {
                            try await write(event)
                        } catch {
                            // Only a cancellation ends a write without an outcome.
                            counts.stopped.increment()
                            throw error
                        }
                    }
                    return false
                }
            }
            group.addTask { [self] in
                try await stopped.wait()
                try await timeSource.sleep(for: configuration.drainTimeout)
                return true
            }
            var writers = queue.lanes.count
            while writers > 0, let isOutOfTime = try await group.next(), !isOutOfTime { writers -= 1 }
        }
    }

    /// Refuses new events and makes ``run()`` end once the queue is empty or the time for that is over.
    public func stop() {
        queue.close()
        stopped.open()
    }

    /// Writes one event unless it is spam; tries again only while the server does not answer.
    ///
    /// - Throws: `CancellationError`.
    private func write(_ event: RecordedEvent) async throws {
        guard let write = correlator.withLock({ $0.correlate(event, now: timeSource.now()) }) else {
            counts.spam.increment()
            return
        }
        for attempt in 1...max(1, configuration.attempts) {
            do {
                return try await send(write)
            } catch {
                try Task.checkCancellation()
                switch error as? EventSinkError {
                case .pointless:
                    return
                case .unreachable where attempt < configuration.attempts:
                    let part = attempt == 1 ? random() : 1
                    try await timeSource.sleep(for: configuration.retryPeriod * ((0...1).contains(part) ? part : 1))
                default:
                    return drop(write, error)
                }
            }
        }
    }

    private func send(_ write: EventWrite) async throws {
        let key = ObjectKey(namespace: write.event.namespace, name: write.name)
        if write.isRepetition {
            do {
                try await sink.patch(write.patch, key)
                counts.patched.increment()
                return
            } catch EventSinkError.missing {
                // The server forgets events after an hour; the count goes on.
            }
        }
        try await sink.create(write.object(component: component, host: host), key)
        counts.created.increment()
    }

    private func drop(_ write: EventWrite, _ error: any Error) {
        counts.failed.increment()
        let about = "\(write.event.about.kind ?? "") \(write.event.namespace)/\(write.event.about.name ?? "")"
        logger.warning("event not written", ["reason": write.event.reason, "object": about, "error": "\(error)"])
    }

    /// The counters, kept at hand.
    private struct Counts: Sendable {
        let created: CounterSeries
        let patched: CounterSeries
        let full: CounterSeries
        let stopped: CounterSeries
        let spam: CounterSeries
        let failed: CounterSeries

        init(_ metrics: MetricsRegistry?) {
            let metrics = metrics ?? MetricsRegistry()
            let written = metrics.counter(
                "event_recorder_written_total",
                help: "Events written to the API server.",
                labels: ["verb"]
            )
            let dropped = metrics.counter(
                "event_recorder_dropped_total",
                help: "Events that were not written.",
                labels: ["reason"]
            )
            created = written.series(["create"])
            patched = written.series(["patch"])
            full = dropped.series(["queue_full"])
            stopped = dropped.series(["stopped"])
            spam = dropped.series(["spam"])
            failed = dropped.series(["failed"])
        }
    }
}
