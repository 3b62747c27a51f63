internal import FoundationEssentials
internal import JSON
internal import Timekeeping

/// An object by resource and name.
struct ObjectReference: Sendable, Hashable, CustomStringConvertible {
    var resource: ResourceID
    var name: ObjectName

    var description: String { "\(resource.qualifiedName) \(name.namespace)/\(name.name)" }
}

/// One concern of the cluster: says which objects a change makes it look at, and does what is due for one of them.
protocol Reconciler: Sendable {
    /// Who it is in `metadata.managedFields`.
    var manager: String { get }

    /// The objects to look at again after a change; called for every change, in order.
    mutating func objects(toReconcileAfter change: ObjectStore.Change) throws(APIFailure) -> [ObjectReference]

    /// Does what is due for an object, which may be gone by now.
    ///
    /// - Returns: after how long to look again when nothing changes meanwhile.
    mutating func reconcile(
        _ object: ObjectReference,
        _ tx: inout ObjectStore.Transaction,
        _ context: ReconcileContext
    ) throws(APIFailure) -> Duration?
}

extension Reconciler {
    /// Most of them are parts of one program in a real cluster.
    var manager: String { ReconcileContext.controllerManager }
}

/// What decisions need beside the objects.
struct ReconcileContext: Sendable {
    static let controllerManager = "kube-controller-manager"

    /// The wall clock.
    let now: Date
    /// All resources that are served now.
    let definitions: @Sendable () -> [ResourceDefinition]
    /// Who writes, in `metadata.managedFields`.
    var manager = controllerManager

    /// The current time as stored in objects.
    var timestamp: JSONValue { timestamp(now) }

    /// A time as stored in objects: whole seconds.
    func timestamp(_ date: Date) -> JSONValue {
        RFC3339.string(from: date).map { .string($0) } ?? .null
    }

    /// How long before `now` a stored time was; nil when it is no time.
    func age(of timestamp: JSONValue?) -> Duration? {
        timestamp?.stringValue.flatMap(RFC3339.date).map { .seconds(now.timeIntervalSince($0)) }
    }

    /// How long until `delay` after a stored time; nil when that has passed or the time is missing.
    func remaining(of delay: Duration, since timestamp: JSONValue?) -> Duration? {
        guard let age = age(of: timestamp), age < delay else { return nil }
        return delay - age
    }
}

/// The objects to look at: first in, first out, each once; and those to look at later.
struct ReconcileQueue {
    struct Key: Hashable {
        /// The position of the reconciler.
        var reconciler: Int
        var object: ObjectReference
    }

    private var ready: [Key] = []
    private var head = 0
    private var waiting: Set<Key> = []
    private var later: [Key: MonotonicInstant] = [:]
    /// No later one is due before; spares looking through all of them.
    private var earliest: MonotonicInstant?

    /// When the first of the later ones is due.
    var nextDue: MonotonicInstant? { later.values.min() }

    mutating func add(_ key: Key) {
        later[key] = nil
        if waiting.insert(key).inserted { ready.append(key) }
    }

    /// A key that waits already is looked at anyway and then says again when it is due.
    mutating func add(_ key: Key, at instant: MonotonicInstant) {
        guard !waiting.contains(key) else { return }
        later[key] = instant
        earliest = min(earliest ?? instant, instant)
    }

    mutating func promoteDue(_ now: MonotonicInstant) {
        guard let earliest, earliest <= now else { return }
        for (key, _) in later.filter({ $0.value <= now }).sorted(by: { $0.value < $1.value }) { add(key) }
        self.earliest = nextDue
    }

    mutating func next() -> Key? {
        guard head < ready.count else {
            ready.removeAll(keepingCapacity: ready.count < 1000)
            head = 0
            return nil
        }
        let key = ready[head]
        head += 1
        waiting.remove(key)
        if head > 1000, head > ready.count / 2 {
            ready.removeFirst(head)
            head = 0
        }
        return key
    }
}
