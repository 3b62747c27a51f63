public import Timekeeping

/// A structured log: a message and fields, one line each, written with one write.
///
/// A logger is a cheap value that is handed down and narrowed on the way:
///
///     let log = Logger(level: .info, format: .json, timeSource: time)
///     let mine = log.with(["recovery": "default/web"])
///     mine.info("attempt started", ["strategy": "Generic", "attempt": "1"])
///
/// Messages and fields below the level are never built. Secrets are the caller's duty: what is handed in is written.
public struct Logger: Sendable {
    /// Where finished lines go; called from any thread, with one whole line including its newline.
    public typealias Sink = @Sendable ([UInt8]) -> Void

    /// What all loggers narrowed from one another share.
    private final class Output: Sendable {
        let level: LogLevel
        let format: LogFormat
        let timeSource: any TimeSource
        let sink: Sink

        init(level: LogLevel, format: LogFormat, timeSource: any TimeSource, sink: @escaping Sink) {
            self.level = level
            self.format = format
            self.timeSource = timeSource
            self.sink = sink
        }
    }

    /// Nil for the logger that writes nothing.
    private let output: Output?
    private var fields: [LogLine.Field] = []

    /// Makes a logger that writes lines of `level` and above to `sink`.
    public init(
        level: LogLevel = .info,
        format: LogFormat = .text,
        timeSource: any TimeSource,
        sink: @escaping Sink = StandardError.write
    ) {
        output = Output(level: level, format: format, timeSource: timeSource, sink: sink)
    }

    private init() {
        output = nil
    }

    /// The logger that writes nothing.
    public static let disabled = Logger()

    /// This logger with more fields on every line; a field of the same name is replaced.
    public func with(_ fields: KeyValuePairs<String, String>) -> Logger {
        guard output != nil else { return self }
        var narrowed = self
        narrowed.fields = LogLine.merge(self.fields, fields)
        return narrowed
    }

    /// Whether a line of `level` would be written.
    public func isEnabled(_ level: LogLevel) -> Bool {
        guard let output else { return false }
        return level >= output.level
    }

    /// Writes a line for developers.
    public func debug(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.debug, message(), fields())
    }

    /// Writes a line about a decision or a change of state.
    public func info(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.info, message(), fields())
    }

    /// Writes a line about a failure that is handled.
    public func warning(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.warning, message(), fields())
    }

    /// Writes a line about a failure that nobody handles.
    public func error(
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        log(.error, message(), fields())
    }

    /// Writes a line of `level`.
    public func log(
        _ level: LogLevel,
        _ message: @autoclosure () -> String,
        _ fields: @autoclosure () -> KeyValuePairs<String, String> = [:]
    ) {
        guard let output, level >= output.level else { return }
        let line = LogLine(
            time: output.timeSource.wallTime(),
            level: level,
            message: message(),
            fields: LogLine.merge(self.fields, fields())
        )
        output.sink(line.rendered(output.format))
    }
}
