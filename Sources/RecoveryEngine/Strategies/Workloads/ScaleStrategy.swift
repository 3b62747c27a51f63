package import JSON
internal import KubernetesClient
internal import KubernetesCore
package import RecoveryAPI
package import RecoveryDecision

/// Changes how many pods a workload has, and waits until they are ready; where a HorizontalPodAutoscaler decides that, by
/// its lower bound.
///
/// An autoscaler that a GitOps tool owns, or with the label `recovery.tmc.io/exclude`, is left alone like such a workload.
///
/// Parameters: `replicas`, or `percent` of the present number (rounded up); `gitOps`, `holdOffSeconds`.
package struct ScaleStrategy: RecoveryStrategy {
    static let action = "ScaleWorkload"
    static let replicasParameter = "replicas"
    static let percentParameter = "percent"

    /// For whoever names it, as no error type leads here by itself; five minutes.
    package let descriptor = StrategyDescriptor(
        name: StrategyName.scale,
        errorTypes: [],
        priority: 40,
        timeout: .seconds(300),
        destructiveness: .disruptive,
        canBeRehearsed: true
    )

    /// Makes the strategy.
    package init() {}

    package func validate(parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.whole(Self.replicasParameter, in: 1...100_000)
        check.whole(Self.percentParameter, in: 1...10_000)
        check.word(Attempt.gitOpsParameter, oneOf: GitOpsMode.allCases.map(\.rawValue))
        check.whole(OwnMark.holdOffParameter, in: 0...604_800)
        return check.violations()
    }

    package func execute(_ attempt: Attempt) async throws -> StrategyResult {
        let kinds: [APIResource] = [.deployments, .statefulSets, .replicaSets]
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()),
            kinds.contains(where: { $0.group == target.resource.group && $0.kind == target.resource.kind })
        else {
            throw StrategyFailure.permanent(
                "the target is nothing that can be scaled; nothing was changed",
                nextSteps: ["Target a Deployment, StatefulSet or ReplicaSet"]
            )
        }
        return try await ScaleRun(attempt: attempt, target: target).run()
    }

    /// Puts the number from before back, unless somebody has changed it since.
    package func undo(_ action: ActionRecord, _ attempt: Attempt) async throws -> String {
        guard let target = try await TargetAccess(attempt, try await attempt.targetClient()),
            let from = action.inverse?["from"]?.intValue, let to = action.inverse?["to"]?.intValue
        else { throw StrategyFailure.permanent("the record of the scaling cannot be read") }
        guard let scaler = try await Scaler.find(target, named: action.inverse?["autoscaler"]?.stringValue) else {
            throw StrategyFailure.permanent("the autoscaler from before is gone; \(target.description) is left alone")
        }
        if scaler.present == from { return "\(scaler.description) is at \(from) already" }
        guard scaler.present == to else {
            throw StrategyFailure.humanOverride("somebody has scaled \(scaler.description) since")
        }
        try await scaler.set(from, mark: nil)
        return "\(scaler.description) is back at \(from)"
    }
}

/// One attempt to scale.
private struct ScaleRun: Sendable {
    let attempt: Attempt
    let target: TargetAccess

    func run() async throws -> StrategyResult {
        try target.checkMayChange(try await target.read())
        guard let scaler = try await Scaler.find(target) else {
            throw StrategyFailure.transient("the autoscaler of \(target.description) has just gone")
        }
        let recorded = attempt.recorded(ScaleStrategy.action)?.inverse
        let before = recorded?["from"]?.intValue ?? scaler.present
        let wanted = try wanted(before)
        try scaler.access.checkMayChange(scaler.object)
        if recorded == nil {
            try await attempt.checkGitOps(target)
            if scaler.isAutoscaler { try await attempt.checkGitOps(scaler.access) }
            let present = String(scaler.present)
            try OwnMark.check(scaler.object, present: present, strategy: StrategyName.scale, attempt)
        }
        try checkBound(scaler, wanted)
        var inverse: JSONValue = ["from": .number(before), "to": .number(wanted)]
        if scaler.isAutoscaler { inverse["autoscaler"] = .string(scaler.object.name) }
        try await attempt.mutate(ScaleStrategy.action, inverse: inverse) {
            try await Scaler.find(target, named: inverse["autoscaler"]?.stringValue)?.present == wanted
        } _: {
            guard scaler.present == before else {
                throw StrategyFailure.humanOverride("somebody has scaled \(scaler.description) meanwhile")
            }
            try await scaler.set(wanted, mark: OwnMark(from: String(before), to: String(wanted), attempt))
            return "\(scaler.description): from \(before) to \(wanted)"
        }
        try await wait(wanted)
        return StrategyResult(
            message: "\(target.description) has \(wanted) pods ready",
            metrics: ["replicasBefore": String(before), "replicas": String(wanted)]
        )
    }

