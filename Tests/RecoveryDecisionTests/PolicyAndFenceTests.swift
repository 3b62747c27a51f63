import FoundationEssentials
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Testing

/// Which policy governs.
struct PolicySelectionTests {
    private func selected(_ recovery: Recovery = .make(), _ facts: RecoveryFacts) -> String? {
        switch PolicySelection.select(for: recovery, facts: facts) {
        case .policy(let policy): policy.metadata.name
        case .ungoverned: nil
        case .missing(let name): "missing \(name)"
        case .unreadable(let name, let reason): "unreadable \(name): \(reason)"
        }
    }

    private func policy(_ name: String, priority: Int? = nil, age: Double? = nil) -> RecoveryPolicy {
        .make(name) { policy in
            policy.spec.priority = priority
            policy.metadata.creationTimestamp = age.map { start.addingTimeInterval(-$0) }
        }
    }

    @Test("The highest priority, then the oldest, then by name, whatever the order of the list")
    func order() {
        let ranked = [
            policy("z", priority: 5, age: 1), policy("b", priority: 1, age: 9), policy("a", priority: 1, age: 3),
            policy("c", priority: 1, age: 3), policy("d", age: 100), policy("e", priority: -1, age: 200),
        ]
        for first in ranked.indices {
            let rest = Array(ranked[first...])
            #expect(selected(.make(policies: rest)) == rest[0].metadata.name)
            #expect(selected(.make(policies: rest.reversed())) == rest[0].metadata.name)
        }
        #expect(selected(.make(policies: [policy("b"), policy("a")])) == "a")
        #expect(selected(.make()) == nil)
    }

    private func selected(_ facts: RecoveryFacts) -> String? { selected(.make(), facts) }

    @Test func theReferenceWinsEvenWhenThePolicyDoesNotMatch() {
        let other = RecoveryPolicy.make("other") { policy in
            policy.spec.match = PolicyMatch()
            policy.spec.match?.errorTypes = ["Nothing"]
        }
        let facts = RecoveryFacts.make(policies: [policy("high", priority: 100), other])
        #expect(selected(.make { $0.spec.policyRef = NameReference(name: "other") }, facts) == "other")
        #expect(selected(.make { $0.spec.policyRef = NameReference(name: "gone") }, facts) == "missing gone")
    }

    @Test func `a policy that cannot be read may govern, so nothing begins before it is corrected`() throws {
        let facts = RecoveryFacts.make(policies: [policy("fine")]) { facts in
            facts.unreadablePolicies = ["z": "spec.mode: not a string", "broken": "spec.priority: not a number"]
        }
        #expect(selected(facts) == "unreadable broken: spec.priority: not a number")
        #expect(selected(.make { $0.spec.policyRef = NameReference(name: "fine") }, facts) == "fine")
        let named = Recovery.make { $0.spec.policyRef = NameReference(name: "z") }
        #expect(selected(named, facts) == "unreadable z: spec.mode: not a string")
        let decision = try decide(.make(), facts)
        #expect(decision.kind == "hold PolicyUnreadable" && decision.status?.effective == nil)
        #expect(decision.verdict?.message.contains("spec.priority: not a number") == true)
        let accepted = try Recovery.make().reserved(.make(policies: [policy("fine")]))
            .settled(.transient(retryAfter: nil), at: at(1))
        #expect(try decide(accepted, facts, at: at(60)).kind == "reserve", "what was accepted goes on")
    }

    /// One rule of `spec.match`, and whether it holds for the Recovery of the test.
    struct MatchCase: Sendable, CustomTestStringConvertible {
        var name: String
        var matches: Bool
        var change: @Sendable (inout PolicyMatch) -> Void

        init(_ name: String, _ matches: Bool, _ change: @escaping @Sendable (inout PolicyMatch) -> Void) {
            self.name = name
            self.matches = matches
            self.change = change
        }

        var testDescription: String { "\(name): \(matches)" }
    }

    static let matchCases = [
        MatchCase("nothing given", true) { _ in },
        MatchCase("empty lists", true) { match in
            match.errorTypes = []
            match.codes = []
            match.components = []
            match.targetKinds = []
        },
        MatchCase("error type", true) { $0.errorTypes = ["SyncFailure", "ClusterUnreachable"] },
        MatchCase("error type", false) { $0.errorTypes = ["SyncFailure"] },
        MatchCase("code", true) { $0.codes = ["HH-1"] },
        MatchCase("code", false) { $0.codes = ["HH-2"] },
        MatchCase("component", true) { $0.components = ["syncer"] },
        MatchCase("component", false) { $0.components = ["placer"] },
        MatchCase("severity below", true) { $0.minSeverity = .known(.low) },
        MatchCase("severity equal", true) { $0.minSeverity = .known(.high) },
        MatchCase("severity above", false) { $0.minSeverity = .known(.critical) },
        MatchCase("kind", true) { $0.targetKinds = ["Deployment"] },
        MatchCase("kind", false) { $0.targetKinds = ["Pod"] },
        MatchCase("cluster labels", true) { $0.clusterSelector = LabelSelector(matchLabels: ["region": "eu"]) },
        MatchCase("cluster labels", false) { $0.clusterSelector = LabelSelector(matchLabels: ["region": "us"]) },
        MatchCase("target labels", true) { $0.targetSelector = LabelSelector(matchLabels: ["app": "web"]) },
        MatchCase("target labels", false) { $0.targetSelector = LabelSelector(matchLabels: ["app": "db"]) },
        MatchCase("all but one", false) { match in
            match.errorTypes = ["ClusterUnreachable"]
            match.targetKinds = ["Deployment"]
            match.components = ["other"]
        },
    ]

