import KubernetesCore
import Synchronization

/// The object that was seen last, for the message when a wait fails.
final class LastSeen<Object: Sendable>: Sendable {
    private let object = Mutex<Object?>(nil)

    var value: Object? {
        get { object.withLock { $0 } }
        set { object.withLock { $0 = newValue } }
    }
}

extension WatchEvent {
    /// Added and modified alike: the object as it is now.
    var orModified: WatchEvent {
        if case .modified(let object) = self { .added(object) } else { self }
    }
}
