internal import Synchronization

/// Why a pattern or a path cannot be used, in the server's words.
struct PatternError: Error, CustomStringConvertible {
    let description: String
}

/// A regular expression with the syntax and the guarantee of RE2, which the API server uses for `pattern`: the time to
/// match grows with the length of the text, whatever the pattern.
///
/// All alternatives are followed at the same time, one character of the text after the other, so there is nothing to
/// back out of. Limits: patterns of ``maxInstructions`` steps and ``maxDepth`` groups inside each other, repetitions up
/// to 1000 as in RE2, Unicode classes by general category only (`\p{Lu}`, not `\p{Greek}`).
///
/// ```swift
/// let name = try RegularExpression("^[a-z]+$")
/// let isName = name.matches("web")
/// ```
struct RegularExpression: Sendable {
    /// The most steps that a pattern may have.
    static let maxInstructions = 20_000
    /// The most groups inside each other.
    static let maxDepth = 200

    /// What has to hold between two characters.
    enum Assertion: Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, noWordBoundary
    }

    /// One step.
    enum Instruction: Sendable {
        /// Consumes a character of a class and goes on with the next step.
        case character(CharacterClass)
        /// Goes on at both places.
        case fork(Int, Int)
        case jump(Int)
        case assert(Assertion)
        case accept
    }

    private let instructions: [Instruction]

    /// Compiles a pattern.
    ///
    /// - Throws: ``PatternError`` worded as Go's `regexp` package does.
    init(_ pattern: String) throws(PatternError) {
        var parser = RegularExpressionParser(pattern)
        var compiler = RegularExpressionCompiler()
        try compiler.append(try parser.parse())
        instructions = compiler.instructions + [.accept]
    }

    /// Whether the pattern is found anywhere in the text.
    func matches(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        var current = StepSet(count: instructions.count)
        var next = StepSet(count: instructions.count)
        var previous: Unicode.Scalar?
        var index = scalars.startIndex
        while true {
            let scalar = index < scalars.endIndex ? scalars[index] : nil
            // A match may begin at every position.
            if follow(from: 0, into: &current, previous, scalar) { return true }
            guard let scalar else { return false }
            let following = scalars.index(after: index)
            let after = following < scalars.endIndex ? scalars[following] : nil
            for step in current.steps {
                guard case .character(let accepted) = instructions[step], accepted.contains(scalar) else { continue }
                if follow(from: step + 1, into: &next, scalar, after) { return true }
            }
            swap(&current, &next)
            next.clear()
            previous = scalar
            index = following
        }
    }

    /// Adds the steps that can be reached without consuming anything; true when one of them accepts.
    private func follow(
        from start: Int,
        into set: inout StepSet,
        _ previous: Unicode.Scalar?,
        _ next: Unicode.Scalar?
    ) -> Bool {
        var pending = [start]
        while let step = pending.popLast() {
            guard set.insert(step) else { continue }
            switch instructions[step] {
            case .accept: return true
            case .character: break
            case .jump(let target): pending.append(target)
            case .fork(let first, let second): pending += [second, first]
            case .assert(let assertion):
                if assertion.holds(between: previous, and: next) { pending.append(step + 1) }
            }
        }
        return false
    }
}

extension RegularExpression.Assertion {
    fileprivate func holds(between previous: Unicode.Scalar?, and next: Unicode.Scalar?) -> Bool {
        switch self {
        case .textStart: previous == nil
        case .textEnd: next == nil
        case .lineStart: previous == nil || previous == "\n"
        case .lineEnd: next == nil || next == "\n"
        case .wordBoundary: isWord(previous) != isWord(next)
        case .noWordBoundary: isWord(previous) == isWord(next)
        }
    }

    private func isWord(_ scalar: Unicode.Scalar?) -> Bool {
        scalar.map { CharacterClass.word.contains($0) } ?? false
    }
}

/// Steps in the order of their arrival, each once.
private struct StepSet {
    private(set) var steps: [Int] = []
    private var isMember: [Bool]

    init(count: Int) {
        isMember = Array(repeating: false, count: count)
    }

    mutating func insert(_ step: Int) -> Bool {
        guard !isMember[step] else { return false }
        isMember[step] = true
        steps.append(step)
        return true
    }

    mutating func clear() {
        for step in steps { isMember[step] = false }
        steps.removeAll(keepingCapacity: true)
    }
}

/// The patterns compiled so far, by their text.
final class PatternCache: Sendable {
    static let shared = PatternCache()

    private static let capacity = 1000
    private let patterns = Mutex<[String: Result<RegularExpression, PatternError>]>([:])

    /// The pattern of a text.
    func pattern(_ text: String) -> Result<RegularExpression, PatternError> {
        if let known = patterns.withLock({ $0[text] }) { return known }
        let pattern = Result { () throws(PatternError) in try RegularExpression(text) }
        patterns.withLock { known in
            // Patterns of definitions that are gone are not worth more than this.
            if known.count >= Self.capacity { known.removeAll() }
            known[text] = pattern
        }
        return pattern
    }
}
