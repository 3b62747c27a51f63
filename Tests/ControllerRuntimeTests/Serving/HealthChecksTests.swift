import HTTPServer
import Telemetry
import Testing

@testable import ControllerRuntime

@Suite("HealthChecks and HTTPRoutes")
struct HealthChecksTests {
    private struct Broken: Error {}

    private let checks = HealthChecks()
    private let routes = HTTPRoutes()

    init() {
        routes.addHealth("/healthz", checks)
    }

    /// Status and body of a GET; the query as "name=value" or "name".
    private func get(_ path: String, _ query: String..., method: String = "GET") async -> (Int, String) {
        let pairs = query.map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            return (name: parts[0], value: parts.count > 1 ? parts[1] : "")
        }
        let answer = await routes.answer(HTTPServerRequest(method: method, path: path, query: pairs))
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    }

    @Test func `all well is a plain ok that nobody sniffs or guesses`() async {
        let answer = await routes.answer(HTTPServerRequest(path: "/healthz"))
        #expect(answer.status == 200 && answer.body == Array("ok".utf8))
        #expect(answer.headers.contains(HTTPServerHeader(name: "Content-Type", value: "text/plain; charset=utf-8")))
        #expect(answer.headers.contains(HTTPServerHeader(name: "X-Content-Type-Options", value: "nosniff")))
    }

    @Test func `without checks there is ping`() async {
        #expect(await get("/healthz", "verbose") == (200, "[+]ping ok\nhealthz check passed\n"))
        #expect(await get("/healthz/ping") == (200, "ok"))
    }

    @Test func `verbose lists all checks sorted`() async {
        for name in ["web", "caches", "leader"] { checks.add(name) {} }
        #expect(
            await get("/healthz", "verbose")
                == (200, "[+]caches ok\n[+]leader ok\n[+]web ok\nhealthz check passed\n")
        )
    }

    @Test func `a failure lists all checks without its reason`() async {
        checks.add("caches") { throw Broken() }
        checks.add("alive") {}
        #expect(
            await get("/healthz")
                == (500, "[+]alive ok\n[-]caches failed: reason withheld\nhealthz check failed\n")
        )
        #expect(!checks.isHealthy)
    }

    @Test func `excluded checks are not asked, unknown ones are named`() async {
        checks.add("caches") { throw Broken() }
        checks.add("alive") {}
        #expect(await get("/healthz", "exclude=caches") == (200, "ok"))
        #expect(
            await get("/healthz", "exclude=caches", "exclude=b", "exclude=a\"", "verbose")
                == (
                    200,
                    "[+]alive ok\n[+]caches excluded: ok\n"
                        + "warn: some health checks cannot be excluded: no matches for \"a\"\", \"b\"\n"
                        + "healthz check passed\n"
                )
        )
    }

    @Test func `each check has a path of its own`() async {
        checks.add("caches") { throw Broken() }
        checks.add("alive") {}
        #expect(await get("/healthz/alive") == (200, "ok"))
        #expect(await get("/healthz/caches").0 == 500)
        #expect(await get("/healthz/other").0 == 404)
        #expect(await get("/healthz/").0 == 404)
        #expect(await get("/healthz/ping").0 == 404)
    }

    @Test func `the endpoint is called what its path says`() async {
        routes.addHealth("/readyz", checks)
        #expect(await get("/readyz", "verbose").1.hasSuffix("readyz check passed\n"))
    }

    @Test func `the three probes are served, liveness under both of its names`() async {
        let ready = HealthChecks()
        ready.add("caches") { throw Broken() }
        routes.addProbes(live: checks, ready: ready)
        #expect(await get("/livez") == (200, "ok"))
        #expect(await get("/healthz") == (200, "ok"))
        #expect(await get("/readyz") == (500, "[-]caches failed: reason withheld\nreadyz check failed\n"))
    }

    @Test func `metrics are served with the type that Prometheus asks for`() async {
        let registry = MetricsRegistry()
        registry.counter("hits_total", help: "Hits.").increment()
        routes.addMetrics(registry)
        let answer = await routes.answer(HTTPServerRequest(path: "/metrics"))
        let type = HTTPServerHeader(name: "Content-Type", value: "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.headers == [type])
        #expect(String(decoding: answer.body, as: UTF8.self) == registry.exposition())
    }

    @Test(arguments: ["/", "", "/healthzz", "/metrics", "/healthz/../metrics"])
    func `other paths are not found`(path: String) async {
        #expect(await get(path).0 == 404)
    }

    @Test func `only reading is allowed`() async {
        #expect(await get("/healthz", method: "HEAD").0 == 200)
        let answer = await routes.answer(HTTPServerRequest(method: "POST", path: "/healthz"))
        #expect(answer.status == 405)
        #expect(answer.headers.contains(HTTPServerHeader(name: "Allow", value: "GET, HEAD")))
    }

    @Test func `the exact path wins, then the longest subtree`() async {
        routes.add("/a/") { _ in .text("subtree") }
        routes.add("/a/b/") { _ in .text("deeper") }
        routes.add("/a/b") { _ in .text("exact") }
        #expect(await get("/a/x").1 == "subtree")
        #expect(await get("/a/b/c").1 == "deeper")
        #expect(await get("/a/b").1 == "exact")
        routes.add("/a/b") { _ in .text("later") }
        #expect(await get("/a/b").1 == "later")
    }
}
