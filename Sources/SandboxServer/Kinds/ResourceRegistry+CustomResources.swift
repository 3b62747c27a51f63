internal import JSON

extension ResourceRegistry {
    /// Serves from now on what the CustomResourceDefinitions of a store define, each from the moment it is established
    /// until it is gone.
    ///
    /// The registry knows of a change before the subscribers that come later do, so subscribe it first.
    package func follow(_ store: ObjectStore) {
        store.subscribe { [weak self] changes in
            for change in changes where change.resource == CustomResources.id { self?.note(change) }
        }
    }

    private func note(_ change: ObjectStore.Change) {
        do {
            let object = try change.object.value()
            guard CustomResources.isEstablished(object) else { return }
            let definition = try CustomResources.definition(of: object)
            guard change.new != nil else { return remove(definition.id) }
            if let old = try change.old?.value(), CustomResources.isEstablished(old), old["spec"] == object["spec"],
                CustomResources.isTrue("Terminating", of: old) == definition.isTerminating
            {
                return
            }
            set(definition)
        } catch {
            // What the store holds has been validated; a definition that defines nothing is not served.
            return
        }
    }
}
