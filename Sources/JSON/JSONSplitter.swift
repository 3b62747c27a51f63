/// Cuts a stream into its top-level JSON values, however the chunks are cut; a watch is such a stream.
///
/// Every byte is looked at once. Newlines between values are allowed but not needed. The values are cut, not
/// validated: parsing them says whether they are JSON.
///
/// ```swift
/// var splitter = JSONSplitter()
/// for try await chunk in body {
///     for event in try splitter.append(chunk) { handle(try JSONValue(parsing: event)) }
/// }
/// try splitter.finish()
/// ```
public struct JSONSplitter: Sendable {
    private let limits: JSONLimits
    private var framer: ValueFramer
    private var isInsideValue = false
    /// What earlier chunks brought of the current value.
    private var partial: [UInt8] = []
    /// The stream offset of the next chunk.
    private var offset = 0

    /// Makes a splitter; the limits hold for each value.
    public init(limits: JSONLimits = .standard) {
        self.limits = limits
        framer = ValueFramer(maxDepth: limits.maxDepth)
    }

    /// Takes the next bytes and returns the values that they complete, in order.
    ///
    /// - Throws: `JSONError` whose offset counts from the start of the stream; the splitter is unusable then.
    public mutating func append(_ chunk: [UInt8]) throws(JSONError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        let bytes = chunk.span
        var index = 0
        while index < bytes.count {
            if !isInsideValue {
                guard !bytes[index].isJSONSpace else {
                    index += 1
                    continue
                }
                guard framer.begin(with: bytes[index]) else {
                    throw .unexpectedByte("a value", at: offset + index)
                }
                isInsideValue = true
            }
            let end = try framer.scan(bytes, from: index, base: offset)
            try partial.append(chunk[index..<(end ?? chunk.count)], limits, at: offset + index)
            guard let end else { break }
            values.append(partial.take())
            isInsideValue = false
            index = end
        }
        offset += chunk.count
        return values
    }

    /// Ends the stream and returns a last value that only the end completes, such as a number.
    ///
    /// - Throws: `JSONError` when the stream ends inside a value.
    @discardableResult
    public mutating func finish() throws(JSONError) -> [UInt8]? {
        guard isInsideValue else { return nil }
        guard framer.endsWithInput else { throw .unexpectedEnd(at: offset) }
        isInsideValue = false
        return partial.take()
    }
}

extension [UInt8] {
    /// Appends bytes that came at a stream offset, within the size limit.
    mutating func append(_ bytes: ArraySlice<UInt8>, _ limits: JSONLimits, at offset: Int) throws(JSONError) {
        guard bytes.count <= limits.maxBytes - count else {
            throw .tooLarge(limits.maxBytes, at: offset + Swift.max(0, limits.maxBytes - count))
        }
        append(contentsOf: bytes)
    }

    /// Empties this buffer and returns what was in it.
    mutating func take() -> [UInt8] {
        let taken = self
        self = []
        return taken
    }
}