    private func wanted(_ before: Int64) throws -> Int64 {
        if let replicas = attempt.parameters[ScaleStrategy.replicasParameter]?.intValue { return replicas }
        guard let percent = attempt.parameters[ScaleStrategy.percentParameter]?.intValue else {
            throw StrategyFailure.permanent(
                "nobody says how many pods \(target.description) is to have; nothing was changed",
                nextSteps: ["Set parameters.replicas or parameters.percent in a new Recovery or in the policy's rung"]
            )
        }
        return max(1, (min(before, 1_000_000) * percent + 99) / 100)
    }

    private func checkBound(_ scaler: Scaler, _ wanted: Int64) throws {
        guard let most = scaler.most, wanted > most else { return }
        throw StrategyFailure.permanent(
            "\(scaler.description) allows at most \(most) pods, not \(wanted); nothing was changed",
            nextSteps: ["Raise spec.maxReplicas of \(scaler.description), or ask for fewer"]
        )
    }

    private func wait(_ wanted: Int64) async throws {
        let name = target.description
        let watch = ObjectWatch(target.client, target.resource, target.key)
        try await attempt.read("WaitForReplicas") {
            try await watch.wait(
                attempt,
                until: attempt.lastMoment(),
                "\(name) was scaled, but it",
                nextSteps: ["See what keeps its pods from becoming ready: \(target.describeCommand)"]
            ) { objects in
                guard let object = objects.first else {
                    throw StrategyFailure.permanent("\(name) was deleted meanwhile")
                }
                let replicas = object["spec", "replicas"]?.intValue ?? 1
                if replicas < wanted { return .waiting("is still told to have \(replicas) pods") }
                return WorkloadReadiness.problem(of: object).map { .waiting($0) } ?? .reached("\(replicas) are ready")
            }
        }
    }
}

/// What decides how many pods a workload has: its own number, or the lower bound of its autoscaler.
private struct Scaler: Sendable {
    let access: TargetAccess
    let object: Unstructured

    var isAutoscaler: Bool { access.resource.kind == Autoscalers.kind }
    var description: String { access.description }
    private var field: String { isAutoscaler ? "minReplicas" : "replicas" }

    /// The number as it is now.
    var present: Int64 { object["spec", field]?.intValue ?? 1 }

    /// The most that an autoscaler allows.
    var most: Int64? { isAutoscaler ? object["spec", "maxReplicas"]?.intValue : nil }

    /// Finds the autoscaler of a workload, else takes the workload itself.
    ///
    /// With the name of the autoscaler of before it returns nil when that has gone.
    static func find(_ target: TargetAccess, named name: String? = nil) async throws -> Scaler? {
        if let resource = try await Autoscalers.resource(target.client), let namespace = target.key.namespace {
            let all = try await target.client.list(resource, namespace: namespace).items
            let found = all.first { autoscaler in
                let reference = autoscaler["spec", "scaleTargetRef"]
                let kind = GroupVersionKind(
                    apiVersion: reference?["apiVersion"]?.stringValue ?? "",
                    kind: reference?["kind"]?.stringValue ?? ""
                )
                return kind.group == target.resource.group && kind.kind == target.resource.kind
                    && reference?["name"]?.stringValue == target.key.name && (name == nil || name == autoscaler.name)
            }
            if let found { return Scaler(access: TargetAccess(beside: target, resource, found), object: found) }
        }
        return name == nil ? Scaler(access: target, object: try await target.read()) : nil
    }

    /// Writes the number, over this version of the object only.
    func set(_ number: Int64, mark: OwnMark?) async throws {
        let annotation = OwnMark.annotation(StrategyName.scale)
        let patch: JSONValue = [
            "metadata": [
                "uid": .string(object.uid), "resourceVersion": .string(object.resourceVersion),
                "annotations": [annotation: try mark.map { .string(try $0.text()) } ?? .null],
            ],
            "spec": [field: .number(number)],
        ]
        _ = try await access.patch(patch)
    }
}
