import HTTPServer
import JSON
import Testing

@testable import SandboxServer

@Suite("FaultPlan")
struct FaultPlanTests {
    private let bench = WatchBench()

    private func plan(_ rules: String..., seed: UInt64 = 1) throws -> FaultPlan {
        FaultPlan(
            store: bench.store,
            watches: bench.hub,
            seed: seed,
            rules: try rules.map { try FaultRule(parsing: $0) }
        )
    }

    private func info(
        _ verb: String,
        _ plural: String,
        group: String = "",
        namespace: String = "a",
        subresource: String = ""
    ) -> RequestInfo {
        var info = RequestInfo(verb: verb, path: "/x")
        info.plural = plural
        info.group = group
        info.namespace = namespace
        info.name = "n"
        info.subresource = subresource
        return info
    }

    private func call(_ plan: FaultPlan, _ method: String, _ body: String = "") throws -> (Int, JSONValue) {
        let request = HTTPServerRequest(method: method, path: FaultPlan.path, body: Array(body.utf8))
        let response = plan.handleAdmin(request)
        return (response.status, try JSONValue(parsing: response.body))
    }

    // MARK: rules

    @Test(
        "a rule hits the requests that it names",
        arguments: [
            ("", true), ("verbs=get", true), ("verbs=list,get", true), ("verbs=list", false),
            ("resources=deployments", true), ("resources=deployments.apps", true), ("resources=pods", false),
            ("resources=deployments/scale", false), ("namespaces=a", true), ("namespaces=b", false),
            ("userAgents=kubectl", true), ("userAgents=curl", false), ("verbs=get resources=pods", false),
            ("rate=0", false), ("count=0", false), ("watch=cut", false),
        ]
    )
    func matching(text: String, isHit: Bool) throws {
        let plan = try plan(text + " status=500")
        let decision = plan.decide(info("get", "deployments", group: "apps"), userAgent: "kubectl/v1.36")
        #expect((decision.failure != nil) == isHit)
    }

    @Test("a rule for a subresource hits that alone")
    func subresources() throws {
        let plan = try plan("resources=pods/eviction status=429")
        #expect(plan.decide(info("create", "pods", subresource: "eviction")).failure?.code == 429)
        #expect(plan.decide(info("create", "pods")).failure == nil)
    }

    @Test(
        "the answer is worded as that of a server in trouble",
        arguments: [
            (429, "TooManyRequests"), (500, "InternalError"), (503, "ServiceUnavailable"), (504, "Timeout"),
            (409, "Conflict"), (410, "Expired"), (401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"),
            (418, ""),
        ]
    )
    func answers(status: Int, reason: String) throws {
        let failure = try #require(plan("status=\(status)").decide(info("get", "pods")).failure)
        #expect(failure.code == status && failure.reason == reason)
        #expect(failure.retryAfterSeconds == (status == 429 ? 1 : nil))
        let later = try plan("status=\(status) retryAfterSeconds=7").decide(info("get", "pods")).failure
        #expect(later?.retryAfterSeconds == 7)
    }

    @Test("delays add up, and of other faults the first one counts")
    func combination() throws {
        let decision = try plan(
            "latencyMilliseconds=200",
            "latencyMilliseconds=50 status=500",
            "status=503 refuse=true"
        ).decide(info("get", "pods"))
        #expect(decision.delay == .milliseconds(250) && decision.failure?.code == 500 && decision.isRefused)
    }

    @Test("a rule hits as often as it says")
    func count() throws {
        let plan = try plan("status=500 count=2")
        #expect(
            (0..<5).map { _ in plan.decide(info("get", "pods")).failure != nil } == [true, true, false, false, false]
        )
    }

    @Test("chances depend on the seed and on the requests of the rule alone")
    func seeds() throws {
        func hits(_ seed: UInt64, noise: Bool) throws -> [Bool] {
            let plan = try plan("resources=pods status=500 rate=0.3", "resources=nodes status=500 rate=0.5", seed: seed)
            return (0..<1000).map { _ in
                if noise { _ = plan.decide(info("get", "nodes")) }
                return plan.decide(info("get", "pods")).failure != nil
            }
        }
        let first = try hits(1, noise: false)
        #expect(try hits(1, noise: true) == first)
        #expect(try hits(2, noise: false) != first)
        #expect((250...350).contains(first.count { $0 }))
    }

