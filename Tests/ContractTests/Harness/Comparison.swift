import JSON

/// One place where two answers differ.
struct Difference: Sendable, Hashable, CustomStringConvertible {
    /// `file/scenario/step`.
    var step: String
    /// As `body.metadata.managedFields[contract Update].time`.
    var path: String
    /// What the real server says; nil when it says nothing.
    var server: JSONValue?
    /// What the sandbox says.
    var sandbox: JSONValue?

    var description: String {
        "\(step): \(path): the server \(Self.text(server)), the sandbox \(Self.text(sandbox))"
    }

    static func text(_ value: JSONValue?) -> String {
        value.map { String($0.text) } ?? "absent"
    }
}

/// Compares the answers of two servers field by field.
enum Comparison {
    /// All differences between the answers to a scenario.
    static func differences(scenario: String, server: [Exchange], sandbox: [Exchange]) -> [Difference] {
        var found: [Difference] = []
        let answers = Dictionary(sandbox.map { ($0.step, $0) }) { first, _ in first }
        for exchange in server {
            let step = "\(scenario)/\(exchange.step)"
            guard let answer = answers[exchange.step] else {
                found.append(Difference(step: step, path: "", server: exchange.value, sandbox: nil))
                continue
            }
            guard exchange.status == answer.status else {
                // Nothing else can be alike then; one entry speaks for the whole answer.
                found.append(
                    Difference(step: step, path: "answer", server: exchange.summary, sandbox: answer.summary)
                )
                continue
            }
            compare(exchange.value, answer.value, path: "", step: step, into: &found)
        }
        let known = Set(server.map(\.step))
        for extra in sandbox where !known.contains(extra.step) {
            found.append(
                Difference(step: "\(scenario)/\(extra.step)", path: "", server: nil, sandbox: extra.value)
            )
        }
        return found
    }

    private static func compare(
        _ server: JSONValue,
        _ sandbox: JSONValue,
        path: String,
        step: String,
        into found: inout [Difference]
    ) {
        switch (server, sandbox) {
        case (.object(let left), .object(let right)):
            for key in Set(left.keys).union(right.keys).sorted() {
                let inner = path.isEmpty ? key : "\(path).\(key)"
                if let a = left[key], let b = right[key] {
                    compare(a, b, path: inner, step: step, into: &found)
                } else {
                    found.append(Difference(step: step, path: inner, server: left[key], sandbox: right[key]))
                }
            }
        case (.array(let left), .array(let right)):
            compareLists(left, right, path: path, step: step, into: &found)
        default:
            guard server != sandbox else { return }
            found.append(Difference(step: step, path: path, server: server, sandbox: sandbox))
        }
    }

    /// Elements that have names are compared by name, and then the order of the names; others by position.
    private static func compareLists(
        _ left: [JSONValue],
        _ right: [JSONValue],
        path: String,
        step: String,
        into found: inout [Difference]
    ) {
        let (leftNames, rightNames) = (names(left), names(right))
        guard let leftNames, let rightNames else {
            for index in 0..<max(left.count, right.count) {
                let (a, b) = (index < left.count ? left[index] : nil, index < right.count ? right[index] : nil)
                if let a, let b {
                    compare(a, b, path: "\(path)[\(index)]", step: step, into: &found)
                } else {
                    found.append(Difference(step: step, path: "\(path)[\(index)]", server: a, sandbox: b))
                }
            }
            return
        }
        let theirs = Dictionary(uniqueKeysWithValues: zip(rightNames, right))
        for (name, element) in zip(leftNames, left) {
            if let other = theirs[name] {
                compare(element, other, path: "\(path)[\(name)]", step: step, into: &found)
            } else {
                found.append(Difference(step: step, path: "\(path)[\(name)]", server: element, sandbox: nil))
            }
        }
        for (name, element) in zip(rightNames, right) where !leftNames.contains(name) {
            found.append(Difference(step: step, path: "\(path)[\(name)]", server: nil, sandbox: element))
        }
        let order = rightNames.filter(leftNames.contains)
        let wanted = leftNames.filter(rightNames.contains)
        // The managers of fields are in the order of their times, whose resolution is a second.
        if order != wanted, !path.hasSuffix("managedFields") {
            let (a, b) = (wanted.map { JSONValue.string($0) }, order.map { JSONValue.string($0) })
            found.append(Difference(step: step, path: "\(path).order", server: .array(a), sandbox: .array(b)))
        }
    }

    /// What the elements of a list are called; nil when some have no name or two have the same.
    private static func names(_ elements: [JSONValue]) -> [String]? {
        var names: [String] = []
        for element in elements {
            guard let name = name(of: element) else { return nil }
            names.append(name)
        }
        return Set(names).count == names.count ? names : nil
    }

    private static func name(of element: JSONValue) -> String? {
        if let manager = element["manager"]?.stringValue {
            let parts = [manager, element["operation"]?.stringValue, element["subresource"]?.stringValue]
            return parts.compactMap(\.self).joined(separator: " ")
        }
        // Events of a watch come one after the other, whatever they are about.
        guard element["object"] == nil || element["cells"] != nil else { return nil }
        for path in [
            ["metadata", "name"], ["object", "metadata", "name"], ["name"], ["groupVersion"], ["version"], ["resource"],
            ["field"],
        ] {
            if let name = element.value(at: path)?.stringValue, !name.isEmpty { return name }
        }
        return nil
    }
}
