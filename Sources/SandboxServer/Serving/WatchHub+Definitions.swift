internal import JSON

extension WatchHub {
    /// Ends from now on the watches of what a CustomResourceDefinition takes away or serves otherwise, as a real server
    /// does, so that clients list again.
    package func followDefinitions() {
        // Subscribed after the hub itself, which has delivered the last deletions by then.
        store.subscribe { [weak self] changes in
            for change in changes {
                guard let resource = Self.resource(changedBy: change) else { continue }
                self?.finishAll(of: resource)
            }
        }
    }

    private static func resource(changedBy change: ObjectStore.Change) -> ResourceID? {
        guard change.resource == CustomResources.id, let old = change.old else { return nil }
        do {
            if let new = change.new, try new.value()["spec"] == old.value()["spec"] { return nil }
        } catch {
            // What the store wrote it can read; if not, to list again does no harm.
        }
        // A definition is named after its plural and its group.
        let parts = old.name.name.split(separator: ".", maxSplits: 1).map(String.init)
        return parts.count == 2 ? ResourceID(group: parts[1], plural: parts[0]) : nil
    }
}
