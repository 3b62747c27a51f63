import KubernetesCore

/// A full list as it arrives, in the order of the server, which keeps seeded runs repeatable without sorting.
struct CacheList<Object: Sendable>: Sendable {
    private(set) var objects: [ObjectKey: StoredObject<Object>] = [:]
    private(set) var order: [ObjectKey] = []
    var resourceVersion = ""

    /// Adds an object; of one that comes twice, the last counts.
    mutating func append(_ object: StoredObject<Object>) {
        if objects.updateValue(object, forKey: object.key) == nil { order.append(object.key) }
    }
}

/// One change of a cache as its server reports it.
enum CacheChange<Object: Sendable>: Sendable {
    /// A full list.
    case replaced(CacheList<Object>)
    /// An object was added or changed; the server's word for which of the two is not trusted, the store knows better.
    case stored(StoredObject<Object>)
    /// An object was deleted; holds its final state.
    case deleted(StoredObject<Object>)
    /// Nothing changed up to a version.
    case bookmark(resourceVersion: String)
}

/// What handlers are told about one object.
struct CacheNotification<Object: Sendable>: Sendable {
    let key: ObjectKey
    let event: InformerEvent<Object>
    /// Whether nothing happened to the object just now: it is part of the initial list, or this is a resync.
    var isRoutine = false
}

extension Store {
    /// Applies a change and says what handlers must be told about it, deletions first.
    ///
    /// A version that is not newer than the stored one of the same object changes nothing (a late reply must not hide
    /// a newer state, OpenSandbox#1673); one that cannot be compared is taken as it comes.
    func apply(_ change: CacheChange<Object>, isInitial: Bool) -> [CacheNotification<Object>] {
        switch change {
        case .bookmark(let resourceVersion):
            advance(to: resourceVersion)
            return []
        case .stored(let new):
            guard !isStale(new) else { return [] }
            return [Self.event(from: set(new), to: new, isInitial: isInitial)]
        case .deleted(let final):
            guard !isStale(final) else { return [] }
            let old = remove(final.key, resourceVersion: final.resourceVersion)
            return [Self.deletion(of: final.key, final: final.object, last: old)].compactMap { $0 }
        case .replaced(let list):
            let old = replace(with: list.objects, resourceVersion: list.resourceVersion)
            return Self.differences(from: old, to: list, isInitial: isInitial)
        }
    }

    private func isStale(_ new: StoredObject<Object>) -> Bool {
        guard let old = stored(new.key), old.uid == new.uid else { return false }
        return ResourceVersion.compare(new.resourceVersion, old.resourceVersion) == .older
    }

    private static func differences(
        from old: [ObjectKey: StoredObject<Object>],
        to new: CacheList<Object>,
        isInitial: Bool
    ) -> [CacheNotification<Object>] {
        var events: [CacheNotification<Object>] = []
        events.reserveCapacity(old.isEmpty ? new.order.count : 0)
        // Sorted, so that the order does not depend on hashing and a seeded run repeats itself.
        for (key, last) in old.filter({ new.objects[$0.key] == nil }).sorted(by: { $0.key < $1.key }) {
            if let event = deletion(of: key, final: nil, last: last) { events.append(event) }
        }
        for key in new.order {
            guard let object = new.objects[key] else { continue }
            if let last = old[key], last.resourceVersion == object.resourceVersion, last.uid == object.uid { continue }
            events.append(event(from: old[key], to: object, isInitial: isInitial))
        }
        return events
    }

    private static func event(
        from old: StoredObject<Object>?,
        to new: StoredObject<Object>,
        isInitial: Bool
    ) -> CacheNotification<Object> {
        let event: InformerEvent<Object> =
            switch new.content {
            case .failure(let failure): .undecodable(failure, last: old?.object)
            case .success(let object):
                if let last = old?.object {
                    .updated(old: last, new: object)
                } else {
                    .added(object, isInInitialList: isInitial)
                }
            }
        return CacheNotification(key: new.key, event: event, isRoutine: isInitial)
    }

    /// A deletion is told when the handlers knew of the object, even if only as undecodable.
    private static func deletion(
        of key: ObjectKey,
        final: Object?,
        last: StoredObject<Object>?
    ) -> CacheNotification<Object>? {
        guard let last else { return nil }
        let event: InformerEvent<Object> =
            if let final { .deleted(final) } else { .deletedFinalStateUnknown(key, last: last.object) }
        return CacheNotification(key: key, event: event)
    }
}
