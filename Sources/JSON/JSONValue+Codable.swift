extension JSONValue {
    /// Makes a Swift value of this document.
    ///
    /// Dates are RFC 3339 and data is base64, as in Kubernetes. Numbers must fit their type exactly if it is whole.
    ///
    /// - Throws: `DecodingError` with the coding path of what does not fit.
    public func decode<T: Decodable>(_ type: T.Type) throws -> T {
        try JSONValueDecoder(value: self).unbox(type)
    }

    /// Makes a document of a Swift value.
    ///
    /// - Throws: `EncodingError` with the coding path of what JSON cannot express.
    public init(encoding value: some Encodable) throws {
        self = try JSONValueEncoder(path: nil).box(value)
    }
}

extension JSONValue: Codable {
    /// Takes the document from this module's own decoder, as it is.
    ///
    /// - Throws: `DecodingError` for other decoders: they do not tell what they hold, nor the text of numbers.
    public init(from decoder: any Decoder) throws {
        guard let decoder = decoder as? JSONValueDecoder else {
            let text = "a JSONValue is decoded by JSONValue.decode only"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: text))
        }
        self = decoder.value
    }

    /// Encodes the document; this module's own encoder takes it as it is.
    ///
    /// - Throws: what the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value.dictionary)
        case .number(let value):
            if let whole = value.int64 {
                try container.encode(whole)
            } else {
                try container.encode(value.double)
            }
        }
    }
}

extension JSONObject: Codable {
    /// Takes the object from this module's own decoder, as it is.
    ///
    /// - Throws: `DecodingError` when it is no object, and for other decoders.
    public init(from decoder: any Decoder) throws {
        guard case .object(let object) = try JSONValue(from: decoder) else {
            let context = DecodingError.Context(codingPath: decoder.codingPath, debugDescription: "expected an object")
            throw DecodingError.typeMismatch(JSONObject.self, context)
        }
        self = object
    }

    /// Encodes the object; this module's own encoder takes it as it is.
    ///
    /// - Throws: what the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(JSONValue.object(self))
    }
}

/// The keys from the root to a place, linked upwards; turned into an array only when an error or a type asks for it.
final class CodingPath {
    private let parent: CodingPath?
    private let key: any CodingKey

    init(_ parent: CodingPath?, _ key: any CodingKey) {
        self.parent = parent
        self.key = key
    }

    var keys: [any CodingKey] {
        (parent?.keys ?? []) + [key]
    }
}

/// A key that the bridge makes itself: an array index, or `super`.
struct JSONCodingKey: CodingKey {
    let intValue: Int?

    static let parent = JSONCodingKey()

    private init() {
        intValue = nil
    }

    init(intValue: Int) {
        self.intValue = intValue
    }

    /// No type is decoded by these keys, so only their own names are known.
    init?(stringValue: String) {
        guard stringValue == Self.parent.stringValue else { return nil }
        self = .parent
    }

    var stringValue: String {
        intValue.map { "Index \($0)" } ?? "super"
    }
}
