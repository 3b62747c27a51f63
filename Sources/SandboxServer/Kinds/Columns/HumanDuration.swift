/// Durations as tables show them: two units at most, and only as exact as people need.
enum HumanDuration {
    /// The text for a number of seconds, as `5m30s`; `<invalid>` for times that lie ahead by more than the error of
    /// clocks.
    static func text(seconds: Double) -> String {
        guard seconds > -2, seconds < 1e15 else { return "<invalid>" }
        let seconds = max(0, Int(seconds))
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        let years = days / 365
        return switch (minutes, hours, days, years) {
        case (..<2, _, _, _): "\(seconds)s"
        case (..<10, _, _, _): "\(minutes)m" + rest(seconds % 60, "s")
        case (_, ..<3, _, _): "\(minutes)m"
        case (_, ..<8, _, _): "\(hours)h" + rest(minutes % 60, "m")
        case (_, ..<48, _, _): "\(hours)h"
        case (_, _, ..<8, _): "\(days)d" + rest(hours % 24, "h")
        case (_, _, _, ..<2): "\(days)d"
        case (_, _, _, ..<8): "\(years)y" + rest(days % 365, "d")
        default: "\(years)y"
        }
    }

    private static func rest(_ value: Int, _ unit: String) -> String {
        value == 0 ? "" : "\(value)\(unit)"
    }
}
