internal import FoundationEssentials
internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
internal import Timekeeping

/// What a strategy writes beside its change, so that the next one sees whether a person took the change back.
///
/// One annotation per object: `from` is what was there before, `to` what the strategy put there. When `from` is there
/// again although the mark still is, somebody put it back; then their will counts for the time of the hold-off.
struct OwnMark: Codable, Hashable, Sendable {
    static let holdOffParameter = "holdOffSeconds"
    /// An hour.
    static let standardHoldOff: Int64 = 3_600

    /// What was there before, in the strategy's own terms.
    var from: String
    /// What was put there.
    var to: String
    /// When.
    var time: Date
    /// The Recovery that did it.
    var recovery: String

    /// The name of a strategy's annotation, such as `recovery.tmc.io/last-rollback`.
    static func annotation(_ strategy: String) -> String { "recovery.tmc.io/last-\(strategy.lowercased())" }

    /// The mark on an object; nil where there is none that can be read.
    init?(_ object: Unstructured, strategy: String) {
        guard let text = object.annotations[Self.annotation(strategy)],
            case .success(let mark) = Result(catching: { try JSONValue(parsing: text).decode(OwnMark.self) })
        else { return nil }
        self = mark
    }

    /// Makes the mark of a change that an attempt is about to make.
    init(from: String, to: String, _ attempt: Attempt) {
        self.from = from
        self.to = to
        time = Date(timeIntervalSince1970: attempt.timeSource.wallTime().timeIntervalSince1970.rounded(.down))
        recovery = attempt.recovery.metadata.name ?? ""
    }

    /// Whether the mark on an object says that this Recovery did it.
    static func isOf(_ attempt: Attempt, on object: Unstructured, strategy: String) -> Bool {
        OwnMark(object, strategy: strategy)?.recovery == attempt.recovery.metadata.name ?? ""
    }

    /// The annotation's value.
    ///
    /// - Throws: `EncodingError` for a time that cannot be written.
    func text() throws -> String {
        String(decoding: try JSONValue(encoding: self).serialized(), as: UTF8.self)
    }

    /// Throws when a person took back what the strategy did last, and the hold-off is not over.
    ///
    /// - Parameters:
    ///   - object: the target as it is.
    ///   - present: what is there now, in the terms of `from`.
    ///   - strategy: whose mark counts.
    ///   - attempt: whose parameters may set the hold-off.
    /// - Throws: `StrategyFailure.permanent`, with the reason HumanOverride among the metrics.
    static func check(_ object: Unstructured, present: String, strategy: String, _ attempt: Attempt) throws {
        guard let mark = OwnMark(object, strategy: strategy), mark.from == present, mark.from != mark.to else { return }
        let seconds = attempt.parameters[holdOffParameter]?.intValue ?? standardHoldOff
        let end = mark.time.addingTimeInterval(Double(seconds))
        guard attempt.timeSource.wallTime() < end else { return }
        throw StrategyFailure.permanent(
            "somebody took back what Recovery \(mark.recovery) had done to \(object.kind) \(object.key): it is left alone "
                + "until \(RFC3339.string(from: end) ?? "later")",
            nextSteps: [
                "Repair \(object.kind) \(object.key) by hand",
                "Or remove the annotation \(annotation(strategy)) to let the controller do it again",
            ],
            metrics: ["reason": ConditionReason.humanOverride]
        )
    }
}
