import FoundationEssentials
import JSON
import KubernetesCore

extension FakeState {
    /// Answers PATCH: merge, JSON patch, and a simple server-side apply.
    ///
    /// Apply merges like a merge patch, makes missing objects and notes the manager; it neither removes fields that a
    /// manager no longer applies nor finds conflicts of ownership. Strategic patches merge in the same way, for built-in
    /// kinds only.
    mutating func patch(_ request: FakeRequest, _ target: FakeTarget, _ key: ObjectKey, now: Date) -> FakeReply {
        let type = request.header("Content-Type") ?? ""
        guard let old = objects[target.collection]?[key] else {
            guard type.hasPrefix("application/apply-patch"), target.subresource == nil else { return .notFound(target) }
            return applyNew(request, target, key, now: now)
        }
        switch type.split(separator: ";").first {
        case "application/merge-patch+json", "application/apply-patch+yaml":
            return merge(request, target, key, old)
        case "application/strategic-merge-patch+json":
            guard !target.collection.group.contains(".") || target.collection.group.hasSuffix(".k8s.io") else {
                return .failure(415, "UnsupportedMediaType", "custom resources know no strategic merge")
            }
            return merge(request, target, key, old)
        case "application/json-patch+json":
            do {
                let patched = try JSONPatch(request.json).apply(to: old)
                return write(patched, over: old, request, target, key)
            } catch {
                return .failure(422, "Invalid", "\(error)")
            }
        default:
            return .failure(415, "UnsupportedMediaType", "unknown patch type \(type)")
        }
    }

    private mutating func merge(
        _ request: FakeRequest,
        _ target: FakeTarget,
        _ key: ObjectKey,
        _ old: JSONValue
    ) -> FakeReply {
        let patch = request.json
        guard patch.objectValue != nil else { return .failure(400, "BadRequest", "the patch is no JSON object") }
        // A uid or version in the patch differs from the old one after merging, and then fails as a precondition.
        return write(JSONMergePatch.apply(patch, to: old), over: old, request, target, key)
    }

    private mutating func applyNew(
        _ request: FakeRequest,
        _ target: FakeTarget,
        _ key: ObjectKey,
        now: Date
    ) -> FakeReply {
        var object = request.json
        guard object.objectValue != nil, request.query["fieldManager"] != nil else {
            return .failure(422, "Invalid", "apply needs an object and a fieldManager")
        }
        if let uid = object["metadata"]?["uid"]?.stringValue, !uid.isEmpty {
            return .conflict(target, "Precondition failed: UID in precondition: \(uid)")
        }
        if let namespace = target.namespace { object.set(.string(namespace), at: ["metadata", "namespace"]) }
        object.set(.string(key.name), at: ["metadata", "name"])
        object["status"] = nil
        return FakeReply(status: 201, insert(object, key, target.collection, request, now: now))
    }
}

extension JSONPatch {
    /// Reads the JSON form.
    fileprivate init(_ value: JSONValue) throws {
        guard let list = value.arrayValue else { throw ObjectFormatError("a JSON patch is a list") }
        self.init(
            try list.map { entry in
                let path = Self.path(entry["path"])
                let value = entry["value"] ?? .null
                switch entry["op"]?.stringValue {
                case "add": return .add(path, value)
                case "remove": return .remove(path)
                case "replace": return .replace(path, value)
                case "move": return .move(from: Self.path(entry["from"]), to: path)
                case "copy": return .copy(from: Self.path(entry["from"]), to: path)
                case "test": return .test(path, value)
                default: throw ObjectFormatError("unknown operation")
                }
            }
        )
    }

    /// The keys of a JSON pointer.
    private static func path(_ pointer: JSONValue?) -> [String] {
        (pointer?.stringValue ?? "").split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }
}
