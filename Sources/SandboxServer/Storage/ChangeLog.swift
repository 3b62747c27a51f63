/// The latest changes of one resource, oldest first: what watches and consistent lists at older revisions read.
struct ChangeLog: Sendable {
    /// The revision after which every change is here.
    private(set) var compacted: UInt64
    /// The kept changes lie from `first` on.
    private var changes: [ObjectStore.Change] = []
    private var first = 0

    /// A log in which nothing is missing since a revision.
    init(since revision: UInt64) {
        compacted = revision
    }

    /// Adds a change and forgets the oldest ones above `limit`.
    mutating func append(_ change: ObjectStore.Change, limit: Int) {
        changes.append(change)
        let excess = changes.count - first - limit
        guard excess > 0 else { return }
        drop(excess)
    }

    /// Forgets all changes up to a revision.
    mutating func compact(to revision: UInt64) {
        compacted = max(compacted, revision)
        drop(index(after: revision) - first)
    }

    /// The changes after a revision, oldest first; nil when some of them are forgotten.
    func changes(after revision: UInt64) -> ArraySlice<ObjectStore.Change>? {
        revision < compacted ? nil : changes[index(after: revision)...]
    }

    private mutating func drop(_ count: Int) {
        guard count > 0 else { return }
        compacted = max(compacted, changes[first + count - 1].revision)
        first += count
        // Moving the rest only when half is gone keeps the cost of a change constant.
        guard first > changes.count / 2 else { return }
        changes.removeFirst(first)
        first = 0
    }

    private func index(after revision: UInt64) -> Int {
        var low = first
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].revision > revision { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
