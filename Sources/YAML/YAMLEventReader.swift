import CYAML

/// One event of a YAML text, copied out of the library.
struct YAMLEvent {
    enum Kind {
        case streamEnd
        case documentStart
        case alias
        case scalar
        case sequenceStart
        case sequenceEnd
        case mappingStart
        case mappingEnd
    }

    let kind: Kind
    /// From 1.
    let line: Int
    /// From 1.
    let column: Int
    /// A scalar's text.
    let text: String
    let anchor: String?
    /// An explicit tag, resolved: `tag:yaml.org,2002:str` for `!!str`.
    let tag: String?
    /// Whether a scalar is neither quoted nor a block.
    let isPlain: Bool
}

/// Owns one libyaml parser and hands out its events.
@safe struct YAMLEventReader: ~Copyable {
    /// What libyaml objects to, without the file and the field.
    struct Problem: Error {
        let line: Int
        let column: Int
        let message: String
    }

    private let parser: OpaquePointer

    /// Makes a parser with its own copy of the bytes; nil without memory.
    init?(_ bytes: [UInt8]) {
        guard let parser = unsafe cyaml_parser_create(bytes, bytes.count) else { return nil }
        unsafe self.parser = parser
    }

    deinit {
        unsafe cyaml_parser_destroy(parser)
    }

    /// The next event that matters here; document ends and the stream's start are passed over.
    mutating func next() throws(Problem) -> YAMLEvent {
        while true {
            var event = unsafe CYAMLEvent()
            guard unsafe cyaml_parser_next(parser, &event) else { throw problem() }
            // The pointers in the record live until the next call; everything is copied here.
            guard let kind = unsafe Self.kind(event.kind) else { continue }
            return unsafe YAMLEvent(
                kind: kind,
                line: Int(clamping: event.line) + 1,
                column: Int(clamping: event.column) + 1,
                text: Self.text(event),
                anchor: event.anchor.map { unsafe String(cString: $0) },
                tag: event.tag.map { unsafe String(cString: $0) },
                isPlain: event.is_plain
            )
        }
    }

    private static func text(_ event: CYAMLEvent) -> String {
        guard let start = unsafe event.value else { return "" }
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: event.value_length), as: UTF8.self)
    }

    private static func kind(_ kind: CYAMLEventKind) -> YAMLEvent.Kind? {
        switch kind {
        case CYAML_STREAM_END: .streamEnd
        case CYAML_DOCUMENT_START: .documentStart
        case CYAML_ALIAS: .alias
        case CYAML_SCALAR: .scalar
        case CYAML_SEQUENCE_START: .sequenceStart
        case CYAML_SEQUENCE_END: .sequenceEnd
        case CYAML_MAPPING_START: .mappingStart
        case CYAML_MAPPING_END: .mappingEnd
        default: nil
        }
    }

    private func problem() -> Problem {
        let problem = unsafe cyaml_parser_problem(parser)
        return unsafe Problem(
            line: Int(clamping: problem.line) + 1,
            column: Int(clamping: problem.column) + 1,
            message: String(cString: problem.message)
        )
    }
}
