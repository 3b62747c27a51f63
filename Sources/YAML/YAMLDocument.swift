public import JSON

/// YAML as Kubernetes tools read and write it: one more notation for JSON documents.
///
/// Plain scalars are typed by the rules of kubectl, save that `yes`, `no`, `on`, `off`, `y` and `n` are strings; quoted
/// ones and blocks are always strings. `017`, `0o17`, `0x1f` and `1_000` are numbers, dates are strings, infinities are
/// refused. Anchors, aliases and merge keys work within the limits. A key that occurs twice, keys that are no scalars,
/// and tags beyond the core ones (`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map`, `!!seq`) are errors.
///
/// ```swift
/// let config = try YAMLDocument.parse(bytes, source: "config.yaml")
/// print(YAMLDocument.emit(config))
/// ```
public enum YAMLDocument {
    /// Parses a text that holds one document; an empty text is `null`, and empty documents beside it do not count.
    ///
    /// - Throws: `YAMLError` with file, line, column and field path.
    public static func parse(
        _ bytes: [UInt8],
        source: String,
        limits: YAMLLimits = .standard
    ) throws(YAMLError) -> JSONValue {
        var composer = try YAMLComposer(bytes, source: source, limits: limits)
        return try document(&composer)
    }

    /// Parses a text that holds one document, and tells the line of each value for messages about its content.
    ///
    /// Lines count from 1; their keys are paths as in `YAMLError.path`, such as `users[0].user.token`. What an alias
    /// brings in has the line of the alias only.
    ///
    /// - Throws: `YAMLError` with file, line, column and field path.
    public static func parseWithLines(
        _ bytes: [UInt8],
        source: String,
        limits: YAMLLimits = .standard
    ) throws(YAMLError) -> (value: JSONValue, lines: [String: Int]) {
        var composer = try YAMLComposer(bytes, source: source, limits: limits, recordsLines: true)
        let value = try document(&composer)
        return (value, composer.lines ?? [:])
    }

    private static func document(_ composer: inout YAMLComposer) throws(YAMLError) -> JSONValue {
        var result = JSONValue.null
        while let (value, start) = try composer.nextDocument() {
            guard !value.isNull else { continue }
            guard result.isNull else { throw composer.error("a second document is not allowed here", at: start) }
            result = value
        }
        return result
    }

    /// Parses all documents of a text; empty ones are left out.
    ///
    /// The limits hold for all of them together.
    ///
    /// - Throws: `YAMLError` with file, line, column and field path.
    public static func parseAll(
        _ bytes: [UInt8],
        source: String,
        limits: YAMLLimits = .standard
    ) throws(YAMLError) -> [JSONValue] {
        var composer = try YAMLComposer(bytes, source: source, limits: limits)
        var documents: [JSONValue] = []
        while let (value, _) = try composer.nextDocument() {
            if !value.isNull { documents.append(value) }
        }
        return documents
    }

    /// The document as YAML; apiVersion, kind, metadata, spec and status come first, other keys sorted.
    ///
    /// Strings that a YAML reader could take for something else are quoted, those with line breaks are blocks.
    public static func emit(_ value: JSONValue) -> String {
        // Without memory for the emitter: JSON is YAML, too.
        YAMLEmitter()?.emit(value) ?? value.text
    }
}
