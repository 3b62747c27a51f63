internal import FoundationEssentials
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI

extension Rehearsal {
    /// The most bytes of a step's patch, and of its words.
    static let maxText = 1_024

    /// The beginning of a long text; what is left out shows in the hash, so that no change of it is missed.
    static func bounded(_ text: String) -> String {
        guard text.utf8.count > maxText else { return text }
        let rest = " ... (\(text.utf8.count) bytes, sha256 \(SHA256.hexDigest(of: Array(text.utf8)).prefix(32)))"
        return String(decoding: text.utf8.prefix(maxText - rest.utf8.count), as: UTF8.self) + rest
    }
}

extension Rehearsal.Write {
    /// What the write would change: the difference between the object and the server's answer to the dry run.
    ///
    /// - Throws: `ClientError` when the object cannot be read; `JSONError` for an answer that is none.
    func step() async throws -> PlannedStep {
        let after: JSONValue = try answer.body.isEmpty ? [:] : JSONValue(parsing: answer.body)
        let kind = request.resource?.kind ?? ""
        let name = request.name ?? after.value(at: ["metadata", "name"])?.stringValue ?? ""
        let key = ObjectKey(namespace: request.namespace, name: name)
        let part = request.subresource.map { "/\($0)" } ?? ""
        var step = PlannedStep(description: "\(action): \(request.verb.rawValue) \(kind)\(part) \(key)")
        step.target = TargetReference(apiVersion: request.resource?.apiVersion ?? "v1", kind: kind, name: name)
        step.target?.namespace = request.namespace
        // What a Secret holds is not for status.
        guard request.verb != .delete, !request.isSensitive else { return step }
        var before: JSONValue = [:]
        if request.verb != .create, let resource = request.resource {
            before = Self.lasting(try await client.get(resource, key).content)
        }
        step.patch = Rehearsal.bounded(JSONMergePatch.diff(from: before, to: Self.lasting(after)).text)
        return step
    }

    /// Without what only the server writes: it differs from look to look.
    private static func lasting(_ object: JSONValue) -> JSONValue {
        var object = object
        object["status"] = nil
        for field in ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"] {
            object.set(nil, at: ["metadata", field])
        }
        return object
    }
}

extension PlannedStep {
    /// Evictions as one step, with everybody whose pods they are.
    init(evicting pods: [Unstructured], action: String) {
        let names = pods.map(\.key.description).sorted().joined(separator: ", ")
        self.init(description: Rehearsal.bounded("\(action): evict pods (\(pods.count)): \(names)"))
        var owners = Set(pods.map(PodOwner.lastingName)).sorted()
        if owners.count > Self.maxPodsOf {
            let rest = owners[(Self.maxPodsOf - 1)...].joined(separator: "\n")
            let digest = SHA256.hexDigest(of: Array(rest.utf8)).prefix(32)
            owners = owners.prefix(Self.maxPodsOf - 1) + ["others: sha256 \(digest)"]
        }
        podsOf = owners
    }

    /// The creation of an object that has to go first.
    ///
    /// Without its annotations: controllers write those at any time, such as who leads or what was seen last, and an
    /// approval would always come too late. What people change besides makes another plan.
    init(creating object: JSONValue, _ resource: APIResource, _ key: ObjectKey, action: String) {
        var shown = object
        shown.set(nil, at: ["metadata", "annotations"])
        self.init(
            description: "\(action): create \(resource.kind) \(key)",
            target: TargetReference(
                apiVersion: resource.apiVersion,
                kind: resource.kind,
                name: key.name,
                namespace: key.namespace
            ),
            patch: Rehearsal.bounded(JSONMergePatch.diff(from: [:], to: shown).text)
        )
    }
}

extension PlannedStep {
    /// With the moments of the rehearsal hidden, which are others each time.
    func masking(_ times: [String]) -> PlannedStep {
        var step = self
        for time in times {
            step.description = step.description.replacing(time, with: "<time>")
            step.patch = step.patch?.replacing(time, with: "<time>")
        }
        return step
    }
}
