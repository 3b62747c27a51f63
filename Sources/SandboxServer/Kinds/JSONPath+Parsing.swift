internal import JSON

extension JSONPath {
    /// Reads a path; nil when it is none, or nests deeper than paths do.
    init?(_ text: String) {
        self.init(text, depth: 0)
    }

    private static let maxDepth = 16

    fileprivate init?(_ text: String, depth: Int) {
        guard depth < Self.maxDepth else { return nil }
        var parser = JSONPathParser(text: Array(text.unicodeScalars), depth: depth)
        do {
            steps = try parser.parse()
        } catch {
            return nil
        }
    }
}

/// Reads the steps of a path from left to right, as kubectl's parser does.
private struct JSONPathParser {
    let text: [Unicode.Scalar]
    let depth: Int
    var index = 0

    private var current: Unicode.Scalar? { index < text.count ? text[index] : nil }

    mutating func parse() throws(JSONPath.Failure) -> [JSONPath.Step] {
        var steps: [JSONPath.Step] = []
        while let scalar = current {
            switch scalar {
            case " ", "@", "$": index += 1
            case "[": steps += try brackets()
            case ".": steps += try dots()
            case "\"", "'": steps.append(.literal(.string(try quoted(scalar))))
            default: steps.append(try word())
            }
        }
        return steps
    }

    /// After a dot: a member, a wildcard, or everything below after two.
    private mutating func dots() throws(JSONPath.Failure) -> [JSONPath.Step] {
        index += 1
        if current == "." {
            index += 1
            guard let next = current, !isTerminator(next) else { return [.descendants] }
            return [.descendants, try field()]
        }
        return [try field()]
    }

    private mutating func field() throws(JSONPath.Failure) -> JSONPath.Step {
        var name = String.UnicodeScalarView()
        while let scalar = current, !isTerminator(scalar) {
            index += 1
            if scalar == "\\" {
                guard let escaped = current else { throw JSONPath.Failure() }
                name.append(escaped)
                index += 1
            } else {
                name.append(scalar)
            }
        }
        return name.elementsEqual("*".unicodeScalars) ? .wildcard : .member(String(name))
    }

    private func isTerminator(_ scalar: Unicode.Scalar) -> Bool {
        " \t\n\r.,[]$@{}".unicodeScalars.contains(scalar)
    }

    /// A number or a truth value, in filters.
    private mutating func word() throws(JSONPath.Failure) -> JSONPath.Step {
        var word = ""
        while let scalar = current, !" \t\n\r,[]$@{}".unicodeScalars.contains(scalar) {
            word.unicodeScalars.append(scalar)
            index += 1
        }
        switch word {
        case "true": return .literal(true)
        case "false": return .literal(false)
        default:
            if let whole = Int64(word) { return .literal(.number(whole)) }
            guard let number = Double(word).flatMap({ JSONNumber($0) }) else { throw JSONPath.Failure() }
            return .literal(.number(number))
        }
    }

    private mutating func quoted(_ quote: Unicode.Scalar) throws(JSONPath.Failure) -> String {
        index += 1
        var result = ""
        while let scalar = current {
            index += 1
            if scalar == quote { return result }
            guard scalar == "\\" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            guard let escaped = current else { break }
            index += 1
            result.unicodeScalars.append(escaped == "n" ? "\n" : escaped == "t" ? "\t" : escaped)
        }
        throw JSONPath.Failure()
    }

    // MARK: - Brackets

    private mutating func brackets() throws(JSONPath.Failure) -> [JSONPath.Step] {
        if text[index...].starts(with: "[?(".unicodeScalars) { return [.filter(try filter())] }
        guard let end = text[index...].firstIndex(of: "]") else { throw JSONPath.Failure() }
        let inside = String(String.UnicodeScalarView(text[(index + 1)..<end]))
        index = end + 1
        let parts = inside.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count > 1 else { return try element(inside) }
        var paths: [JSONPath] = []
        for part in parts {
            let trimmed = part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
            paths.append(JSONPath(steps: try element(String(trimmed))))
        }
        return [.union(paths)]
    }

    /// What is between brackets: a quoted name, or positions.
    private func element(_ inside: String) throws(JSONPath.Failure) -> [JSONPath.Step] {
        if inside.count >= 2, inside.hasPrefix("'"), inside.hasSuffix("'") {
            // Dots in it are steps unless they are escaped, in kubectl, too.
            guard let path = JSONPath("." + inside.dropFirst().dropLast(), depth: depth + 1) else {
                throw JSONPath.Failure()
            }
            return path.steps
        }
        if inside == "*" { return [.slice(JSONPath.Slice())] }
        let parts = inside.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 3 else { throw JSONPath.Failure() }
        var numbers: [Int?] = []
        for part in parts {
            guard part.isEmpty || Int(part) != nil else { throw JSONPath.Failure() }
            numbers.append(Int(part))
        }
        numbers += Array(repeating: nil, count: 3 - numbers.count)
        return [.slice(JSONPath.Slice(from: numbers[0], to: numbers[1], stride: numbers[2], isIndex: parts.count == 1))]
    }

    private mutating func filter() throws(JSONPath.Failure) -> JSONPath.Filter {
        index += 3
        let start = index
        var open = 1
        var quote: Unicode.Scalar?
        while open > 0, let scalar = current {
            if let ending = quote {
                if scalar == "\\" { index += 1 } else if scalar == ending { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if scalar == "(" {
                open += 1
            } else if scalar == ")" {
                open -= 1
            }
            index += 1
        }
        guard open == 0, current == "]" else { throw JSONPath.Failure() }
        let condition = text[start..<(index - 1)]
        index += 1
        return try self.condition(condition)
    }

    private func condition(_ text: ArraySlice<Unicode.Scalar>) throws(JSONPath.Failure) -> JSONPath.Filter {
        let signs = "!<>=".unicodeScalars
        func path(_ part: ArraySlice<Unicode.Scalar>) throws(JSONPath.Failure) -> JSONPath {
            guard let path = JSONPath(String(String.UnicodeScalarView(part)), depth: depth + 1) else {
                throw JSONPath.Failure()
            }
            return path
        }
        guard let first = text.firstIndex(where: { signs.contains($0) }) else {
            return JSONPath.Filter(left: try path(text), relation: .exists, right: JSONPath(steps: []))
        }
        let last = text[first...].firstIndex { !signs.contains($0) } ?? text.endIndex
        let sign = String(String.UnicodeScalarView(text[first..<last]))
        guard let relation = JSONPath.Filter.Relation(rawValue: sign), relation != .exists else {
            throw JSONPath.Failure()
        }
        return JSONPath.Filter(left: try path(text[..<first]), relation: relation, right: try path(text[last...]))
    }
}
