/// Where a watch begins: what it sends at first, and from which revision on it follows the changes.
struct WatchBeginning {
    /// What it sends at first.
    let source: WatchSource
    /// The changes after this revision follow.
    let revision: UInt64
    /// The revision to reach before the bookmark that ends the initial events; nil when there is none to send.
    let initialEnd: UInt64?

    /// Decides by the rules of `resourceVersion` and `sendInitialEvents`.
    ///
    /// - Throws: ``APIFailure`` 410 when the history does not reach back that far.
    init(_ request: WatchRequest, revision wanted: UInt64, _ state: borrowing ObjectStore.State) throws(APIFailure) {
        let options = request.options
        // Without a revision the state of now comes first, unless the client says that it has no use for it.
        if options.sendInitialEvents ?? (wanted == 0) {
            source = WatchSource(objects: state.objects[request.resource] ?? OrderedObjects(), in: request.namespace)
            revision = state.revision
            initialEnd = options.sendInitialEvents == true && options.allowsBookmarks ? wanted : nil
            return
        }
        initialEnd = nil
        guard wanted > 0 else {
            source = WatchSource(changes: [])
            revision = state.revision
            return
        }
        guard let changes = state.changes(of: request.resource, after: wanted) else {
            let oldest = state.oldestRevision(of: request.resource)
            throw .expired("too old resource version: \(wanted) (\(oldest))")
        }
        // Copied: a slice would share the log's storage and make the next change copy all of it.
        source = WatchSource(changes: Array(changes))
        revision = max(wanted, state.revision)
    }
}
