import KubernetesCore
import Synchronization
import Testing

@testable import ControllerRuntime

/// What a handler believes after all that it was told.
final class ToldState: Sendable {
    private let known = Mutex<[ObjectKey: String]>([:])

    /// The version of each object.
    var versions: [ObjectKey: String] { known.withLock { $0 } }

    func note(_ event: InformerEvent<Unstructured>) {
        known.withLock { known in
            switch event {
            case .added(let new, _):
                #expect(known[new.key] == nil)
                known[new.key] = new.resourceVersion
            case .updated(let old, let new):
                #expect(known[new.key] == old.resourceVersion)
                known[new.key] = new.resourceVersion
            case .deleted(let last):
                #expect(known[last.key] != nil)
                known[last.key] = nil
            case .deletedFinalStateUnknown(let key, let last):
                #expect(known[key] == last?.resourceVersion)
                known[key] = nil
            case .undecodable(let failure, _):
                Issue.record("undecodable \(failure)")
            }
        }
    }
}
