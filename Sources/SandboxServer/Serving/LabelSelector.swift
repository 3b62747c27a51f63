/// A parsed `labelSelector`: all its requirements have to hold.
package struct LabelSelector: Sendable, Hashable {
    /// One condition on one label.
    package struct Requirement: Sendable, Hashable {
        /// How the label's value is judged.
        package enum Operator: Sendable, Hashable {
            /// Present with one of the values.
            case isOneOf([String])
            /// Absent, or with none of the values.
            case isNoneOf([String])
            /// Present.
            case exists
            /// Absent.
            case isAbsent
            /// Present and a number above the one given.
            case isGreater(Int64)
            /// Present and a number below the one given.
            case isLess(Int64)
        }

        /// The label.
        package let key: String
        /// The condition.
        package let condition: Operator

        /// Whether labels meet it.
        package func matches(_ labels: [String: String]) -> Bool {
            let value = labels[key]
            return switch condition {
            case .isOneOf(let values): value.map(values.contains) ?? false
            case .isNoneOf(let values): !(value.map(values.contains) ?? false)
            case .exists: value != nil
            case .isAbsent: value == nil
            case .isGreater(let bound): value.flatMap { Int64($0) }.map { $0 > bound } ?? false
            case .isLess(let bound): value.flatMap { Int64($0) }.map { $0 < bound } ?? false
            }
        }
    }

    /// The conditions; none selects everything.
    package let requirements: [Requirement]

    /// Parses the text form, as `app=web,tier in (a, b),!old`.
    ///
    /// - Throws: ``APIFailure`` 400 in the real server's words.
    package init(parsing text: String) throws(APIFailure) {
        var parser = LabelSelectorParser(text)
        do {
            requirements = try parser.parse()
        } catch {
            throw .badRequest(error.message)
        }
    }

    /// Whether labels meet all requirements.
    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { $0.matches(labels) }
    }
}
