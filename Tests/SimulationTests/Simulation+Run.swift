import ControllerRuntime
import JSON
import KubernetesCore
import RecoveryAPI
import RecoveryDecision
import Synchronization
import Timekeeping

@testable import RecoveryEngine
@testable import TestSupport

extension Simulation {
    /// Runs the plan: chaos, then healing, then everything has to come to rest.
    ///
    /// - Returns: What was violated; empty when all is well.
    func run() -> [String] {
        setUp()
        for _ in 0..<plan.replicas { startReplica() }
        let user = world.makeLane()
        let people = world.start(on: user) { [self] in await actAsUsers() }
        let nature = world.start(on: user) { [self] in await actAsEnvironment() }
        let operators = world.start(on: user) { [self] in if plan.hasPolicy { await resetBreakers() } }
        let owners = world.start(on: user) { [self] in await changeMode() }
        world.start(on: user) { [self] in await answerPlans { people.isFinished && owners.isFinished } }
        let workloads = world.start(on: user) { [self] in await changeHealth() }
        let tenants = world.start(on: user) { [self] in await actOnFleet() }
        let members = world.start(on: user) { [self] in await disturbMembers() }
        let replacers = world.start(on: user) { [self] in if plan.hasPolicy { await replacePolicy() } }
        var isStopped: Bool { !violations.isEmpty }
        var isOver: Bool {
            [people, nature, operators, workloads, owners, tenants, members, replacers].allSatisfy(\.isFinished)
        }
        world.run(until: { isStopped || (isOver && isAtRest) }, limit: .seconds(120))
        heal()
        let isCalm = world.run(until: { isStopped || isAtRest }, limit: .seconds(1_200))
        audit()
        state.withLock { $0.writesAtRest = $0.writes }
        if violations.isEmpty {
            if !isCalm { fail("no rest: \(unrest)") }
            checkRest()
        }
        end()
        return violations
    }

    /// Whether every Recovery is final or held for a reason that only a person can remove, and nothing runs.
    private var isAtRest: Bool {
        guard state.withLock({ $0.invariants.isSettled && $0.invariants.fleet.isSettled }) else { return false }
        let living = livingReplicas
        return !living.isEmpty && living.allSatisfy { $0.engine.running.count == 0 }
    }

    /// What keeps the world from being at rest.
    private var unrest: String {
        let recoveries = state.withLock { $0.invariants.unsettled() + $0.invariants.fleet.unsettled }
        let running = livingReplicas.map { "\($0.process.identity) runs \($0.engine.running.count)" }
        return (recoveries + running).joined(separator: "; ")
    }

    // MARK: The world before anything runs

    private func setUp() {
        setUpFleet()
        for index in 1...2 {
            server.put(
                [
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": ["name": .string("target-\(index)"), "namespace": .string(Self.namespace)],
                ],
                .configMaps
            )
        }
        if plan.hasPolicy {
            let spec = policySpec
            server.put(
                [
                    "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                    "metadata": ["name": "policy", "namespace": .string(Self.namespace)], "spec": spec,
                ],
                RecoveryPolicy.resource
            )
        }
        audit()
    }

    private var policySpec: JSONValue {
        var rung: JSONValue = ["name": "Scripted", "maxAttempts": 2, "timeoutSeconds": 15]
        rung["backoff"] = ["initialSeconds": 1, "maxSeconds": 4]
        var limits: JSONValue = ["cooldownSeconds": .number(plan.books.cooldownSeconds)]
        // Without a number a policy that has limits allows one at a time.
        limits["maxConcurrent"] = .number(plan.policyLimit ?? 10)
        if let (actions, window) = plan.books.budget {
            limits["budget"] = ["actions": .number(actions), "windowSeconds": .number(window)]
        }
        var spec: JSONValue = [
            "mode": .string(plan.mode.first.rawValue),
            "strategies": [rung, ["name": "Generic", "maxAttempts": 1, "timeoutSeconds": 30]],
            "match": ["errorTypes": ["SyncFailure"]], "limits": limits,
        ]
        if let maxUnhealthy = plan.books.maxUnhealthy {
            limits["maxUnhealthy"] = .number(maxUnhealthy)
            limits["alwaysAllow"] = .number(plan.books.alwaysAllow)
            limits["stormCooldownSeconds"] = .number(plan.books.stormCooldownSeconds)
            spec["limits"] = limits
        }
        if plan.books.maxUnhealthy != nil || plan.mode.detectsAfter != nil {
            // For a storm alone so patient that it counts and opens nothing.
            let seconds = plan.mode.detectsAfter ?? 86_400
            spec["detection"] = [
                "conditions": [
                    [
                        "apiVersion": "v1", "kind": "ConfigMap", "type": "Ready", "errorType": "SyncFailure",
                        "forSeconds": .number(seconds), "healthyForSeconds": 3,
                    ]
                ]
            ]
        }
        if let threshold = plan.books.failureThreshold {
            spec["circuitBreaker"] = [
                "failureThreshold": .number(threshold), "openSeconds": .number(plan.books.openSeconds),
                "maxOpenSeconds": 60, "halfOpenMaxSeconds": 40,
            ]
        }
        if let seconds = plan.books.verifySeconds {
            spec["verify"] = ["forSeconds": .number(seconds), "timeoutSeconds": 25]
        }
        return spec
    }

