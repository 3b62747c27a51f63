public import Telemetry
public import Timekeeping

/// What every part of the runtime is given: the time, the log and the metrics.
public struct RuntimeContext: Sendable {
    /// Where the time comes from.
    public var timeSource: any TimeSource
    /// Where decisions are written.
    public var logger: Logger
    /// Where metrics are registered; nil for none.
    public var metrics: MetricsRegistry?

    /// Bundles the three; by default the system's time, no log and no metrics.
    public init(
        timeSource: any TimeSource = SystemTimeSource(),
        logger: Logger = .disabled,
        metrics: MetricsRegistry? = nil
    ) {
        self.timeSource = timeSource
        self.logger = logger
        self.metrics = metrics
    }
}
