import HTTPServer
import JSON
import Synchronization
import Testing
import Timekeeping

@testable import SandboxServer

@Suite("Watches")
struct WatchTests {
    private let bench = WatchBench()

    // MARK: where a watch begins

    @Test("a watch from a revision gets what came after it, then what comes, as recorded from a real server")
    func fromRevision() throws {
        bench.put("a")
        let revision = bench.store.revision
        bench.put("a", data: "5")
        bench.put("w")
        let stream = try bench.watch([
            "resourceVersion": "\(revision)", "timeoutSeconds": "3", "allowWatchBookmarks": "true",
        ])
        bench.remove("w")
        #expect(try stream.events().map(\.summary) == ["MODIFIED a 3", "ADDED w 4", "DELETED w 5"])
        bench.clock.advance(by: .seconds(1))
        bench.hub.tickAll()
        let bookmark = try #require(try stream.events().first)
        #expect(bookmark.type == "BOOKMARK")
        #expect(
            bookmark.object == ["kind": "ConfigMap", "apiVersion": "v1", "metadata": ["resourceVersion": "5"]]
        )
        bench.clock.advance(by: .seconds(2))
        bench.hub.tickAll()
        #expect(stream.read() == .finished && bench.hub.count == 0)
    }

    @Test("without a revision the present comes first, without a bookmark", arguments: ["", "0"])
    func fromNow(revision: String) throws {
        bench.put("b")
        bench.put("a")
        let stream = try bench.watch(["resourceVersion": revision, "allowWatchBookmarks": "true"])
        #expect(try stream.events().map(\.summary) == ["ADDED a 3", "ADDED b 2"])
        bench.put("c")
        #expect(try stream.events().map(\.summary) == ["ADDED c 4"])
    }

    @Test("initial events end with a bookmark that says so")
    func initialEvents() throws {
        bench.put("a")
        bench.put("b")
        let query: KeyValuePairs = ["sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"]
        #expect(try bench.watch(query).events().map(\.summary) == ["ADDED a 2", "ADDED b 3"])
        let stream = try bench.watch([
            "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true",
        ])
        bench.put("c")
        let events = try stream.events()
        #expect(events.map(\.summary) == ["ADDED a 2", "ADDED b 3", "BOOKMARK  3", "ADDED c 4"])
        #expect(events.map(\.endsInitialEvents) == [false, false, true, false])
    }

    @Test("initial events at least as new as a revision that is to come end when it has come")
    func futureInitialEvents() throws {
        bench.put("a")
        let stream = try bench.watch([
            "sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true",
            "resourceVersion": "4",
        ])
        #expect(try stream.events().map(\.summary) == ["ADDED a 2"])
        bench.put("b")
        #expect(try stream.events().map(\.summary) == ["ADDED b 3"])
        // Of another resource, which the watch does not see.
        bench.put("s", resource: ResourceID(group: "", plural: "secrets"))
        let events = try stream.events()
        #expect(events.map(\.summary) == ["BOOKMARK  4"] && events.allSatisfy(\.endsInitialEvents))
    }

    @Test("a client that wants no initial events gets none", arguments: ["", "0"])
    func noInitialEvents(revision: String) throws {
        bench.put("a")
        let stream = try bench.watch([
            "sendInitialEvents": "false", "resourceVersionMatch": "NotOlderThan", "resourceVersion": revision,
        ])
        bench.put("b")
        #expect(try stream.events().map(\.summary) == ["ADDED b 3"])
    }

    @Test("a forgotten revision is an error event, as recorded")
    func expired() throws {
        let recorded = try SchemaFixtures.exchange("85-watch-expired").response
        for _ in 0..<20_532 {
            bench.store.transaction { _ = $0.put(WatchBench.configMaps, ObjectName(name: "x"), [:]) }
        }
        bench.store.compact()
        let stream = try bench.watch(["resourceVersion": "1", "timeoutSeconds": "2"])
        let events = try stream.events()
        #expect(.array(events.map { ["type": .string($0.type), "object": $0.object] }) == recorded)
        #expect(stream.read() == .finished && bench.hub.count == 0)
    }

    @Test("the oldest revision that still works is the one before the oldest change")
    func oldest() throws {
        let bench = WatchBench(historyLimit: 2)
        for name in ["a", "b", "c"] { bench.put(name) }
        #expect(try bench.watch(["resourceVersion": "2"]).events().map(\.summary) == ["ADDED b 3", "ADDED c 4"])
        let error = try #require(try bench.watch(["resourceVersion": "1"]).events().first)
        #expect(error.object["message"] == "too old resource version: 1 (2)")
    }

    @Test("a revision that is to come shows only what comes after it")
    func future() throws {
        let stream = try bench.watch(["resourceVersion": "3"])
        for name in ["a", "b", "c"] { bench.put(name) }
        #expect(try stream.events().map(\.summary) == ["ADDED c 4"])
    }

    // MARK: what a watch sees

    @Test("a watch of a namespace sees nothing of others")
    func namespaces() throws {
        bench.put("x", in: "a")
        bench.put("x", in: "b")
        let watches = try ["a", "b", nil].map { try bench.watch(namespace: $0) }
        bench.put("y", in: "a")
        bench.remove("x", in: "b")
        #expect(try watches[0].events().map(\.summary) == ["ADDED x 2", "ADDED y 4"])
        #expect(try watches[1].events().map(\.summary) == ["ADDED x 3", "DELETED x 5"])
        #expect(try watches[2].events().count == 4)
        let late = try bench.watch(["resourceVersion": "3"], namespace: "a")
        #expect(try late.events().map(\.summary) == ["ADDED y 4"])
    }

    @Test("objects that enter or leave a selection are added and deleted", arguments: [true, false])
    func selection(isLive: Bool) throws {
        let first = isLive ? try bench.watch(["labelSelector": "l=x"]) : nil
        bench.put("a", label: "x", data: "1")
        bench.put("a", label: "x", data: "2")
        bench.put("a", label: "y", data: "3")
        bench.put("a", label: "y", data: "4")
        bench.put("a", label: "x", data: "5")
        bench.remove("a")
        bench.put("b", label: "y")
        bench.remove("b")
        let stream = try first ?? bench.watch(["labelSelector": "l=x", "resourceVersion": "1"])
        let events = try stream.events()
        #expect(
            events.map(\.summary) == ["ADDED a 2", "MODIFIED a 3", "DELETED a 4", "ADDED a 6", "DELETED a 7"]
        )
        // It is shown as it was when it still was selected.
        #expect(events.map { $0.object["data"]?["d"]?.stringValue } == ["1", "2", "2", "5", "5"])
    }

    @Test("a watch of one object sees one object")
    func oneObject() throws {
        let stream = try bench.watch(["fieldSelector": "metadata.name=b"])
        for name in ["a", "b", "c"] { bench.put(name) }
        #expect(try stream.events().map(\.name) == ["b"])
    }

    @Test("an event is encoded once for all watches of a representation, and the first one of each on its own")
    func sharedEncodings() throws {
        let calls = Mutex<[String]>([])
        let representation = WatchRepresentation(
            key: "table",
            encode: { object in
                calls.withLock { $0.append("rest") }
                return object.bytes
            },
            encodeFirst: { object in
                calls.withLock { $0.append("first") }
                return object.bytes
            }
        )
        let tables = try (0..<10).map { _ in try bench.watch(representation: representation) }
        let whole = try (0..<10).map { _ in try bench.watch() }
        bench.put("a")
        bench.put("b")
        #expect(calls.withLock { $0 } == ["first", "rest"])
        for stream in tables + whole { #expect(try stream.events().map(\.summary) == ["ADDED a 2", "ADDED b 3"]) }
    }

    @Test("an object that cannot be shown ends the watch with an error event")
    func failingRepresentation() throws {
        let representation = WatchRepresentation(key: "broken") { _ throws in
            throw APIFailure.badRequest("no such version")
        }
        let stream = try bench.watch(representation: representation)
        bench.put("a")
        let events = try stream.events()
        #expect(events.map(\.type) == ["ERROR"] && events.first?.object["message"] == "no such version")
        #expect(stream.read() == .finished)
    }

    // MARK: time

    @Test("a bookmark comes each minute to those who asked, with the revision that everybody has reached")
    func bookmarks() throws {
        let asked = try bench.watch(["allowWatchBookmarks": "true"])
        let other = try bench.watch()
        bench.put("s", resource: ResourceID(group: "", plural: "secrets"))
        for minute in 1...3 {
            bench.clock.advance(by: .seconds(59))
            bench.hub.tickAll()
            #expect(try asked.events().isEmpty, "minute \(minute)")
            bench.clock.advance(by: .seconds(1))
            bench.hub.tickAll()
            #expect(try asked.events().map(\.summary) == ["BOOKMARK  2"], "minute \(minute)")
        }
        #expect(try other.events().isEmpty)
    }

    @Test("a watch without a timeout ends between half an hour and an hour")
    func defaultTimeout() throws {
        let stream = try bench.watch()
        bench.clock.advance(by: .seconds(1799))
        bench.hub.tickAll()
        #expect(!stream.isEnded)
        bench.clock.advance(by: .seconds(1802))
        bench.hub.tickAll()
        #expect(stream.read() == .finished)
    }

    // MARK: slow and leaving clients

    @Test("a client that leaves is forgotten")
    func leaving() throws {
        let streams = try (0..<5).map { _ in try bench.watch(namespace: "a") }
        #expect(bench.hub.count == 5)
        for stream in streams { stream.close() }
        #expect(bench.hub.count == 0)
    }

    @Test("more than a client's buffer waits its turn and arrives complete and in order")
    func backlog() async throws {
        let bench = WatchBench(maxBufferedBytes: 4096)
        for number in 0..<200 { bench.put("initial-\(1000 + number)", data: String(repeating: "x", count: 100)) }
        let stream = try bench.watch()
        for number in 0..<200 { bench.put("live-\(1000 + number)", data: String(repeating: "x", count: 100)) }
        var names: [String] = []
        try await withThrowingTaskGroup { group in
            group.addTask { try await bench.hub.run() }
            let readable = Signal()
            stream.onReadable { readable.send() }
            while names.count < 400 {
                let events = try stream.events()
                names += events.map(\.name)
                if events.isEmpty { try await readable.wait() }
            }
            group.cancelAll()
        }
        #expect(names == (0..<200).map { "initial-\(1000 + $0)" } + (0..<200).map { "live-\(1000 + $0)" })
        #expect(!stream.isClosed)
    }

    @Test("a watch that is behind when its resource goes gets all that was before", .timeLimit(.minutes(1)))
    func finish() async throws {
        let bench = WatchBench(maxBufferedBytes: 4096)
        for number in 0..<200 { bench.put("initial-\(number)", data: String(repeating: "x", count: 100)) }
        let stream = try bench.watch()
        for number in 0..<200 { bench.put("live-\(number)", data: String(repeating: "x", count: 100)) }
        bench.hub.finishAll(of: WatchBench.configMaps)
        #expect(bench.hub.count == 1)
        var lines = 0
        try await withThrowingTaskGroup { group in
            group.addTask { try await bench.hub.run() }
            let readable = Signal()
            stream.onReadable { readable.send() }
            reading: while true {
                switch stream.read() {
                case .bytes(let chunks): lines += chunks.joined().count { $0 == UInt8(ascii: "\n") }
                case .nothing: try await readable.wait()
                case .finished, .closed: break reading
                }
            }
            group.cancelAll()
        }
        #expect(lines == 400)
        #expect(stream.isEnded && !stream.isClosed)
    }

    @Test("a client that takes nothing is cut when its backlog is full")
    func slow() throws {
        let bench = WatchBench(maxBufferedBytes: 1 << 10)
        let stream = try bench.watch()
        let data = String(repeating: "x", count: 8 << 20)
        var count = 0
        while !stream.isClosed, count < 20 {
            bench.put("big", data: data)
            count += 1
        }
        #expect(stream.isClosed && count < 20 && bench.hub.count == 0)
    }

    // MARK: faults

    @Test("a cut watch breaks off after its events, a silent one says nothing more")
    func faultsByEvents() throws {
        let cut = try bench.watch(fault: WatchFault(kind: .cut, afterEvents: 2))
        let silent = try bench.watch(["allowWatchBookmarks": "true"], fault: WatchFault(kind: .silent, afterEvents: 2))
        for name in ["a", "b", "c"] { bench.put(name) }
        #expect(cut.isClosed)
        #expect(try silent.events().map(\.name) == ["a", "b"])
        bench.clock.advance(by: .seconds(7200))
        bench.hub.tickAll()
        #expect(silent.read() == .nothing && !silent.isEnded)
    }

    @Test("faults strike at once or after their time", arguments: [nil, 5] as [Int?])
    func faultsByTime(seconds: Int?) throws {
        bench.put("a")
        let fault = WatchFault(kind: .cut, after: seconds.map { .seconds($0) })
        let stream = try bench.watch(fault: fault)
        #expect(stream.isClosed == (seconds == nil))
        bench.clock.advance(by: .seconds(5))
        bench.hub.tickAll()
        #expect(stream.isClosed)
    }

    @Test("all open watches, or those of one resource, can be cut")
    func cutAll() throws {
        let stream = try bench.watch()
        bench.hub.cutAll(of: ResourceID(group: "", plural: "pods"))
        #expect(!stream.isClosed)
        bench.hub.cutAll()
        #expect(stream.isClosed && bench.hub.count == 0)
    }

    // MARK: many at once

    /// The revisions of a thousand objects as a watch sees them added.
    private func additions(_ stream: HTTPServerStream) async throws -> [UInt64] {
        let readable = Signal()
        stream.onReadable { readable.send() }
        var revisions: [UInt64] = []
        while revisions.count < 1000 {
            let events = try stream.events()
            revisions += events.filter { $0.type == "ADDED" }.compactMap(\.revision)
            if events.isEmpty { try await readable.wait() }
        }
        stream.close()
        return revisions
    }

    @Test("writers and watches at once: every watch sees every change once and in order", .timeLimit(.minutes(1)))
    func concurrent() async throws {
        let bench = bench
        try await withThrowingTaskGroup { group in
            for _ in 0..<4 {
                let stream = try bench.watch()
                group.addTask {
                    let revisions = try await additions(stream)
                    #expect(revisions == Array(2...1001))
                }
            }
            for writer in 0..<4 {
                group.addTask { for number in 0..<250 { bench.put("\(writer)-\(number)") } }
            }
            for _ in 0..<4 {
                // These begin with what is there, in the order of names.
                group.addTask {
                    let revisions = try await additions(bench.watch())
                    #expect(revisions.sorted() == Array(2...1001))
                }
            }
            try await group.waitForAll()
        }
        #expect(bench.hub.count == 0)
    }
}
