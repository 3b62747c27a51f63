extension Schema {
    /// `metadata` of every object.
    package static let objectMeta: Schema = {
        var builder = SchemaBuilder(TypeTable([TypeTexts.meta]))
        return builder.schema(of: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")
    }()
}
