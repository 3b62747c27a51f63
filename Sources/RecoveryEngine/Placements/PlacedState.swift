package import KubernetesCore
internal import RecoveryAPI

/// What a member cluster has of a placement.
package struct PlacedState: Sendable, Hashable {
    /// How an object on the member compares to its manifest.
    package enum Verdict: Sendable, Hashable {
        /// The declared fields are as declared.
        case inSync
        /// There is no such object.
        case missing
        /// These declared fields have other values.
        case drifted([String])
        /// An object of that name is there and does not carry the placement's uid; the text says whose it is.
        case foreign(String)
        /// The member says no, in these words.
        case refused(String)
        /// The member does not serve the kind yet, but a CustomResourceDefinition of the placement will.
        case awaited(String)
        /// Its label `recovery.tmc.io/exclude` keeps everybody away: whatever it looks like, nothing is to be done.
        case excluded

        /// Whether nothing is left to be applied.
        var isSettled: Bool { self == .inSync || self == .excluded }
    }

    /// One object.
    package struct Object: Sendable, Hashable, CustomStringConvertible {
        /// The manifest, as it is applied.
        package var manifest: PlacedManifest
        /// Where the member serves the kind; nil when it does not.
        package var resource: APIResource?
        /// How it compares.
        package var verdict: Verdict
        /// The live object's uid; nil when there is none.
        package var uid: String?
        /// Why it is not ready; nil when it is, or is not there.
        package var problem: String?

        /// `Deployment production/web`.
        package var description: String { manifest.description(resource) }
        /// Namespace and name on the member.
        package var key: ObjectKey {
            ObjectKey(
                namespace: resource?.isNamespaced == false ? nil : manifest.namespace,
                name: manifest.name
            )
        }
    }

    /// The member's name.
    package var cluster: String
    /// The hash of the manifests that were compared.
    package var hash: String
    /// The objects, in the order in which they are applied.
    package var objects: [Object] = []
    /// Whether the manifests have changed since they were applied last, so that all have to be applied.
    package var isOutdated: Bool

    /// Whether every object is as its manifest declares.
    package var isInSync: Bool { !isOutdated && objects.allSatisfy(\.verdict.isSettled) }
    /// The uids of the objects that are there.
    package var uids: [String] { objects.compactMap(\.uid) }
    /// Whether every object is as declared and ready.
    package var isReady: Bool { isInSync && objects.allSatisfy { $0.problem == nil } }
    /// The objects that belong to somebody else.
    package var conflicts: [PlacedConflict] {
        objects.compactMap { object in
            guard case .foreign(let owner) = object.verdict else { return nil }
            return PlacedConflict(cluster: cluster, object: object.description, owner: owner)
        }
    }
    /// The objects that the member refuses, with its words.
    package var refusals: [String] {
        objects.compactMap { object in
            guard case .refused(let message) = object.verdict else { return nil }
            return "\(object.description): \(message)"
        }
    }
    /// The objects that drifted, with the fields.
    package var drift: [String] {
        objects.compactMap { object in
            switch object.verdict {
            case .drifted(let fields): "\(object.description): \(fields.joined(separator: ", "))"
            case .missing: "\(object.description): missing"
            case .inSync, .foreign, .refused, .awaited, .excluded: nil
            }
        }
    }
    /// What is waited for.
    package var waits: [String] {
        objects.compactMap { object in
            if case .awaited(let message) = object.verdict { return "\(object.description): \(message)" }
            return object.problem.map { "\(object.description) \($0)" }
        }
    }

    /// The state in words: the worst first, short enough for a condition.
    package var message: String {
        let problems = conflicts.map(\.description) + refusals + drift + waits
        if problems.isEmpty {
            let excluded = objects.filter { $0.verdict == .excluded }
            let names = excluded.map(\.description).joined(separator: ", ")
            let left = excluded.isEmpty ? "" : "; left alone by label: \(names)"
            return String("\(objects.count - excluded.count) objects are in sync and ready\(left)".prefix(1_024))
        }
        let more = problems.count > 3 ? "; and \(problems.count - 3) more" : ""
        return String((problems.prefix(3).joined(separator: "; ") + more).prefix(1_024))
    }
}

/// An object on a member that a placement wants and somebody else has: it is never taken by force.
package struct PlacedConflict: Error, Sendable, Hashable, CustomStringConvertible {
    /// The member.
    package var cluster: String
    /// `Deployment production/web`.
    package var object: String
    /// Who has it, as far as it tells.
    package var owner: String

    /// What is wrong, in words.
    package var description: String { "\(object) exists on \(cluster) and belongs to \(owner)" }
}

/// What became of the objects of a placement that were to be removed from a member.
package struct PlacedRemoval: Sendable, Hashable {
    /// Objects that are gone.
    package var removed: [String] = []
    /// Objects that are on their way out: finalizers or a grace period hold them.
    package var leaving: [String] = []
    /// Data, and what holds it, that stays on purpose.
    package var kept: [String] = []
    /// Objects by uid that are the copy on another cluster, too, with that cluster: both MemberClusters lead to one server.
    package var shared: [String: String] = [:]
    /// Objects that stay because their label `recovery.tmc.io/exclude` says so.
    package var excluded: [String] = []

    /// Whether nothing is left that should be gone.
    package var isComplete: Bool { leaving.isEmpty }
}
