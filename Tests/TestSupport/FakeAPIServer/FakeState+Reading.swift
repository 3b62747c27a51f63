import JSON
import KubernetesCore

extension FakeState {
    /// Answers GET of an object.
    func get(_ request: FakeRequest, _ target: FakeTarget, _ key: ObjectKey) -> FakeReply {
        let isCacheRead = request.query["resourceVersion"] == "0"
        var view = objects
        if let staleView, isCacheRead || staleView.includesConsistentReads { view = staleView.objects }
        guard let object = view[target.collection]?[key] else { return .notFound(target) }
        if target.subresource == "scale" {
            return FakeReply(["kind": "Scale", "spec": ["replicas": object["spec"]?["replicas"] ?? 1]])
        }
        return FakeReply(object)
    }

    /// Answers GET of a collection, by the rules of a real server for versions, limits and tokens.
    mutating func list(_ request: FakeRequest, _ target: FakeTarget) -> FakeReply {
        let asked = request.query["resourceVersion"] ?? ""
        let limit = Int(request.query["limit"] ?? "") ?? 0
        if let token = request.query["continue"], !token.isEmpty {
            return asked.isEmpty
                ? page(target, token: token, limit: limit)
                : .failure(400, "BadRequest", "specifying resource version is not allowed when using continue")
        }
        var view: (version: Int, objects: Objects) = (version, objects)
        if let staleView, asked == "0" || staleView.includesConsistentReads {
            view = (staleView.version, staleView.objects)
        }
        if let wanted = Int(asked), wanted > view.version { return Self.tooLarge(wanted, view.version) }
        let selector = FakeSelector(namespace: target.namespace, query: request.query)
        let all = list(target.collection, selector, in: view.objects)
        // The watch cache, which serves version 0, knows no limit.
        guard limit > 0, asked != "0", all.count > limit else {
            return listReply(target, all, version: view.version, token: nil)
        }
        let id = nextSnapshot
        nextSnapshot += 1
        snapshots[id] = Snapshot(version: view.version, objects: all)
        return page(target, token: "\(id).0", limit: limit)
    }

    static func tooLarge(_ wanted: Int, _ version: Int) -> FakeReply {
        let cause: JSONValue = ["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]
        let message = "Too large resource version: \(wanted), current: \(version)"
        return .failure(504, "Timeout", message, causes: [cause], retryAfterSeconds: 1)
    }

    private func page(_ target: FakeTarget, token: String, limit: Int) -> FakeReply {
        let parts = token.split(separator: ".").compactMap { Int($0) }
        guard parts.count == 2, let snapshot = snapshots[parts[0]], parts[1] <= snapshot.objects.count else {
            return .failure(410, "Expired", "The provided continue parameter is too old")
        }
        let rest = snapshot.objects.dropFirst(parts[1])
        let items = Array(limit > 0 ? rest.prefix(limit) : rest)
        let next = items.count < rest.count ? "\(parts[0]).\(parts[1] + items.count)" : nil
        return listReply(target, items, version: snapshot.version, token: next)
    }

    private func listReply(
        _ target: FakeTarget,
        _ items: [JSONValue],
        version: Int,
        token: String?
    ) -> FakeReply {
        var metadata: JSONValue = ["resourceVersion": .string(String(version))]
        if let token { metadata["continue"] = .string(token) }
        let bare = items.map { item in
            // As real servers do for built-in kinds: items carry no type.
            var item = item
            if target.collection.group.isEmpty {
                item["kind"] = nil
                item["apiVersion"] = nil
            }
            return item
        }
        return FakeReply([
            "kind": .string(kind(of: target.collection) + "List"),
            "apiVersion": .string(target.collection.apiVersion),
            "metadata": metadata,
            "items": .array(bare),
        ])
    }

    /// Answers the discovery paths from the registered resources.
    func discovery(_ path: String) -> FakeReply? {
        let groups = Set(resources.map(\.group)).subtracting([""]).sorted()
        if path == "/api" { return FakeReply(["kind": "APIVersions", "versions": ["v1"]]) }
        if path == "/apis" {
            return FakeReply(["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map(group))])
        }
        let served = resources.filter { "/apis/\($0.apiVersion)" == path || "/api/\($0.apiVersion)" == path }
        if !served.isEmpty, let version = served.first?.apiVersion {
            return FakeReply([
                "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(version),
                "resources": .array(served.map(Self.entry)),
            ])
        }
        return groups.first { "/apis/\($0)" == path }.map { FakeReply(group($0)) }
    }

    private func group(_ name: String) -> JSONValue {
        let versions = Set(resources.filter { $0.group == name }.map(\.version)).sorted()
        let entries: [JSONValue] = versions.map {
            ["groupVersion": .string("\(name)/\($0)"), "version": .string($0)]
        }
        return [
            "kind": "APIGroup", "apiVersion": "v1", "name": .string(name), "versions": .array(entries),
            "preferredVersion": entries.first ?? .null,
        ]
    }

    private static func entry(_ resource: APIResource) -> JSONValue {
        [
            "name": .string(resource.plural), "kind": .string(resource.kind), "singularName": "",
            "namespaced": .bool(resource.isNamespaced),
            "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        ]
    }
}
