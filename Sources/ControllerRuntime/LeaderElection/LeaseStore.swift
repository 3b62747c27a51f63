import JSON

/// The three requests of leader election on one Lease; answers and arguments are whole objects.
protocol LeaseStore: Sendable {
    /// GET; nil when there is no such Lease.
    func read() async throws -> JSONValue?
    /// POST.
    func create(_ lease: JSONValue) async throws -> JSONValue
    /// PUT, refused unless the object still has the resourceVersion in `lease`.
    ///
    /// - Throws: ``LeaseConflict``, or whatever kept it from being done.
    func update(_ lease: JSONValue) async throws -> JSONValue
}

/// The Lease has changed since it was read.
struct LeaseConflict: Error, Sendable {}
