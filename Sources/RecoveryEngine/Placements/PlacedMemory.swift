internal import JSON
internal import KubernetesCore
internal import RecoveryAPI
internal import Synchronization

/// Remembers which live objects are what a manifest means although they do not read like it, so that the member is
/// asked once for each state of an object and not at every look.
package final class PlacedMemory: Sendable {
    /// Digest of manifest and live object, by member and uid.
    private let digests = Mutex<[String: String]>([:])
    private static let maxEntries = 20_000

    /// Remembers nothing yet.
    package init() {}

    /// Whether the object, in this state, was settled as this manifest.
    func isSettled(_ live: Unstructured, _ cluster: String, as manifest: JSONValue) -> Bool {
        let digest = Self.digest(live, manifest)
        return digests.withLock { $0["\(cluster)/\(live.uid)"] } == digest
    }

    /// Remembers that the object, in this state, is what the manifest means.
    func settle(_ live: Unstructured, _ cluster: String, as manifest: JSONValue) {
        let digest = Self.digest(live, manifest)
        digests.withLock { digests in
            // Objects come and go; asking all of them again once in a while is cheaper than keeping book of them.
            if digests.count >= Self.maxEntries { digests = [:] }
            digests["\(cluster)/\(live.uid)"] = digest
        }
    }

    private static func digest(_ live: Unstructured, _ manifest: JSONValue) -> String {
        let pair = JSONValue.array([manifest, DesiredFields.settled(live.content)])
        return SHA256.hexDigest(of: pair.serialized())
    }
}
