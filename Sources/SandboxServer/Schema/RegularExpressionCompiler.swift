/// A part of a pattern.
indirect enum RegularExpressionNode: Sendable {
    case empty
    case character(CharacterClass)
    case assertion(RegularExpression.Assertion)
    case sequence([RegularExpressionNode])
    case alternatives([RegularExpressionNode])
    case repetition(RegularExpressionNode, minimum: Int, maximum: Int?)
}

extension RegularExpressionNode {
    /// How many copies of its parts the compiler makes at most.
    var maxCopies: Int {
        switch self {
        case .empty, .character, .assertion: 1
        case .sequence(let nodes), .alternatives(let nodes): nodes.map(\.maxCopies).max() ?? 1
        case .repetition(let node, let minimum, let maximum):
            // Each factor is at most 1000 when it gets here.
            max(maximum ?? minimum, 1) * node.maxCopies
        }
    }
}

/// Turns the parts of a pattern into steps.
struct RegularExpressionCompiler {
    private(set) var instructions: [RegularExpression.Instruction] = []

    mutating func append(_ node: RegularExpressionNode) throws(PatternError) {
        guard instructions.count < RegularExpression.maxInstructions else {
            throw PatternError(description: "error parsing regexp: expression too large")
        }
        switch node {
        case .empty: break
        case .character(let accepted): instructions.append(.character(accepted))
        case .assertion(let assertion): instructions.append(.assert(assertion))
        case .sequence(let nodes): for node in nodes { try append(node) }
        case .alternatives(let nodes): try appendAlternatives(nodes)
        case .repetition(let node, let minimum, let maximum): try appendRepetition(of: node, minimum, maximum)
        }
    }

    private mutating func appendAlternatives(_ nodes: [RegularExpressionNode]) throws(PatternError) {
        var ends: [Int] = []
        for (index, node) in nodes.enumerated() {
            guard index < nodes.count - 1 else {
                try append(node)
                break
            }
            let fork = reserve()
            try append(node)
            ends.append(reserve())
            instructions[fork] = .fork(fork + 1, instructions.count)
        }
        for end in ends { instructions[end] = .jump(instructions.count) }
    }

    private mutating func appendRepetition(
        of node: RegularExpressionNode,
        _ minimum: Int,
        _ maximum: Int?
    ) throws(PatternError) {
        for _ in 0..<minimum { try append(node) }
        guard let maximum else {
            let fork = reserve()
            try append(node)
            instructions.append(.jump(fork))
            instructions[fork] = .fork(fork + 1, instructions.count)
            return
        }
        var forks: [Int] = []
        for _ in minimum..<max(minimum, maximum) {
            forks.append(reserve())
            try append(node)
        }
        for fork in forks { instructions[fork] = .fork(fork + 1, instructions.count) }
    }

    /// A step that is filled in when its targets are known.
    private mutating func reserve() -> Int {
        instructions.append(.jump(0))
        return instructions.count - 1
    }
}
