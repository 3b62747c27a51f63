internal import JSON

/// The violations that the rules of a kind collect, with short ways to find the usual ones.
struct Violations {
    typealias Cause = APIFailure.Cause

    private(set) var causes: [Cause] = []

    /// Collects what `body` finds.
    static func collect(_ body: (inout Violations) -> Void) -> [Cause] {
        var violations = Violations()
        body(&violations)
        return violations.causes
    }

    mutating func add(_ cause: Cause) {
        causes.append(cause)
    }

    /// A number has to be at least zero.
    mutating func notNegative(_ object: JSONValue?, _ path: String, _ name: String) {
        guard let value = object?[name], let number = value.intValue, number < 0 else { return }
        add(.invalid("\(path).\(name)", value, "must be greater than or equal to 0"))
    }

    /// A number has to be above zero.
    mutating func positive(_ object: JSONValue?, _ path: String, _ name: String) {
        guard let value = object?[name], let number = value.intValue, number <= 0 else { return }
        add(.invalid("\(path).\(name)", value, "must be greater than 0"))
    }

    /// A text has to be there and not empty.
    mutating func present(_ object: JSONValue?, _ path: String, _ name: String) {
        guard (object?[name]?.stringValue ?? "").isEmpty else { return }
        add(.required(path.isEmpty ? name : "\(path).\(name)"))
    }

    /// A field may not change once it is set.
    mutating func unchanged(_ object: JSONValue, _ old: JSONValue?, _ path: String...) {
        guard let old, let before = old.value(at: path) else { return }
        let now = object.value(at: path)
        guard now != before else { return }
        add(.invalid(path.joined(separator: "."), now ?? .null, "field is immutable"))
    }

    /// A port number.
    mutating func port(_ value: JSONValue?, _ path: String) {
        guard let value, let number = value.intValue, !(1...65535).contains(number) else { return }
        add(.invalid(path, value, "must be between 1 and 65535, inclusive"))
    }

    /// A lower-case label of RFC 1123, as names of containers.
    mutating func label(_ value: JSONValue?, _ path: String) {
        guard let value, let text = value.stringValue, !text.isEmpty, !text.isDNSLabel else { return }
        add(
            .invalid(
                path,
                value,
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
                    + "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
                    + "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            )
        )
    }
}

extension String {
    /// Whether the text is a label of RFC 1123 in lower case.
    fileprivate var isDNSLabel: Bool {
        let bytes = Array(utf8)
        func isPlain(_ byte: UInt8?) -> Bool {
            guard let byte else { return false }
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        return bytes.count <= 63 && isPlain(bytes.first) && isPlain(bytes.last)
            && bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") }
    }
}
