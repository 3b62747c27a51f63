import RecoveryDecision
import Testing

/// What `/health` says about the controller.
struct ComponentHealthTests {
    typealias Cache = ComponentHealth.Cache

    /// A component that has nothing to complain about.
    private static var well: ComponentHealth.Facts {
        var facts = ComponentHealth.Facts()
        facts.hub = .ready
        facts.caches = [Cache(kind: "Recovery", hasSynced: true, silence: .zero)]
        facts.limit = 10
        return facts
    }

    private func judge(_ change: (inout ComponentHealth.Facts) -> Void) -> ComponentHealth {
        var facts = Self.well
        change(&facts)
        return .judge(facts)
    }

    @Test func allIsWell() {
        let health = ComponentHealth.judge(Self.well)
        #expect(health.status == .healthy && health.failures.isEmpty)
        #expect(health.message == "recoveries are carried out")
        #expect(health.findings.map(\.check) == ComponentHealth.Check.allCases)
    }

    @Test func aHubThatNobodyHasAskedYetIsNoFinding() {
        let health = judge { $0.hub = .unknown }
        #expect(health.status == .healthy)
        #expect(health.findings.map(\.check) == [.caches, .capacity, .successRate])
    }

    @Test func aHubThatFailsIsTheWorstAndSaysWhy() {
        let health = judge {
            $0.hub = .failing("TCP failed")
            $0.active = 10
        }
        #expect(health.status == .unhealthy)
        #expect(health.failures.map(\.check) == [.hub, .capacity], "the worst first")
        #expect(health.message == "TCP failed; as many recoveries run as are allowed")
    }

    @Test(
        "caches",
        arguments: [
            ([Cache(kind: "A", hasSynced: false, silence: .seconds(30))], nil),
            (
                [Cache(kind: "A", hasSynced: false, silence: .seconds(31))],
                "caches do not follow the API server: A, which is not complete, for 31 s"
            ),
            (
                [
                    Cache(kind: "A", hasSynced: true, silence: .milliseconds(30_001)),
                    Cache(kind: "B", hasSynced: true, silence: .seconds(30)),
                    Cache(kind: "C", hasSynced: true, silence: .seconds(95)),
                ], "caches do not follow the API server: A for 30 s, C for 95 s"
            ), ([Cache(kind: "A", hasSynced: true, silence: .seconds(30))], nil), ([], nil),
        ] as [([Cache], String?)]
    )
    func caches(_ caches: [Cache], _ message: String?) {
        let health = judge { $0.caches = caches }
        #expect(health.status == (message == nil ? .healthy : .degraded))
        #expect(health.failures.first?.message == message)
    }

    @Test(
        "capacity and success rate",
        arguments: [
            (9, 8, 2, .healthy), (10, 8, 2, .degraded), (11, 0, 0, .degraded), (0, 0, 0, .healthy),
            (0, 799, 201, .degraded), (0, 1, 1, .degraded), (0, 499, 501, .unhealthy), (10, 0, 1, .unhealthy),
            (0, Int.max, Int.max, .degraded),
        ] as [(Int, Int, Int, ComponentHealth.Status)]
    )
    func numbers(_ active: Int, _ successful: Int, _ failed: Int, _ status: ComponentHealth.Status) {
        let health = judge { facts in
            facts.active = active
            facts.successful = successful
            facts.failed = failed
        }
        #expect(health.status == status)
    }
}
