internal import JSON

/// Whether the defaults of a schema are values that the schema allows.
struct DefaultsReview {
    private var causes: [APIFailure.Cause] = []

    /// The violations by defaults.
    static func causes(of schema: Schema, at path: String) -> [APIFailure.Cause] {
        var review = DefaultsReview()
        review.check(schema, path)
        return review.causes
    }

    private mutating func check(_ schema: Schema, _ path: String) {
        if let value = schema.defaultValue { check(value, schema, "\(path).default") }
        // Below additionalProperties defaults mean nothing.
        if let items = schema.items?.schema { check(items, "\(path).items") }
        for (name, property) in schema.properties.sorted(by: { $0.key < $1.key }) {
            check(property, "\(path).properties[\(name)]")
        }
    }

    private mutating func check(_ value: JSONValue, _ schema: Schema, _ path: String) {
        var pruned = value
        if !schema.prune(&pruned, isObject: schema.isEmbeddedResource).isEmpty {
            causes.append(.invalid(path, value, "must not have unknown fields"))
        }
        let embedded = EmbeddedResources.causes(of: value, schema, at: path)
        causes += embedded.isEmpty ? schema.validate(value, old: nil, field: path) : embedded
    }
}
