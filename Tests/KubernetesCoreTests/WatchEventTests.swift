import JSON
import KubernetesCore
import Testing

struct WatchEventTests {
    private func events(_ name: String) throws -> [WatchEvent<Unstructured>] {
        try #require(try Recording(name).body.arrayValue).map { try WatchEvent(json: $0) }
    }

    private func types(_ events: [WatchEvent<Unstructured>]) -> [String] {
        events.map { event in
            switch event {
            case .added(let object): "added \(object.name)"
            case .modified(let object): "modified \(object.name)"
            case .deleted(let object): "deleted \(object.name)"
            case .bookmark(let version, let ends): "bookmark \(version) \(ends)"
            case .error(let status): "error \(status.reason ?? "")"
            }
        }
    }

    @Test func `reads a real watch`() throws {
        #expect(
            types(try events("82-watch")) == ["modified a", "added w", "deleted w", "bookmark 130754 false"]
        )
    }

    @Test func `the initial events of a real watch end with their bookmark`() throws {
        let events = try events("83-watch-initial-events")
        guard case .bookmark(let version, initialEventsEnd: true) = events.last else {
            Issue.record("the last event is \(String(describing: events.last))")
            return
        }
        #expect(ResourceVersion.isComparable(version))
        #expect(events.dropLast().allSatisfy { if case .added = $0 { true } else { false } })
    }

    @Test func `a watch from zero starts with what exists, in no order of versions`() throws {
        #expect(try events("84-watch-from-zero").count == 6)
    }

    @Test func `an expired version ends a real watch with the server's reason`() throws {
        guard case .error(let status) = try events("85-watch-expired").first else {
            Issue.record("no error event")
            return
        }
        #expect(status.isExpired && status.code == 410)
    }

    @Test func `typed objects are decoded`() throws {
        struct ConfigMap: KubernetesObject {
            static let resource = APIResource.configMaps
            var metadata: ObjectMeta
            var data: [String: String]?
        }
        let first = try #require(try Recording("82-watch").body[index: 0])
        guard case .modified(let object) = try WatchEvent<ConfigMap>(json: first) else {
            Issue.record("not modified")
            return
        }
        #expect(object.data == ["j": "5"])
    }

    @Test(
        arguments: [
            (JSONValue.null, "watch event without type or object"),
            (["type": "ADDED"], "watch event without type or object"),
            (["type": "RENAMED", "object": [:]], "unknown watch event type RENAMED"),
            (["type": "BOOKMARK", "object": ["metadata": [:]]], "bookmark without resourceVersion"),
            (["type": "ADDED", "object": ["metadata": ["name": "a"]]], "watch event whose object has no name or kind"),
            (["type": "ADDED", "object": ["kind": "Table"]], "watch event whose object has no name or kind"),
        ] as [(JSONValue, String)]
    )
    func `what is no event is an error`(value: JSONValue, message: String) {
        #expect(throws: ObjectFormatError(message)) { try WatchEvent<Unstructured>(json: value) }
    }

    @Test func `a table in a real watch is no object`() throws {
        let first = try #require(try Recording("87-watch-table").body[index: 0])
        #expect(throws: ObjectFormatError.self) { try WatchEvent<Unstructured>(json: first) }
    }

    @Test func `an error event that is no Status still is an error`() throws {
        guard case .error(let status) = try WatchEvent<Unstructured>(json: ["type": "ERROR", "object": "down"]) else {
            Issue.record("not an error")
            return
        }
        #expect(status.reason == "Unknown")
    }
}
