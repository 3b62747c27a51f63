import HTTPServer
import JSON
import Testing

@testable import SandboxServer

/// The size that the sandbox is made for; that it works, not how long it takes.
@Suite("Scale")
struct ScaleTests {
    @Test("100,000 objects and 200 watches: pages, changes and every event for every watch")
    func scale() throws {
        let bench = WatchBench()
        let resource = WatchBench.configMaps
        let objects = 100_000
        bench.store.transaction { tx in
            for number in 0..<objects {
                let name = ObjectName(namespace: "ns-\(number % 100)", name: "object-\(number)")
                tx.put(resource, name, ["metadata": ["name": .string(name.name)]])
            }
        }
        let watches = try (0..<200).map { number in
            try bench.watch(
                ["resourceVersion": "\(bench.store.revision)"],
                namespace: number < 100 ? nil : "ns-\(number % 100)"
            )
        }
        for number in 0..<100 { bench.put("object-\(number)", in: "ns-\(number)", data: "new") }
        for (number, stream) in watches.enumerated() {
            let names = try stream.events().map(\.name)
            #expect(names == (number < 100 ? (0..<100).map { "object-\($0)" } : ["object-\(number % 100)"]))
        }
        var options = ListOptions()
        options.limit = 5000
        var seen = 0
        repeat {
            let page = try bench.store.list(resource, options: options)
            seen += page.objects.count
            options.continueToken = page.continueToken
            // Each page is followed by a change that it must not show.
            bench.put("late-\(seen)", in: "ns-0")
        } while options.continueToken != nil
        #expect(seen == objects)
        #expect(try bench.store.list(resource, namespace: "ns-42").objects.count == objects / 100)
    }
}
