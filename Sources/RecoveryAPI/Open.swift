/// A list of words that a string field may hold.
package protocol Vocabulary: Sendable {
    /// Every word that is allowed, in the order of declaration.
    static var words: [String] { get }
}

/// A word of a closed vocabulary as it arrived: one that this version knows, or any other string.
///
/// Keeping the unknown word lets an object with a typing error (or one written for a newer version) be decoded, so
/// that the controller can answer with `Accepted=False` and the field path instead of never seeing the object.
package enum Open<Known>: Hashable, Codable, Vocabulary
where Known: RawRepresentable & CaseIterable & Sendable & Hashable, Known.RawValue == String {
    /// A word of the vocabulary.
    case known(Known)
    /// Any other string, kept as it came.
    case unknown(String)

    /// Wraps a known word.
    package init(_ known: Known) {
        self = .known(known)
    }

    /// Reads a word, known or not.
    package init(rawValue: String) {
        self = Known(rawValue: rawValue).map(Open.known) ?? .unknown(rawValue)
    }

    package init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    /// The known word, nil for any other.
    package var value: Known? {
        guard case .known(let known) = self else { return nil }
        return known
    }

    /// The string as it is on the wire.
    package var rawValue: String {
        switch self {
        case .known(let known): known.rawValue
        case .unknown(let word): word
        }
    }

    package static var words: [String] { Known.allCases.map(\.rawValue) }
}
