import Synchronization

@testable import SandboxServer

/// What a subscriber of a store was told.
final class Heard: Sendable {
    private let state = Mutex<(revisions: [UInt64], objects: [StoredObject])>(([], []))

    var revisions: [UInt64] { state.withLock { $0.revisions } }
    var all: [StoredObject] { state.withLock { $0.objects } }

    func add(_ revisions: [UInt64]) {
        state.withLock { $0.revisions += revisions }
    }

    func objects(_ objects: [StoredObject]) {
        state.withLock { $0.objects += objects }
    }
}
