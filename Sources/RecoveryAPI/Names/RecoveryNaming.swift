package import FoundationEssentials
internal import KubernetesCore

/// Names that the controller makes up.
package enum RecoveryNaming {
    /// The longest name made here: one DNS label, so that it fits into label values and names of Jobs.
    package static let maxLength = 63

    /// Name of a Recovery that detection opens: `<kind>-<name>-<8 hex of target and error type>-<n>`.
    ///
    /// The readable part is shortened, and cleaned of what names may not contain, so that the whole is a DNS label.
    ///
    /// - Parameters:
    ///   - target: the object, or only the cluster, that failed.
    ///   - fingerprint: `LockKey.fingerprint(errorType:)`; its first 8 digits are used.
    ///   - number: one above the highest number in use for the fingerprint.
    /// - Returns: the name, at most 63 characters.
    package static func name(target: ResolvedTarget, fingerprint: String, number: Int) -> String {
        let subject: String
        if let name = target.name.nonEmpty {
            subject = "\(target.kind ?? "object")-\(name)"
        } else {
            subject = "membercluster-\(target.cluster ?? "hub")"
        }
        let suffix = "-\(fingerprint.prefix(8))-\(number)"
        let stem = trimmed(label(subject).prefix(max(1, maxLength - suffix.utf8.count)))
        // Nothing is left of a name without a single letter or digit of ASCII.
        return (stem.isEmpty ? "recovery" : stem) + suffix
    }

    /// Name of the Recovery that takes over from another one: it follows from that one's name and uid and from what was
    /// found, so that asking twice finds the first one's.
    package static func successorName(of recovery: Recovery, errorType: String) -> String {
        let origin = recovery.metadata
        let digest = SHA256.hexDigest(of: Array("\(origin.uid ?? "")/\(errorType)".utf8))
        let suffix = "-\(digest.prefix(8))"
        let stem = label("\(origin.name ?? "")-\(errorType)").prefix(max(1, maxLength - suffix.utf8.count))
        return trimmed(stem) + suffix
    }

    /// The number at the end of a name made by `name(target:fingerprint:number:)`, nil for other names.
    package static func number(in name: String, fingerprint: String) -> Int? {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[parts.count - 2] == fingerprint.prefix(8) else { return nil }
        return parts.last.flatMap { Int($0) }
    }

    /// Id of an attempt: `<ErrorType>-<unix seconds>-<attempt>`.
    package static func executionID(errorType: String, time: Date, attempt: Int) -> String {
        "\(errorType)-\(unixSeconds(time))-\(attempt)"
    }

    /// Name of the Job that an attempt runs: one for each, short enough for the label that its pods get.
    package static func jobName(of recovery: Recovery, executionID: String) -> String {
        let owner = recovery.metadata
        let hash = SHA256.hexDigest(of: Array("\(owner.uid ?? "")/\(executionID)".utf8)).prefix(12)
        return "rcv-\(trimmed(label(owner.name ?? "").prefix(40)))-\(hash)"
    }

    /// Whole seconds since 1970; 0 for dates that no 64-bit number of seconds can hold.
    private static func unixSeconds(_ time: Date) -> Int64 {
        Int64(exactly: time.timeIntervalSince1970.rounded(.down)) ?? 0
    }

    /// Lower case, with a dash for everything that a DNS label cannot contain.
    private static func label(_ text: String) -> Substring {
        let cleaned = text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return trimmed(Substring(String(cleaned)))[...]
    }

    private static func trimmed(_ text: Substring) -> String {
        let end = text.lastIndex { $0 != "-" }.map { text.index(after: $0) } ?? text.startIndex
        return String(text[..<end].drop { $0 == "-" })
    }
}
