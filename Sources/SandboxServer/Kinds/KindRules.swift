package import JSON

/// What a built-in kind does beyond its schema: values that the server fills in, and rules between fields.
///
/// Custom resources have none.
package struct KindRules: Sendable {
    /// Fills in defaults that depend on other fields, as a pull policy that depends on the tag.
    ///
    /// Runs after the defaults of the schema and before managed fields are kept: the client comes to own these values.
    package var setDefaults: @Sendable (_ object: inout JSONValue) -> Void = { _ in }
    /// Fills in what the server decides when an object is created (`old` is nil) or changed, as a Service's cluster IP.
    ///
    /// Runs after defaulting and before validation; metadata (uid, times, generation) is not its business.
    package var complete: @Sendable (_ object: inout JSONValue, _ old: JSONValue?) -> Void = { _, _ in }
    /// The violations of rules that a schema cannot express; immutable fields included.
    package var validate: @Sendable (_ object: JSONValue, _ old: JSONValue?) -> [APIFailure.Cause] = { _, _ in [] }

    /// The same for a write to `/status`, which is not held responsible for the rest of the object.
    package var validateStatus: @Sendable (_ object: JSONValue, _ old: JSONValue?) -> [APIFailure.Cause] = { _, _ in
        []
    }

    /// Rules of a kind without any.
    package init() {}
}
