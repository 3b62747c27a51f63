extension JSONValue {
    /// Parses exactly one document.
    ///
    /// Invalid UTF-8, half surrogate pairs and raw control characters are errors; a byte order mark is one, too.
    ///
    /// - Throws: `JSONError` with the byte offset of what is wrong.
    public init(
        parsing bytes: some Collection<UInt8>,
        projection: JSONProjection = .all,
        limits: JSONLimits = .standard
    ) throws(JSONError) {
        var parser = JSONParser(limits: limits)
        let array = bytes as? [UInt8] ?? Array(bytes)
        self = try parser.document(array.span, projection: projection)
    }

    /// Parses exactly one document.
    ///
    /// - Throws: `JSONError` with the byte offset of what is wrong.
    public init(
        parsing text: String,
        projection: JSONProjection = .all,
        limits: JSONLimits = .standard
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8), projection: projection, limits: limits)
    }
}