    private func create(_ planned: ScenarioPlan.PlannedRecovery) {
        var spec: JSONValue = [
            "error": ["type": .string(planned.usesScript ? "SyncFailure" : "ComponentUnhealthy")],
            "timeoutSeconds": .number(planned.timeoutSeconds),
        ]
        if let target = planned.target {
            spec["targetRef"] = ["apiVersion": "v1", "kind": "ConfigMap", "name": .string("target-\(target)")]
        }
        if let attempts = planned.maxAttempts { spec["maxAttempts"] = .number(attempts) }
        if let ttl = planned.ttlSeconds { spec["ttlSecondsAfterFinished"] = .number(ttl) }
        var metadata: JSONValue = ["name": .string(planned.name), "namespace": .string(Self.namespace)]
        if planned.isDetected { metadata["labels"] = .object([MetadataName.fingerprint: .string(planned.name)]) }
        server.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "Recovery", "metadata": metadata, "spec": spec,
            ],
            Recovery.resource
        )
        audit()
    }

    // MARK: What happens from outside

    private func actAsUsers() async {
        var random = SeededRandom(seed: plan.seed ^ 0x05E2)
        for planned in plan.recoveries.sorted(by: { $0.delay < $1.delay }) {
            await wait(until: planned.delay)
            create(planned)
        }
        for _ in 0..<plan.userEvents {
            await wait(for: random.milliseconds(0...15_000))
            guard let planned = plan.recoveries.randomElement(using: &random) else { continue }
            let key = ObjectKey(namespace: Self.namespace, name: planned.name)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                editSpec(key, "suspend", true)
                guard random.chance(0.85) else { break }
                await wait(for: random.milliseconds(1...20_000))
                editSpec(key, "suspend", false)
            case 5..<8: editSpec(key, "cancel", true)
            case 8: editSpec(key, "targetRef", ["apiVersion": "v1", "kind": "ConfigMap", "name": "target-9"])
            default:
                note("USER deletes \(key)")
                server.remove(Recovery.resource, key)
            }
            audit()
        }
    }

    /// A person asks for the breakers to be closed.
    private func resetBreakers() async {
        var random = SeededRandom(seed: plan.seed ^ 0x2E5E7)
        for number in 0..<plan.books.resets {
            await wait(for: random.milliseconds(0...60_000))
            note("USER resets the breakers")
            server.edit(RecoveryPolicy.resource, ObjectKey(namespace: Self.namespace, name: "policy")) { object in
                object.set(.string("\(number)"), at: ["metadata", "annotations", MetadataName.resetBreaker])
            }
            audit()
        }
    }

    /// A person lets the controller go further with what detection has opened, or less far.
    private func changeMode() async {
        for (duration, mode) in plan.mode.changes {
            await wait(for: duration)
            note("USER sets the mode to \(mode.rawValue)")
            server.edit(RecoveryPolicy.resource, ObjectKey(namespace: Self.namespace, name: "policy")) { object in
                object.set(.string(mode.rawValue), at: ["spec", "mode"])
                let generation = object["metadata"]?["generation"]?.intValue ?? 1
                object.set(.number(generation + 1), at: ["metadata", "generation"])
            }
            audit()
        }
    }

    /// A person deletes the policy and makes it again, as `kubectl replace --force` does; sometimes not at once.
    private func replacePolicy() async {
        var random = SeededRandom(seed: plan.seed ^ 0x4E9)
        let key = ObjectKey(namespace: Self.namespace, name: "policy")
        for _ in 0..<plan.books.replacements {
            await wait(for: random.milliseconds(0...45_000))
            guard let policy = server.object(RecoveryPolicy.resource, key)?.content else { return }
            note("USER deletes the policy")
            server.remove(RecoveryPolicy.resource, key)
            audit()
            if random.chance(0.5) { await wait(for: random.milliseconds(1...20_000)) }
            note("USER makes the policy again")
            server.put(
                [
                    "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryPolicy",
                    "metadata": ["name": .string(key.name), "namespace": .string(Self.namespace)],
                    "spec": policy["spec"] ?? [:],
                ],
                RecoveryPolicy.resource
            )
            audit()
        }
    }

    /// People answer plans that wait: with approvals that fit and, while it is not calm yet, with some that do not.
    private func answerPlans(until isOver: @Sendable () -> Bool) async {
        guard plan.hasPolicy else { return }
        var random = SeededRandom(seed: plan.seed ^ 0xA99)
        var number = 0
        var old: [String] = []
        while !(isOver() && state.withLock { $0.invariants.isSettled }), violations.isEmpty {
            await wait(for: random.milliseconds(1_000...6_000))
            for (recovery, hash) in state.withLock({ $0.invariants.awaited() }) {
                number += 1
                let isConfused = state.withLock { $0.isChaotic } && random.chance(plan.mode.confusion)
                answer(recovery, hash, old, number, &random, isConfused: isConfused)
                if !old.contains(hash) { old.append(hash) }
            }
        }
    }

    private func answer(
        _ recovery: Recovery,
        _ hash: String,
        _ old: [String],
        _ number: Int,
        _ random: inout SeededRandom,
        isConfused: Bool
    ) {
        var (uid, answered, decision) = (recovery.metadata.uid ?? "", hash, ApprovalDecision.approve)
        switch isConfused ? Int.random(in: 0..<6, using: &random) : -1 {
        case 0: return
        case 1: answered = old.randomElement(using: &random) ?? "none"
        case 2: uid = "of another one"
        case 3: decision = .reject
        case 4:
            // Between the look at the plan and the word on it somebody changes what it is about.
            changeData(recovery.status?.target?.name)
        default: break
        }
        note("USER says \(decision.rawValue) to \(recovery.metadata.key) \(answered.prefix(8)) \(uid)")
        server.put(
            [
                "apiVersion": .string(RecoveryAPI.apiVersion), "kind": "RecoveryApproval",
                "metadata": ["name": .string("approval-\(number)"), "namespace": .string(Self.namespace)],
                "spec": [
                    "recoveryRef": ["name": .string(recovery.metadata.name ?? ""), "uid": .string(uid)],
                    "planHash": .string(answered), "decision": .string(decision.rawValue),
                ],
            ],
            RecoveryApproval.resource
        )
        audit()
    }

    private func changeData(_ target: String?) {
        guard let target else { return }
        note("USER changes \(target)")
        server.edit(.configMaps, ObjectKey(namespace: Self.namespace, name: target)) { object in
            let generation = object["metadata"]?["generation"]?.intValue ?? 1
            object.set(.string("\(generation)"), at: ["data", "changed"])
            object.set(.number(generation + 1), at: ["metadata", "generation"])
        }
        audit()
    }

    /// Targets become unhealthy and healthy again; at the end all are well.
    private func changeHealth() async {
        var random = SeededRandom(seed: plan.seed ^ 0x4EA17)
        for number in 0..<plan.books.healthChanges {
            await wait(for: random.milliseconds(0...15_000))
            setHealthy(number % 2 == 1, target: Int.random(in: 1...2, using: &random))
        }
        for target in 1...2 where plan.books.healthChanges > 0 { setHealthy(true, target: target) }
    }

    private func setHealthy(_ isHealthy: Bool, target: Int) {
        note("target-\(target) is \(isHealthy ? "healthy" : "unhealthy")")
        let time = world.time.wallTime().text
        server.edit(.configMaps, ObjectKey(namespace: Self.namespace, name: "target-\(target)")) { object in
            let condition = object.value(at: ["status", "conditions"])?.arrayValue?.first
            guard condition?["status"]?.stringValue != (isHealthy ? "True" : "False") else { return }
            object["status"] = [
                "conditions": [
                    [
                        "type": "Ready", "status": .string(isHealthy ? "True" : "False"),
                        "lastTransitionTime": .string(time),
                    ]
                ]
            ]
        }
        audit()
    }

    private func editSpec(_ key: ObjectKey, _ field: String, _ value: JSONValue) {
        note("USER sets \(field)=\(value.text) of \(key)")
        server.edit(Recovery.resource, key) { object in
            guard object["spec"]?[field] != value else { return }
            object.set(value, at: ["spec", field])
            let generation = object["metadata"]?["generation"]?.intValue ?? 1
            object.set(.number(generation + 1), at: ["metadata", "generation"])
        }
    }

    private func actAsEnvironment() async {
        var random = SeededRandom(seed: plan.seed ^ 0x0E17)
        for _ in 0..<plan.environmentEvents {
            await wait(for: random.milliseconds(0...12_000))
            let pause = random.milliseconds(500...25_000)
            let dice = Int.random(in: 0..<8, using: &random)
            note("ENVIRONMENT \(dice) for \(pause)")
            switch dice {
            case 0: server.closeWatches()
            case 1: server.breakWatches()
            case 2:
                server.compact()
                server.breakWatches()
            case 3: server.sendError(410, "Expired")
            case 4:
                server.freezeWatches()
                await wait(for: pause)
                server.thawWatches()
            case 5:
                server.stop()
                await wait(for: pause)
                server.start()
            case 6:
                server.freezeReads()
                await wait(for: pause)
                server.thawReads()
            default:
                guard let victim = livingReplicas.randomElement(using: &random) else { break }
                victim.process.lane.stop()
                await wait(for: pause)
                note("\(victim.process.identity) goes on")
                victim.process.lane.resume()
            }
        }
    }

    func wait(for duration: Duration) async {
        do {
            try await world.time.sleep(for: duration)
        } catch {
            // Nobody cancels users.
        }
    }

    private func wait(until offset: Duration) async {
        let start = MonotonicInstant(nanoseconds: 3_600_000_000_000)
        let rest = world.time.now().duration(to: start.advanced(by: offset))
        if rest > .zero { await wait(for: rest) }
    }

    private func heal() {
        note("HEAL")
        state.withLock { $0.isChaotic = false }
        server.start()
        server.thawWatches()
        server.thawReads()
        healMembers()
        for replica in livingReplicas { replica.process.lane.resume() }
    }

    // MARK: At rest

    private func checkRest() {
        // Caches catch up, locks are given back, whatever was slow arrives.
        world.run(until: { false }, limit: .seconds(60))
        audit()
        // After a long outage a cache waits a minute before it watches again, and another one before it lists.
        world.run(until: { livingReplicas.allSatisfy { staleness($0) == nil } }, limit: .seconds(180))
        for replica in livingReplicas {
            if let staleness = staleness(replica) { fail(staleness) }
            let taken = replica.engine.reconciler.environment.slots.taken
            if taken > 0 { fail("\(replica.process.identity) keeps \(taken) places") }
        }
        checkFleet()
        world.run(until: { overdue.isEmpty }, limit: .seconds(60))
        for recovery in overdue { fail("\(recovery) is final and was not deleted after its time") }
        // A new leader collects what crashes have left.
        state.withLock { $0.holdsReplicasBack = true }
        for replica in livingReplicas { crash(replica.process, "for the last check") }
        world.run(until: { false }, limit: .seconds(2))
        state.withLock { $0.holdsReplicasBack = false }
        startReplica()
        world.run(until: { false }, limit: .seconds(60))
        audit()
        checkFleet()
        for line in state.withLock({ $0.invariants.locksOfFinal() + $0.invariants.policies.openBooks() }) { fail(line) }
    }

    /// What nobody has noticed by watching is found by the next look at all.
    private func checkFleet() {
        world.run(until: { fleetProblems.isEmpty }, limit: .seconds(400))
        for problem in fleetProblems { fail(problem) }
    }

    /// Final Recoveries whose time to live has passed.
    private var overdue: [String] {
        state.withLock { $0.invariants.overdue(at: world.time.wallTime()) }
    }

    /// How the cache of a replica differs from the server; nil when it does not.
    private func staleness(_ replica: SimulatedReplica) -> String? {
        let cached = replica.engine.recoveries.store.list().map(Self.version).sorted()
        let live = server.objects(Recovery.resource).map { "\($0.key) \($0.resourceVersion)" }.sorted()
        guard cached != live else { return nil }
        return "the cache of \(replica.process.identity) has \(cached), the server \(live)"
    }

    private static func version(_ recovery: Recovery) -> String {
        "\(recovery.metadata.key) \(recovery.metadata.resourceVersion ?? "")"
    }

    /// Stops everything; what does not stop when it is cancelled is a fault too.
    private func end() {
        state.withLock { $0.holdsReplicasBack = true }
        for replica in livingReplicas { crash(replica.process, "at the end") }
        let all = state.withLock { $0.replicas }
        world.run(until: { all.allSatisfy(\.isGone) }, limit: .seconds(600))
        for replica in all where !replica.isGone { fail("\(replica.process.identity) does not end when cancelled") }
    }

    private func fail(_ text: String) {
        state.withLock { $0.invariants.fail(text) }
    }
}
