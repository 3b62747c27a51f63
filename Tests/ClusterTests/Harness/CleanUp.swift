/// Runs `body`, and then `cleanUp` in any case.
///
/// - Throws: what `body` throws, else what `cleanUp` throws.
func cleaningUp<Value>(
    _ cleanUp: () async throws -> Void,
    _ body: () async throws -> Value
) async throws -> Value {
    let value: Value
    do {
        value = try await body()
    } catch {
        try await cleanUp()
        throw error
    }
    try await cleanUp()
    return value
}
