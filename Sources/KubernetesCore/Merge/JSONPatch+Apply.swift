public import JSON

/// An operation of a JSON Patch that cannot be done.
public struct JSONPatchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which operation, from 0.
    public let index: Int
    /// Why; holds no values.
    public let message: String

    /// `operation 2: there is nothing at /spec/x`.
    public var description: String { "operation \(index): \(message)" }
}

extension JSONPatch {
    /// Applies all operations in order.
    ///
    /// - Throws: ``JSONPatchError`` for the first that cannot be done or whose test fails; nothing is changed then.
    public func apply(to target: JSONValue) throws(JSONPatchError) -> JSONValue {
        var value = target
        for (index, operation) in operations.enumerated() {
            do throws(Failure) {
                try operation.apply(to: &value)
            } catch {
                throw JSONPatchError(index: index, message: error.message)
            }
        }
        return value
    }

    /// Why an operation cannot be done.
    struct Failure: Error {
        let message: String
    }
}

extension JSONPatch.Operation {
    fileprivate func apply(to target: inout JSONValue) throws(JSONPatch.Failure) {
        switch self {
        case .add(let path, let value): try Self.change(&target, path[...], .add(value))
        case .remove(let path): try Self.change(&target, path[...], .remove)
        case .replace(let path, let value): try Self.change(&target, path[...], .replace(value))
        case .move(let from, let path):
            // RFC 6902: a value cannot move into itself.
            if path.count > from.count, path.starts(with: from) { throw Self.failure("cannot move into itself", from) }
            let value = try Self.read(target, from)
            try Self.change(&target, from[...], .remove)
            try Self.change(&target, path[...], .add(value))
        case .copy(let from, let path): try Self.change(&target, path[...], .add(Self.read(target, from)))
        case .test(let path, let value):
            if try Self.read(target, path) != value { throw Self.failure("test failed", path) }
        }
    }

    fileprivate enum Change {
        case add(JSONValue)
        case replace(JSONValue)
        case remove
    }

    private static func failure(_ message: String, _ path: some Collection<String>) -> JSONPatch.Failure {
        JSONPatch.Failure(message: "\(message) at /\(path.joined(separator: "/"))")
    }

    private static func read(_ target: JSONValue, _ path: [String]) throws(JSONPatch.Failure) -> JSONValue {
        var current = target
        for step in path {
            let next = current.arrayValue == nil ? current[step] : arrayIndex(step).flatMap { current[index: $0] }
            guard let next else { throw failure("there is nothing", path) }
            current = next
        }
        return current
    }

    /// Changes what is at the path; the parent must exist.
    private static func change(
        _ target: inout JSONValue,
        _ path: ArraySlice<String>,
        _ change: Change
    ) throws(JSONPatch.Failure) {
        guard let step = path.first else {
            switch change {
            case .add(let value), .replace(let value): target = value
            case .remove: target = .null
            }
            return
        }
        switch target {
        case .object(var members):
            if path.count == 1, case .add(let value) = change {
                members[step] = value
            } else {
                guard var member = members[step] else { throw failure("there is nothing", path) }
                try self.change(&member, path.dropFirst(), change)
                members[step] = path.count == 1 && change.isRemoval ? nil : member
            }
            target = .object(members)
        case .array(var elements):
            try self.change(&elements, step, path, change)
            target = .array(elements)
        default: throw failure("neither an object nor an array", path)
        }
    }

    private static func change(
        _ elements: inout [JSONValue],
        _ step: String,
        _ path: ArraySlice<String>,
        _ change: Change
    ) throws(JSONPatch.Failure) {
        if path.count == 1, case .add(let value) = change {
            let index = step == "-" ? elements.count : arrayIndex(step)
            guard let index, index <= elements.count else { throw failure("no such index", path) }
            elements.insert(value, at: index)
            return
        }
        guard let index = arrayIndex(step), index < elements.count else { throw failure("no such index", path) }
        if path.count == 1, change.isRemoval {
            elements.remove(at: index)
        } else {
            try self.change(&elements[index], path.dropFirst(), change)
        }
    }

    /// An array index by RFC 6901: digits without leading zeros.
    private static func arrayIndex(_ text: String) -> Int? {
        guard text == "0" || ResourceVersion.isComparable(text) else { return nil }
        return Int(text)
    }
}

extension JSONPatch.Operation.Change {
    fileprivate var isRemoval: Bool {
        if case .remove = self { true } else { false }
    }
}
