package import JSON

/// What is known about the shape of a value: one node of a structural schema.
///
/// Built-in kinds and the versions of CustomResourceDefinitions use the same type; validation, defaulting, pruning,
/// server-side apply, strategic merge patch and the published OpenAPI documents all read it.
package struct Schema: Sendable, Hashable {
    /// The JSON type; `any` for values of unknown shape.
    package enum Kind: String, Sendable, Hashable {
        case object, array, string, integer, number, boolean
        /// `x-kubernetes-int-or-string`.
        case intOrString
        /// `x-kubernetes-preserve-unknown-fields` without a type, and raw JSON.
        case any
    }

    /// `x-kubernetes-list-type`.
    package enum ListType: String, Sendable, Hashable {
        case atomic, set, map
    }

    /// The JSON type.
    package var kind: Kind
    /// For people; shown by `kubectl explain`.
    package var description: String?
    /// The members of an object by name.
    package var properties: [String: Schema] = [:]
    /// The names of the members that have to be there.
    package var required: [String] = []
    /// The schema of the members that are not in `properties`: maps.
    package var additional: Box?
    /// The schema of the elements of an array.
    package var items: Box?
    /// What is filled in where the member is missing.
    package var defaultValue: JSONValue?
    /// Whether objects of built-in kinds show the member even when nothing is set, as Go does with what it holds by value.
    package var isShownUnset = false
    /// Whether `null` is a value.
    package var isNullable = false
    /// `x-kubernetes-preserve-unknown-fields`: members that are not listed are kept.
    package var preservesUnknownFields = false
    /// `x-kubernetes-embedded-resource`.
    package var isEmbeddedResource = false
    /// How a list merges; atomic when absent.
    package var listType: ListType?
    /// The members that identify an element of a list of type `map`.
    package var listMapKeys: [String] = []
    /// `x-kubernetes-map-type: atomic`.
    package var isAtomicMap = false
    /// `x-kubernetes-patch-merge-key`: the list merges by this member under strategic merge patch.
    package var patchMergeKey: String?
    /// `x-kubernetes-patch-strategy`, as `merge` or `merge,retainKeys`.
    package var patchStrategy: String?
    /// Everything else of the schema: bounds, patterns, formats, enumerations, combinators, CEL rules.
    package var constraints: SchemaConstraints?

    /// A schema inside a schema.
    package indirect enum Box: Sendable, Hashable {
        case schema(Schema)

        /// The schema.
        package var schema: Schema {
            switch self {
            case .schema(let schema): schema
            }
        }
    }

    /// Makes a schema that knows the type only.
    package init(_ kind: Kind) {
        self.kind = kind
    }

    /// A value of unknown shape, kept as it is.
    package static var anything: Schema {
        var schema = Schema(.any)
        schema.preservesUnknownFields = true
        return schema
    }
}

/// The rarer rules of a ``Schema``, apart so that most nodes stay small.
package struct SchemaConstraints: Sendable, Hashable {
    /// The keywords as written, without those that are fields of ``Schema``; combinators are here, too.
    package var keywords: JSONObject
    /// `allOf`, parsed.
    package var allOf: [Schema] = []
    /// `anyOf`, parsed.
    package var anyOf: [Schema] = []
    /// `oneOf`, parsed.
    package var oneOf: [Schema] = []
    /// `not`, parsed: one schema or none.
    package var not: [Schema] = []

    /// Keeps the keywords.
    package init(keywords: JSONObject) {
        self.keywords = keywords
    }
}
