import Telemetry
import TestSupport
import Testing

@Suite("MetricsRegistry")
struct MetricsRegistryTests {
    private let registry = MetricsRegistry()

    private func parsed() throws -> ExpositionParser {
        try ExpositionParser(registry.exposition())
    }

    @Test func `the text is exactly that of the format 0_0_4`() {
        let requests = registry.counter("requests_total", help: "Requests\nserved\\.", labels: ["code", "method"])
        requests.increment("200", "GET")
        requests.increment(by: 2.5, "500", "a\"b\\c\nd")
        registry.gauge("depth", help: "Depth.").set(-3)
        registry.histogram("seconds", help: "Time.", labels: ["verb"], buckets: [1, 0.5]).observe(0.75, "get")
        #expect(
            registry.exposition() == #"""
                # HELP depth Depth.
                # TYPE depth gauge
                depth -3
                # HELP requests_total Requests\nserved\\.
                # TYPE requests_total counter
                requests_total{code="200",method="GET"} 1
                requests_total{code="500",method="a\"b\\c\nd"} 2.5
                # HELP seconds Time.
                # TYPE seconds histogram
                seconds_bucket{verb="get",le="0.5"} 0
                seconds_bucket{verb="get",le="1"} 1
                seconds_bucket{verb="get",le="+Inf"} 1
                seconds_sum{verb="get"} 0.75
                seconds_count{verb="get"} 1

                """#
        )
        #expect(MetricsRegistry.contentType == "text/plain; version=0.0.4; charset=utf-8")
    }

    @Test(arguments: [
        "plain", "", "\n", "\\", "\"", "\\n", "a\r\nb", "größe \u{1F600}", "trailing\\", "{},= ", "\u{0}",
    ])
    func `any label value and help text survives the format`(text: String) throws {
        registry.counter("odd_total", help: text, labels: ["a", "b"]).increment(text, "x")
        #expect(try parsed().value("odd_total", ["a": text, "b": "x"]) == 1)
        #expect(try parsed().families["odd_total"]?.help == text)
    }

    @Test(arguments: [
        (0, "0"), (-0.0, "0"), (1, "1"), (-2, "-2"), (0.1, "0.1"), (1e-8, "1e-08"), (1e15, "1000000000000000"),
        (9_007_199_254_740_992, "9007199254740992.0"), (1e300, "1e+300"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
        (.nan, "NaN"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
        (.leastNonzeroMagnitude, "5e-324"),
    ])
    func `numbers are written as every reader understands them`(value: Double, text: String) throws {
        registry.gauge("g", help: "").set(value)
        #expect(registry.exposition().hasSuffix("\ng \(text)\n"))
        let read = try #require(try parsed().value("g"))
        #expect(read == value || (read.isNaN && value.isNaN))
    }

    @Test func `families and series are sorted and in one piece`() throws {
        for name in ["c_total", "a_total", "b_total"] {
            let counter = registry.counter(name, help: "h", labels: ["x"])
            for value in ["3", "1", "2"] { counter.increment(value) }
        }
        let text = try parsed()
        #expect(text.order == ["a_total", "b_total", "c_total"])
        #expect(text.families["b_total"]?.samples.map { $0.labels["x"] } == ["1", "2", "3"])
    }

    @Test func `a metric without labels is there from the start, one with labels when it is named`() throws {
        _ = registry.counter("plain_total", help: "h")
        let labelled = registry.counter("labelled_total", help: "h", labels: ["result"])
        #expect(try parsed().order == ["plain_total"])
        _ = labelled.series(["success"])
        #expect(try parsed().value("labelled_total", ["result": "success"]) == 0)
    }

    @Test func `the same shape gives the same metric, another one is kept out of sight`() throws {
        let first = registry.counter("same_total", help: "h", labels: ["a"])
        let again = registry.counter("same_total", help: "other words", labels: ["a"])
        #expect(first === again)
        let histogram = registry.histogram("seconds", help: "h", buckets: [1, 2])
        #expect(histogram === registry.histogram("seconds", help: "h", buckets: [2, 1, .infinity]))
        #expect(registry.misuses.isEmpty)

        registry.counter("same_total", help: "h", labels: ["b"]).increment("x")
        registry.gauge("same_total", help: "h", labels: ["a"]).set(7, "x")
        registry.histogram("seconds", help: "h", buckets: [3]).observe(1)
        #expect(try parsed().families["same_total"] == nil)
        #expect(try parsed().value("seconds_count") == 0)
        #expect(registry.misuses == ["same_total", "seconds"])
    }

    @Test func `a wrong number of label values is ignored and noted`() throws {
        let counter = registry.counter("c_total", help: "h", labels: ["a", "b"])
        let gauge = registry.gauge("g", help: "h", labels: ["a"])
        let histogram = registry.histogram("h", help: "h")
        counter.increment("only one")
        counter.increment(labels: [])
        gauge.set(1, "x", "y")
        gauge.add(1)
        histogram.observe(1, "z")
        #expect(try parsed().families["c_total"] == nil)
        #expect(try parsed().families["g"] == nil)
        #expect(try parsed().value("h_count") == 0)
        #expect(registry.misuses == ["c_total", "g", "h"])
    }

    @Test(arguments: ["", "1st", "with-dash", "with space", "größe", "a{b"])
    func `an illegal name is ignored and noted`(name: String) throws {
        registry.counter(name, help: "h").increment()
        registry.gauge("fine", help: "h", labels: [name]).set(1, "x")
        #expect(registry.exposition().isEmpty)
        #expect(registry.misuses == [name, "fine"].sorted())
    }

    @Test(arguments: [["a", "a"], ["__reserved"], ["with:colon"]])
    func `illegal labels are ignored and noted`(labels: [String]) {
        registry.counter("fine:total", help: "h", labels: labels).increment(labels: labels)
        #expect(registry.misuses == ["fine:total"])
        #expect(registry.exposition().isEmpty)
    }

    @Test func `a histogram does not take le as a label`() {
        registry.histogram("h", help: "h", labels: ["le"]).observe(1, "x")
        #expect(registry.misuses == ["h"])
    }

    @Test func `a counter never goes down`() {
        let counter = registry.counter("c_total", help: "h")
        counter.increment(by: 5)
        counter.increment(by: -1)
        counter.increment(by: .nan)
        #expect(counter.value() == 5)
        counter.series([]).raise(to: 4)
        #expect(counter.value() == 5)
        counter.series([]).raise(to: 9)
        #expect(counter.value() == 9)
    }

    @Test func `a gauge goes up, down and away`() throws {
        let gauge = registry.gauge("g", help: "h", labels: ["x"])
        gauge.add(3, "a")
        gauge.add(-1, labels: ["a"])
        gauge.set(1, labels: ["b"])
        #expect(gauge.value("a") == 2)
        gauge.remove(labels: ["b"])
        #expect(try parsed().families["g"]?.samples.count == 1)
        gauge.removeAll()
        #expect(try parsed().families["g"] == nil)
    }

    @Test(arguments: [
        (-1.0, [1.0, 1, 1]), (1, [1, 1, 1]), (1.5, [0, 1, 1]), (2, [0, 1, 1]), (2.1, [0, 0, 1]),
        (.infinity, [0, 0, 1]),
        (.nan, [0, 0, 1]),
    ])
    func `buckets are cumulative and include their bound`(value: Double, expected: [Double]) throws {
        registry.histogram("h", help: "h", buckets: [1, 2]).observe(value)
        let text = try parsed()
        #expect(["1", "2", "+Inf"].map { text.value("h_bucket", ["le": $0]) } == expected)
        #expect(text.value("h_count") == 1)
    }

    @Test func `exponential buckets grow by their factor`() {
        #expect(Histogram.exponentialBuckets(start: 64, factor: 4, count: 3) == [64, 256, 1024])
        #expect(Histogram.exponentialBuckets(start: 1, factor: 2, count: -1).isEmpty)
    }

    @Test func `collectors run at each exposition and may register metrics`() throws {
        let registry = registry
        registry.onCollect { registry.gauge("collected", help: "h").add(1) }
        #expect(try parsed().value("collected") == 1)
        #expect(try parsed().value("collected") == 2)
    }

    @Test(.timeLimit(.minutes(1)))
    func `concurrent increments are all counted`() async throws {
        let counter = registry.counter("c_total", help: "h", labels: ["x"])
        let gauge = registry.gauge("g", help: "h")
        let histogram = registry.histogram("h", help: "h")
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for _ in 0..<2000 {
                        counter.increment("\(worker % 2)")
                        gauge.add(0.5)
                        histogram.observe(1)
                    }
                }
            }
        }
        #expect(counter.value("0") == 4000)
        #expect(gauge.value() == 4000)
        #expect(try parsed().value("h_sum") == 8000)
    }
}
