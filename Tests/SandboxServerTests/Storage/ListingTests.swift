import JSON
import Testing

@testable import SandboxServer

@Suite("Lists")
struct ListingTests {
    private let configMaps = ResourceID(group: "", plural: "configmaps")
    private let store = ObjectStore()

    private func options(_ query: KeyValuePairs<String, String>) throws -> ListOptions {
        try ListOptions(query: query.map { ($0.key, $0.value) }, labels: FieldLabels(configMaps))
    }

    private func list(
        _ query: KeyValuePairs<String, String> = [:],
        namespace: String? = nil
    ) throws -> ListPage {
        try store.list(configMaps, namespace: namespace, options: options(query))
    }

    private func put(_ names: String..., label: String = "") {
        for name in names {
            let parts = name.split(separator: "/").map(String.init)
            let object: JSONValue = ["metadata": ["name": .string(parts[1]), "labels": ["l": .string(label)]]]
            store.transaction { tx in
                _ = tx.put(configMaps, ObjectName(namespace: parts[0], name: parts[1]), object)
            }
        }
    }

    private func remove(_ namespace: String, _ name: String) {
        store.transaction { tx in _ = tx.remove(configMaps, ObjectName(namespace: namespace, name: name)) }
    }

    private func names(_ page: ListPage) -> [String] {
        page.objects.map { "\($0.name.namespace)/\($0.name.name)" }
    }

    private func failure(_ query: KeyValuePairs<String, String>) throws -> APIFailure {
        try #require(throws: APIFailure.self) { try list(query) }
    }

    // MARK: pages

    @Test("pages show one state, whatever happens between them", arguments: [nil, "b"])
    func pages(namespace: String?) throws {
        put("a/1", "a/2", "b/1", "b/2", "b/3", "c/1")
        let all = names(try list(namespace: namespace))
        var page = try list(["limit": "2"], namespace: namespace)
        var seen = names(page)
        let revision = page.revision
        #expect(page.remainingItemCount == all.count - 2)
        remove("b", "3")
        put("b/21", "c/1", "a/0")
        while let token = page.continueToken {
            page = try list(["limit": "1", "continue": token], namespace: namespace)
            #expect(page.revision == revision && page.objects.count == 1)
            seen += names(page)
        }
        #expect(seen == all)
        #expect(page.remainingItemCount == nil)
    }

    @Test("a limit that everything fits into gives no token")
    func exactLimit() throws {
        put("a/1", "a/2")
        #expect(try list(["limit": "2"]).continueToken == nil)
        #expect(try list(["limit": "0"]).objects.count == 2)
        #expect(try list(["limit": "-1"]).objects.count == 2)
    }

    @Test("with selectors nobody counts what is left")
    func selectedPages() throws {
        put("a/1", "a/2", "a/3", label: "x")
        put("a/4", label: "y")
        let page = try list(["limit": "1", "labelSelector": "l=x"])
        #expect(page.continueToken != nil && page.remainingItemCount == nil)
    }

    @Test("the token is the real server's")
    func tokenText() throws {
        let token = ContinueToken(revision: 130703, after: ObjectName(namespace: "fix", name: "a"))
        let recorded = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTMwNzAzLCJzdGFydCI6Ii9hXHUwMDAwIn0"
        #expect(token.text(in: "fix") == recorded)
        #expect(try ContinueToken(parsing: recorded, namespace: "fix") == token)
        #expect(try ContinueToken(parsing: token.text(in: nil), namespace: nil) == token)
    }