    @Test("a rule for watches tells what becomes of the watch")
    func watches() throws {
        let plan = try plan("resources=pods watch=silent afterEvents=3", "watch=cut afterSeconds=9")
        #expect(plan.decide(info("watch", "pods")).watch == WatchFault(kind: .silent, afterEvents: 3))
        #expect(plan.decide(info("watch", "nodes")).watch == WatchFault(kind: .cut, after: .seconds(9)))
        #expect(plan.decide(info("list", "pods")) == FaultPlan.Decision())
    }

    @Test(
        "a rule that makes no sense is refused",
        arguments: [
            "x", "x=1", "status=200", "status=x", "rate=1.5", "rate=-1", "count=-1", "latencyMilliseconds=1.5",
            "latencyMilliseconds=99999999999", "refuse=1", "watch=loud", "afterEvents=1",
        ]
    )
    func nonsense(text: String) throws {
        let failure = try #require(throws: APIFailure.self) { try FaultRule(parsing: text) }
        #expect(failure.code == 400)
    }

    // MARK: the endpoint

    @Test("the plan is put, shown with its hits, put back, and deleted")
    func endpoint() throws {
        let plan = try plan()
        #expect(try call(plan, "GET") == (200, ["seed": 1, "rules": []]))
        let body = """
            {"seed": 7, "rules": [
              {"verbs": ["get"], "resources": ["pods"], "status": 429, "retryAfterSeconds": 2, "rate": 0.5, "count": 9},
              {"latencyMilliseconds": 100, "refuse": true, "namespaces": ["a"], "userAgents": ["k"]},
              {"watch": "cut", "afterEvents": 1, "afterSeconds": 2}]}
            """
        var (status, shown) = try call(plan, "PUT", body)
        #expect(status == 200)
        var expected = try JSONValue(parsing: body)
        for index in 0..<3 {
            expected["rules"] = .array(
                (expected["rules"]?.arrayValue ?? []).enumerated().map { position, rule in
                    var rule = rule
                    if position == index { rule["hit"] = 0 }
                    return rule
                }
            )
        }
        #expect(shown == expected)
        _ = plan.decide(info("get", "nodes"), userAgent: "k")
        (_, shown) = try call(plan, "GET")
        #expect(shown["rules"]?[index: 1]?["hit"] == 1)
        #expect(try call(plan, "PUT", shown.text).0 == 200)
        #expect(try call(plan, "DELETE") == (200, ["seed": 7, "rules": []]))
        #expect(plan.decide(info("get", "pods"), userAgent: "k") == FaultPlan.Decision())
    }

    @Test(
        "a plan that makes no sense changes nothing",
        arguments: [
            "", "[]", "{\"rules\": {}}", "{\"rules\": [1]}", "{\"rules\": [{\"verbs\": [1]}]}", "{\"seed\": -1}",
            "{\"now\": [\"explode\"]}", "{\"other\": 1}", "{\"rules\": [{\"status\": 500}, {\"x\": 1}]}",
        ]
    )
    func refusedPlans(body: String) throws {
        let plan = try plan("status=503")
        let (status, answer) = try call(plan, "PUT", body)
        #expect(status == 400 && answer["reason"] == "BadRequest")
        #expect(plan.decide(info("get", "pods")).failure?.code == 503)
    }

    @Test("other methods are refused, and the endpoint itself is never hit")
    func methods() throws {
        let plan = try plan("status=503")
        #expect(try call(plan, "POST").0 == 405)
        #expect(plan.decide(RequestInfo(verb: "get", path: FaultPlan.path)) == FaultPlan.Decision())
        #expect(plan.decide(RequestInfo(verb: "get", path: "/readyz")).failure != nil)
    }

    @Test("the history can be forgotten and the watches cut at once")
    func actions() throws {
        let plan = try plan()
        bench.put("a")
        bench.put("b")
        let stream = try bench.watch()
        #expect(try call(plan, "PUT", "{\"now\": [\"compact\", \"cutWatches\"]}").0 == 200)
        #expect(stream.isClosed)
        #expect(try bench.watch(["resourceVersion": "2"]).events().map(\.type) == ["ERROR"])
    }
}