    @Test(arguments: matchCases)
    func everyRuleThatIsGivenHasToHold(_ rule: MatchCase) {
        let recovery = Recovery.make { recovery in
            recovery.spec.error.code = "HH-1"
            recovery.spec.error.component = "syncer"
            recovery.spec.error.severity = .known(.high)
        }
        let policy = RecoveryPolicy.make { policy in
            policy.spec.match = PolicyMatch()
            if var match = policy.spec.match {
                rule.change(&match)
                policy.spec.match = match
            }
        }
        let facts = RecoveryFacts.make(policies: [policy]) { facts in
            facts.clusterLabels = ["region": "eu"]
            facts.targetLabels = ["app": "web"]
        }
        #expect((selected(recovery, facts) != nil) == rule.matches)
    }

    @Test("What is not known matches no rule about it")
    func unknownFacts() {
        func matches(_ change: (inout PolicyMatch) -> Void) -> Bool {
            var match = PolicyMatch()
            change(&match)
            let facts = RecoveryFacts.make(policies: [.make { $0.spec.match = match }])
            return selected(.make { $0.spec.targetRef = nil }, facts) != nil
        }
        #expect(!matches { $0.codes = ["HH-1"] })
        #expect(!matches { $0.components = ["syncer"] })
        #expect(!matches { $0.targetKinds = ["Deployment"] })
        #expect(!matches { $0.clusterSelector = LabelSelector() })
        #expect(!matches { $0.targetSelector = LabelSelector() })
        #expect(matches { $0.minSeverity = .known(.medium) }, "Medium is the severity of a report that names none")
        #expect(!matches { $0.minSeverity = .known(.high) })
        #expect(!matches { $0.minSeverity = .unknown("Hihg") }, "a word that is not understood must not widen a policy")
    }
}

/// The namespace fence.
struct NamespaceFenceTests {
    private func paths(_ recovery: Recovery, isNamespaced: Bool? = true) -> [String] {
        NamespaceFence.violations(
            of: recovery,
            controllerNamespace: "tmc-recovery-system",
            targetIsNamespaced: isNamespaced
        ).map(\.path)
    }

    private static let everything: @Sendable (inout Recovery) -> Void = { recovery in
        recovery.spec.clusterRef = NameReference(name: "edge")
        recovery.spec.targetRef?.namespace = "kube-system"
    }

    @Test func aTenantStaysInItsNamespace() {
        #expect(paths(.make()) == [])
        #expect(paths(.make { $0.spec.targetRef?.namespace = "team" }) == [])
        #expect(paths(.make { $0.spec.targetRef?.namespace = "" }) == [])
        #expect(paths(.make { $0.spec.targetRef = nil }) == [])
        #expect(paths(.make(), isNamespaced: nil) == [], "the request stays inside the namespace")
    }

    @Test func everyWayOutIsNamed() {
        #expect(paths(.make { $0.spec.targetRef?.namespace = "other" }) == ["spec.targetRef.namespace"])
        #expect(paths(.make { $0.spec.clusterRef = NameReference(name: "edge") }) == ["spec.clusterRef"])
        #expect(paths(.make(), isNamespaced: false) == ["spec.targetRef.kind"])
        let all = ["spec.clusterRef", "spec.targetRef.namespace", "spec.targetRef.kind"]
        #expect(paths(.make(Self.everything), isNamespaced: false) == all)
    }

    @Test func theControllersNamespaceReachesEverything() {
        #expect(paths(.make(namespace: "tmc-recovery-system", Self.everything), isNamespaced: false) == [])
        #expect(paths(.make(namespace: "tmc-recovery-system2", Self.everything)) != [], "no prefixes")
        let nameless = Recovery.make { $0.metadata.namespace = nil }.with(Self.everything)
        #expect(paths(nameless).count == 2)
    }

    @Test("A Recovery outside the fence is refused and never acts")
    func refused() throws {
        let recovery = Recovery.make { $0.spec.targetRef?.namespace = "kube-system" }
        let decision = try decide(recovery)
        #expect(decision.kind == "finish Failed")
        #expect(decision.status?.condition(ConditionType.accepted) == "False OutsideFence")
        #expect(decision.status?.target == nil)
        let message =
            "spec.targetRef.namespace: reaches namespace kube-system; "
            + "only Recoveries in the controller's namespace tmc-recovery-system may"
        #expect(decision.status?.message == message)
        #expect(decision.status?.escalation?.nextSteps?.first == "Correct \(message)")
    }

    @Test(
        "Of an unknown kind the namespace is the Recovery's own",
        arguments: [
            (true, nil, "team"), (nil, nil, "team"), (nil, "", "team"), (true, "team", "team"),
        ] as [(Bool?, String?, String)]
    )
    func resolvedNamespace(_ isNamespaced: Bool?, _ given: String?, _ expected: String) throws {
        let recovery = Recovery.make { $0.spec.targetRef?.namespace = given }
        let decision = try decide(recovery, .make { $0.targetIsNamespaced = isNamespaced })
        #expect(decision.status?.target?.namespace == expected)
    }

    @Test func aClusterScopedTargetHasNoNamespaceAndAClusterAloneIsATarget() throws {
        let inside = { (change: (inout Recovery) -> Void) in Recovery.make(namespace: "tmc-recovery-system", change) }
        let node = try decide(inside { $0.spec.targetRef?.uid = "" }, .make { $0.targetIsNamespaced = false })
        #expect(node.status?.target == ResolvedTarget(apiVersion: "apps/v1", kind: "Deployment", name: "web"))
        let cluster = inside { recovery in
            recovery.spec.targetRef = nil
            recovery.spec.clusterRef = NameReference(name: "edge")
        }
        #expect(try decide(cluster).status?.target == ResolvedTarget(cluster: "edge"))
        #expect(try decide(.make { $0.spec.targetRef = nil }).status?.target == nil)
    }
}
