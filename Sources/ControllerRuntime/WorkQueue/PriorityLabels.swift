import Synchronization

/// The values of the label `priority`: the first priorities that were seen, and one value for all that came later.
final class PriorityLabels: Sendable {
    static let overflow = "exceeded_cardinality_limit"

    private let limit: Int
    private let known = Mutex<Set<Int>>([])

    init(limit: Int) {
        self.limit = limit
    }

    /// The counts by label; priorities that were seen before and have no keys now are 0.
    func label(_ counts: [Int: Int]) -> [String: Int] {
        known.withLock { known in
            var labelled: [String: Int] = [:]
            for priority in known { labelled[String(priority)] = 0 }
            if known.count >= limit { labelled[Self.overflow] = 0 }
            for (priority, count) in counts.sorted(by: { $0.key < $1.key }) {
                if known.count < limit { known.insert(priority) }
                labelled[known.contains(priority) ? String(priority) : Self.overflow, default: 0] += count
            }
            return labelled
        }
    }
}
