import JSON

/// Makes documents of the events of one text, within limits.
///
/// Aliases are expanded by sharing the anchored value, but every use counts with all its nodes and its depth, so that
/// nobody downstream meets a document that is larger than the limits.
struct YAMLComposer: ~Copyable {
    /// A value with what it counts.
    struct Node {
        var value: JSONValue
        /// This value, its keys and all below.
        var nodes = 1
        /// Containers inside one another, this one included.
        var depth = 0
        /// Whether it is a plain `<<`.
        var isMergeKey = false
    }

    private enum PathStep {
        case key(String)
        case index(Int)
    }

    private let source: String
    private let limits: YAMLLimits
    private var reader: YAMLEventReader
    private var anchors: [String: Node] = [:]
    private var nodes = 0
    private var path: [PathStep] = []
    /// The line of every value by its path; nil when nobody asks for it.
    private(set) var lines: [String: Int]?

    init(
        _ bytes: [UInt8],
        source: String,
        limits: YAMLLimits,
        recordsLines: Bool = false
    ) throws(YAMLError) {
        lines = recordsLines ? [:] : nil
        self.source = source
        self.limits = limits
        guard bytes.count <= limits.maxBytes else {
            throw Self.error(source, "the text is larger than \(limits.maxBytes) bytes")
        }
        guard let reader = YAMLEventReader(bytes) else { throw Self.error(source, "out of memory") }
        self.reader = reader
    }

    private static func error(_ source: String, _ message: String) -> YAMLError {
        YAMLError(source: source, line: 1, column: 1, path: "", message: message)
    }

    /// The next document and where it starts; nil behind the last one.
    mutating func nextDocument() throws(YAMLError) -> (value: JSONValue, start: YAMLEvent)? {
        while true {
            let event = try next()
            if event.kind == .streamEnd { return nil }
            guard event.kind == .documentStart else { continue }
            anchors = [:]
            let root = try next()
            return (try node(root, depth: 0).value, root)
        }
    }

    /// An error at an event.
    func error(_ message: String, at event: YAMLEvent) -> YAMLError {
        YAMLError(source: source, line: event.line, column: event.column, path: pathText, message: message)
    }

    private mutating func next() throws(YAMLError) -> YAMLEvent {
        do throws(YAMLEventReader.Problem) {
            return try reader.next()
        } catch {
            throw YAMLError(
                source: source,
                line: error.line,
                column: error.column,
                path: pathText,
                message: error.message
            )
        }
    }

