/// How much a line of the log matters; lines below the logger's level are not even built.
public enum LogLevel: String, Sendable, Hashable, CaseIterable, Comparable {
    /// What a developer needs to follow one object through the program.
    case debug
    /// Decisions and state changes: one line each.
    case info
    /// Something failed and is handled, but a person may want to know.
    case warning
    /// Something failed that nobody handles.
    case error

    /// Orders levels from chatty to grave.
    public static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rank < right.rank
    }

    /// The place of the level in the order.
    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}

/// The shape of a line of the log.
public enum LogFormat: String, Sendable, Hashable, CaseIterable {
    /// `2026-01-02T15:04:05.000Z INFO message key=value`, for people.
    case text
    /// One JSON object a line (`ts`, `level`, `msg`, then the fields), for collectors.
    case json
}
