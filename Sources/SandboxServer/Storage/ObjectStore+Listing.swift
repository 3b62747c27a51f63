/// What a list request gets: some objects at one revision, and how to go on.
package struct ListPage: Sendable {
    /// The objects, ordered by namespace and name.
    package let objects: [StoredObject]
    /// `metadata.resourceVersion` of the list.
    package let revision: UInt64
    /// `metadata.continue`; nil on the last page.
    package let continueToken: String?
    /// `metadata.remainingItemCount`; nil on the last page, and with selectors, when counting would cost a scan.
    package let remainingItemCount: Int?
}

extension ObjectStore {
    /// The object of that name.
    package func get(_ resource: ResourceID, _ name: ObjectName) -> StoredObject? {
        read { $0.objects[resource]?[name] }
    }

    /// Lists a resource, one namespace of it when given, as the options ask for: page, revision and selectors.
    ///
    /// - Throws: ``APIFailure`` 400 for a broken continue token, 410 when the revision is forgotten, 504 when it is yet
    ///   to come.
    package func list(
        _ resource: ResourceID,
        namespace: String? = nil,
        options: ListOptions = ListOptions()
    ) throws(APIFailure) -> ListPage {
        let start = try options.continueToken.map { text throws(APIFailure) in
            try ContinueToken(parsing: text, namespace: namespace)
        }
        let wanted = try options.listRevision(continuing: start)
        let snapshot = try snapshot(of: resource, at: wanted, continuing: start, namespace: namespace)
        return page(of: snapshot, namespace: namespace, from: start?.name, options: options)
    }

    private struct Snapshot {
        var objects: OrderedObjects
        var revision: UInt64
    }

    /// The objects at a revision; of an older one only those that the page can show are right.
    private func snapshot(
        of resource: ResourceID,
        at wanted: ListOptions.Revision,
        continuing token: ContinueToken?,
        namespace: String?
    ) throws(APIFailure) -> Snapshot {
        let (current, later, needed) = read { state in
            let current = Snapshot(objects: state.objects[resource] ?? OrderedObjects(), revision: state.revision)
            guard case .exactly(let revision) = wanted, revision < state.revision else {
                return (current, ArraySlice<Change>?([]), wanted)
            }
            // Copied: a slice would share the log's storage and make the next change copy all of it.
            return (current, state.changes(of: resource, after: revision).map { ArraySlice(Array($0)) }, wanted)
        }
        switch needed {
        case .atLeast(let revision):
            guard revision <= current.revision else { throw .tooLargeRevision(revision, current: current.revision) }
            return current
        case .exactly(let revision):
            guard revision <= current.revision else { throw .tooLargeRevision(revision, current: current.revision) }
            guard let later else { throw token.map { .expiredContinue($0, in: namespace) } ?? .expiredList }
            var past = Snapshot(objects: current.objects, revision: revision)
            for change in later.reversed() where change.concerns(namespace, from: token?.name) {
                past.objects.undo(change)
            }
            return past
        }
    }

    private func page(
        of snapshot: Snapshot,
        namespace: String?,
        from first: ObjectName?,
        options: ListOptions
    ) -> ListPage {
        let objects = snapshot.objects
        let (start, end) = objects.range(of: namespace)
        let first = first.map { objects.lowerBound($0) } ?? start
        let limit = options.effectiveLimit
        var found: [StoredObject] = []
        var next = first
        objects.forEach(from: first, to: end) { object in
            guard limit == nil || found.count < limit ?? 0 else { return false }
            if options.matches(object) { found.append(object) }
            next = objects.position(after: next)
            return true
        }
        guard let last = found.last, next < end else {
            return ListPage(
                objects: found,
                revision: snapshot.revision,
                continueToken: nil,
                remainingItemCount: nil
            )
        }
        let token = ContinueToken(revision: snapshot.revision, after: last.name)
        return ListPage(
            objects: found,
            revision: snapshot.revision,
            continueToken: token.text(in: namespace),
            remainingItemCount: options.hasSelectors ? nil : objects.distance(from: next, to: end)
        )
    }
}

extension ObjectStore.Change {
    fileprivate func concerns(_ namespace: String?, from first: ObjectName?) -> Bool {
        if let namespace, object.name.namespace != namespace { return false }
        return first.map { !(object.name < $0) } ?? true
    }
}