    /// Composes the value that an event starts; `depth` containers are around it.
    private mutating func node(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Node {
        recordLine(of: event)
        if event.kind == .alias { return try alias(event, depth: depth) }
        try count(1, at: event)
        let node: Node
        switch event.kind {
        case .scalar:
            node = Node(
                value: try scalar(event),
                isMergeKey: event.isPlain && event.tag == nil && event.text == "<<"
            )
        case .sequenceStart:
            node = try sequence(event, depth: depth + 1)
        case .mappingStart:
            node = try mapping(event, depth: depth + 1)
        default:
            throw error("expected a value", at: event)
        }
        if let anchor = event.anchor { anchors[anchor] = node }
        return node
    }

    private mutating func recordLine(of event: YAMLEvent) {
        guard lines != nil else { return }
        let path = pathText
        // The first event counts: the keys of a mapping come here with the path of the mapping.
        if lines?[path] == nil { lines?[path] = event.line }
    }

    private mutating func count(_ more: Int, at event: YAMLEvent) throws(YAMLError) {
        guard more <= limits.maxNodes - nodes else { throw error("more than \(limits.maxNodes) values", at: event) }
        nodes += more
    }

    private func checkDepth(_ depth: Int, at event: YAMLEvent) throws(YAMLError) {
        guard depth <= limits.maxDepth else { throw error("nested deeper than \(limits.maxDepth)", at: event) }
    }

    private mutating func alias(_ event: YAMLEvent, depth: Int) throws(YAMLError) -> Node {
        // An anchor counts only behind its value, so a value cannot contain itself.
        guard var node = anchors[event.anchor ?? ""] else { throw error("unknown alias", at: event) }
        try count(node.nodes, at: event)
        try checkDepth(depth + node.depth, at: event)
        node.isMergeKey = false
        return node
    }

    private mutating func sequence(_ start: YAMLEvent, depth: Int) throws(YAMLError) -> Node {
        try checkDepth(depth, at: start)
        try requireTag("seq", of: start)
        var elements: [JSONValue] = []
        var result = Node(value: .null, depth: 1)
        while true {
            let event = try next()
            guard event.kind != .sequenceEnd else { break }
            path.append(.index(elements.count))
            let element = try node(event, depth: depth)
            path.removeLast()
            elements.append(element.value)
            result.take(element)
        }
        result.value = .array(elements)
        return result
    }

    private mutating func mapping(_ start: YAMLEvent, depth: Int) throws(YAMLError) -> Node {
        try checkDepth(depth, at: start)
        try requireTag("map", of: start)
        var members = JSONObject()
        var merged: JSONObject?
        var result = Node(value: .null, depth: 1)
        while true {
            let keyEvent = try next()
            guard keyEvent.kind != .mappingEnd else { break }
            let keyNode = try node(keyEvent, depth: depth)
            let key = try self.key(keyNode, keyEvent)
            path.append(.key(key))
            let isDuplicate = keyNode.isMergeKey ? merged != nil : members[key] != nil
            guard !isDuplicate else { throw error("the key occurs twice", at: keyEvent) }
            let valueEvent = try next()
            let value = try node(valueEvent, depth: depth)
            if keyNode.isMergeKey {
                merged = try mergeSource(value.value, valueEvent)
            } else {
                members[key] = value.value
            }
            path.removeLast()
            result.take(keyNode)
            result.take(value)
        }
        // What the mapping says itself wins over what it merges in.
        result.value = .object(members.merging(merged ?? [:]) { own, _ in own })
        return result
    }

    /// The members that `<<` brings in: one mapping, or several of which the first one wins.
    private func mergeSource(_ value: JSONValue, _ event: YAMLEvent) throws(YAMLError) -> JSONObject {
        var members = JSONObject()
        for source in value.arrayValue ?? [value] {
            guard case .object(let more) = source else { throw error("only mappings can be merged", at: event) }
            members.merge(more) { first, _ in first }
        }
        return members
    }

    /// The text of a key; numbers and booleans are written as JSON writes them.
    private func key(_ node: Node, _ event: YAMLEvent) throws(YAMLError) -> String {
        switch node.value {
        case .string(let text): return text
        case .number, .bool: return node.value.text
        case .null, .array, .object: throw error("a key must be a string", at: event)
        }
    }

    private var pathText: String {
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}

extension YAMLComposer.Node {
    /// Counts a value inside this one.
    fileprivate mutating func take(_ inner: Self) {
        nodes += inner.nodes
        depth = max(depth, inner.depth + 1)
    }
}

extension YAMLComposer {
    private static let tagPrefix = "tag:yaml.org,2002:"

    /// Accepts a container without a tag or with the core one.
    private func requireTag(_ name: String, of event: YAMLEvent) throws(YAMLError) {
        guard let tag = event.tag, tag != "!", tag != Self.tagPrefix + name else { return }
        throw error("this tag is not supported", at: event)
    }

    private func scalar(_ event: YAMLEvent) throws(YAMLError) -> JSONValue {
        guard let tag = event.tag else {
            guard event.isPlain else { return .string(event.text) }
            return try resolved(event)
        }
        guard tag != "!" else { return .string(event.text) }
        let value = try resolved(event)
        switch (tag.hasPrefix(Self.tagPrefix) ? String(tag.dropFirst(Self.tagPrefix.count)) : "", value) {
        case ("str", _): return .string(event.text)
        case ("null", .null), ("bool", .bool), ("float", .number): return value
        case ("int", .number(let number)) where number.int64 != nil: return value
        case ("null", _), ("bool", _), ("float", _), ("int", _):
            throw error("the value does not fit its tag", at: event)
        default: throw error("this tag is not supported", at: event)
        }
    }

    private func resolved(_ event: YAMLEvent) throws(YAMLError) -> JSONValue {
        guard let value = YAMLScalar.resolve(event.text) else {
            throw error("infinities and NaN are not supported", at: event)
        }
        return value
    }
}
