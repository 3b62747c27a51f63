internal import Synchronization

/// Why a pattern cannot be used.
struct PatternError: Error, CustomStringConvertible {
    let description: String
}

/// A compiled `pattern`.
struct SchemaPattern {
    private let text: String

    init(_ text: String) throws(PatternError) {
        do {
            _ = try Regex(text)
        } catch {
            throw PatternError(description: "\(error)")
        }
        self.text = text
    }

    /// Whether the pattern is found anywhere in the text.
    func matches(_ subject: String) -> Bool {
        guard let regex = try? Regex(text) else { return false }
        return subject.firstMatch(of: regex.matchingSemantics(.unicodeScalar)) != nil
    }
}

/// The patterns compiled so far.
final class PatternCache: Sendable {
    static let shared = PatternCache()

    private let patterns = Mutex<[String: Result<SchemaPattern, PatternError>]>([:])
    private static let capacity = 1000

    /// The pattern of a text, compiled once.
    func pattern(_ text: String) -> Result<SchemaPattern, PatternError> {
        patterns.withLock { known in
            if let pattern = known[text] { return pattern }
            let pattern = Result { () throws(PatternError) in try SchemaPattern(text) }
            if known.count >= Self.capacity { known.removeAll() }
            known[text] = pattern
            return pattern
        }
    }
}
