/// Comparison of resourceVersions (KEP-5504).
///
/// They stay opaque strings everywhere else. Only versions of one resource type on one server can be compared.
public enum ResourceVersion {
    /// How two versions relate.
    public enum Ordering: Sendable, Hashable {
        /// The first is older.
        case older
        /// They are the same.
        case same
        /// The first is newer.
        case newer
    }

    /// Compares two versions; nil when one is not a positive decimal number without leading zeros.
    ///
    /// Numbers of any length are compared, by length and then by digits, so nothing can overflow.
    public static func compare(_ left: String, _ right: String) -> Ordering? {
        guard isComparable(left), isComparable(right) else { return nil }
        if left == right { return .same }
        let (leftCount, rightCount) = (left.utf8.count, right.utf8.count)
        if leftCount != rightCount { return leftCount < rightCount ? .older : .newer }
        return left.utf8.lexicographicallyPrecedes(right.utf8) ? .older : .newer
    }

    /// Whether a version has the form that can be compared: digits only, no leading zero.
    public static func isComparable(_ version: String) -> Bool {
        guard let first = version.utf8.first, first != UInt8(ascii: "0") else { return false }
        return version.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
