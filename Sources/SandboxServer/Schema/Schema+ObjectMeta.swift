extension Schema {
    /// `metadata` of every object.
    package static let objectMeta: Schema = {
        var builder = SchemaBuilder(TypeTable([TypeTexts.meta]))
        return builder.schema(of: "ObjectMeta")
    }()
}