    @Test(
        "a broken token is refused in the real server's words",
        arguments: [
            ("abc", "invalid character 'i' looking for beginning of value"),
            ("a.b", "illegal base64 data at input byte 1"),
            ("e30", "server does not recognize this encoded version \"\""),
            ("eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
            ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0", "encoded start key empty (version meta.k8s.io/v1)"),
            ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIvLi4vYSJ9", "/../a"),
        ]
    )
    func brokenTokens(token: String, why: String) throws {
        let failure = try failure(["continue": token])
        #expect(failure.code == 400 && failure.reason == "BadRequest")
        #expect(failure.message == "invalid continue token: continue key is not valid: \(why)")
    }

    @Test("a token whose state is forgotten comes back as one for the rest of what is there now")
    func expiredToken() throws {
        put("a/1", "a/2", "a/3")
        let token = try #require(try list(["limit": "1"]).continueToken)
        put("a/21")
        store.compact()
        let failure = try failure(["limit": "1", "continue": token])
        #expect(failure.code == 410 && failure.reason == "Expired")
        #expect(failure.message.hasPrefix("The provided continue parameter is too old to display a consistent list"))
        let next = try #require(failure.status.value(at: ["metadata", "continue"])?.stringValue)
        let rest = try list(["continue": next])
        #expect(names(rest) == ["a/2", "a/21", "a/3"] && rest.revision == store.revision)
    }

    // MARK: revisions

    @Test("an exact list shows the state of its revision")
    func exact() throws {
        put("a/1", "a/2")
        let revision = store.revision
        remove("a", "1")
        put("a/2", "a/3", label: "new")
        let page = try list(["resourceVersion": "\(revision)", "resourceVersionMatch": "Exact"])
        #expect(names(page) == ["a/1", "a/2"] && page.revision == revision)
        #expect(page.objects.allSatisfy { $0.labels["l"]?.isEmpty == true })
        #expect(names(try list(["resourceVersion": "\(revision)", "limit": "5"])) == ["a/1", "a/2"])
        for match in ["", "NotOlderThan"] {
            let page = try list(["resourceVersion": "\(revision)", "resourceVersionMatch": match])
            #expect(names(page) == ["a/2", "a/3"])
        }
        store.compact()
        let gone = try failure(["resourceVersion": "\(revision)", "resourceVersionMatch": "Exact"])
        #expect(gone.code == 410 && gone.message == "The resourceVersion for the provided list is too old.")
    }

    @Test("a list of any state is not cut")
    func anyState() throws {
        put("a/1", "a/2", "a/3")
        let page = try list(["resourceVersion": "0", "limit": "1"])
        #expect(page.objects.count == 3 && page.continueToken == nil)
    }

    @Test("a revision that is yet to come is a timeout, as recorded")
    func future() throws {
        let recorded = try SchemaFixtures.exchange("41-list-future-rv").response
        let failure = try failure(["resourceVersion": "999999999", "timeoutSeconds": "1"])
        #expect(failure.code == 504 && failure.retryAfterSeconds == 1)
        #expect(failure.status["details"] == recorded["details"])
        #expect(failure.message == "Timeout: Too large resource version: 999999999, current: \(store.revision)")
    }

    @Test("the history forgets the oldest changes first, each resource for itself")
    func boundedHistory() throws {
        let small = ObjectStore(historyLimit: 3)
        let secrets = ResourceID(group: "", plural: "secrets")
        small.transaction { _ = $0.put(secrets, ObjectName(name: "s"), [:]) }
        for number in 1...10 {
            small.transaction { _ = $0.put(configMaps, ObjectName(name: "\(number)"), [:]) }
        }
        small.read { state in
            #expect(state.changes(of: configMaps, after: 9)?.map(\.revision) == [10, 11, 12])
            #expect(state.changes(of: configMaps, after: 8) == nil)
            #expect(state.changes(of: secrets, after: 0)?.count == 1)
            #expect(state.changes(of: ResourceID(group: "", plural: "pods"), after: 0)?.isEmpty == true)
            #expect(state.oldestRevision(of: configMaps) == 9)
        }
    }

    // MARK: subscribers

    @Test("subscribers hear of all changes in order, also of those that a subscriber makes")
    func subscribers() {
        let heard = Heard()
        store.subscribe { [store, configMaps] changes in
            heard.add(changes.map(\.revision))
            // A reaction, as a controller has it.
            for change in changes where change.old == nil && change.object.name.namespace == "a" {
                store.transaction { tx in
                    _ = tx.put(configMaps, ObjectName(namespace: "copy", name: change.object.name.name), [:])
                }
            }
        }
        put("a/1", "a/2")
        #expect(heard.revisions == [2, 3, 4, 5])
    }

    @Test("a deletion shows the object under the revision of the deletion")
    func deletion() throws {
        put("a/1")
        let heard = Heard()
        store.subscribe { heard.objects($0.map(\.object)) }
        remove("a", "1")
        let object = try #require(heard.all.first)
        #expect(object.revision == store.revision)
        #expect(try object.value().value(at: ["metadata", "resourceVersion"]) == .string("\(store.revision)"))
    }
}
