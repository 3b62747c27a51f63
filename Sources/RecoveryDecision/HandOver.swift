package import RecoveryAPI

/// One kind of failure turns out to be another one: its Recovery is handed over to that one's, which may hand over again,
/// but never back and never without end.
///
/// The error types that led to a Recovery stand in its error's context, which nobody can change afterwards.
package enum HandOver {
    /// The entry of `spec.error.context` with the error types of the Recoveries before, oldest first, parted by commas.
    package static let contextKey = "handedOver"
    /// The most Recoveries that one failure may pass through.
    package static let maxRecoveries = 4

    /// The error types that the failure was taken for so far, oldest first, the Recovery's own last.
    package static func lineage(of recovery: Recovery) -> [String] {
        let before = recovery.spec.error.context?[contextKey]?.split(separator: ",").map(String.init) ?? []
        return before + [recovery.spec.error.type]
    }

    /// Why a Recovery must not be handed over to one of another error type; nil when it may.
    ///
    /// - Parameters:
    ///   - errorType: what the failure turned out to be.
    ///   - recovery: the Recovery that found it out.
    /// - Returns: the reason in words: that was tried already, or the chain is long enough.
    package static func refusal(of errorType: String, from recovery: Recovery) -> String? {
        let lineage = lineage(of: recovery)
        let words = lineage.joined(separator: ", then ")
        if lineage.contains(errorType) { return "not handed over to \(errorType) again: this was \(words)" }
        if lineage.count >= maxRecoveries { return "not handed over to \(errorType): this was \(words) already" }
        return nil
    }

    /// The error of the Recovery that takes over, with what led to it.
    package static func error(_ error: ReportedError, from recovery: Recovery) -> ReportedError {
        var error = error
        error.context = (error.context ?? [:]).merging([contextKey: lineage(of: recovery).joined(separator: ",")]) {
            _,
            lineage in lineage
        }
        return error
    }
}
