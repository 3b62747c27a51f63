import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A hub whose controller looks after member clusters, in a namespace of the test's own.
protocol Fleet: Sendable {
    /// The controller's namespace, on the members, too.
    var space: String { get }
    var hub: ControlPlane { get }
    /// All that the hub has shown since before the controller ran.
    var history: FleetHistory { get }
}

extension Fleet {
    /// Makes a plane a member: as the account of manifests/member, probed each second.
    ///
    /// - Parameters:
    ///   - name: the MemberCluster and its Secret.
    ///   - plane: the member.
    ///   - kinds: what is placed there beyond the kinds of manifests/member, by plural names.
    ///   - spec: more fields of the MemberCluster.
    /// - Throws: `ShellError`.
    func register(_ name: String, _ plane: ControlPlane, placing kinds: [String] = [], spec: String = "") async throws {
        let kubeconfig = try await plane.memberKubeconfig(placing: kinds)
        try await hub.kubectl("create secret generic \(name) -n \(space) --from-file=kubeconfig=\(kubeconfig)")
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: MemberCluster
            metadata: {name: \(name), labels: {fleet: \(space)}}
            spec:
              kubeconfigSecretRef: {name: \(name)}
              probe: {intervalSeconds: 1, timeoutSeconds: 2, failureThreshold: 2}
              \(spec)
            """
        )
    }

    /// The hub has refused the controller, whose account is of this fleet, nothing: no write, as the server wrote down,
    /// and since it was started last no read.
    func expectNoRefusals(_ controller: ControllerProcess) async throws {
        let account = ControlPlane.userName(ControlPlane.controllerAccount(in: space))
        let writes = try await AuditLog(hub).writes { $0.user == account }
        #expect(!writes.isEmpty)
        #expect(writes.filter { $0.status == 403 }.map { "\($0.verb) \($0.resource) \($0.namespace)/\($0.name)" } == [])
        let host = hub.client.configuration.server.split(separator: "/").last ?? ""
        let reads = try await controller.get("/metrics").split(separator: "\n").filter {
            $0.hasPrefix("rest_client_requests_total{") && $0.contains(#"code="403""#) && $0.contains(#"method="GET""#)
                && $0.contains(host)
        }
        #expect(reads.isEmpty, "the shipped roles are enough")
    }

    /// Waits until the controller sees a member so.
    func expect(_ cluster: String, isReady: Bool) async throws {
        _ = try await hub.wait(for: MemberCluster.self, ObjectKey(name: cluster)) {
            $0.status?.conditions?[type: ConditionType.ready]?.status == (isReady ? .true : .false)
        }
    }

    /// The Placement `web` as soon as its status is as expected.
    @discardableResult
    func placement(
        _ namespace: String? = nil,
        within limit: Duration = .seconds(90),
        when isReached: @escaping @Sendable (PlacementStatus) -> Bool
    ) async throws -> PlacementStatus {
        let key = ObjectKey(namespace: namespace ?? space, name: "web")
        let placement = try await hub.wait(for: Placement.self, key, within: limit) {
            $0.status.map(isReached) ?? false
        }
        return try #require(placement.status)
    }

    /// The first Recovery that the controller opens about something, as soon as it is as expected.
    func incident(
        _ type: ErrorType,
        _ target: ResolvedTarget,
        in namespace: String? = nil,
        within limit: Duration = .seconds(120),
        until isReached: @escaping @Sendable (Recovery) -> Bool = { _ in true }
    ) async throws -> Recovery {
        let fingerprint = try #require(LockKey(target)).fingerprint(errorType: type.rawValue)
        let name = RecoveryNaming.name(target: target, fingerprint: fingerprint, number: 1)
        let key = ObjectKey(namespace: namespace ?? space, name: name)
        return try await hub.wait(for: Recovery.self, key, within: limit, until: isReached)
    }

    /// The first Recovery that the controller opens about an object of ours on the hub.
    func incident<Object: KubernetesObject>(
        _ type: ErrorType,
        about kind: Object.Type,
        _ name: String = "web",
        in namespace: String? = nil,
        within limit: Duration = .seconds(120),
        until isReached: @escaping @Sendable (Recovery) -> Bool = { _ in true }
    ) async throws -> Recovery {
        let target = ResolvedTarget(
            apiVersion: RecoveryAPI.apiVersion,
            kind: Object.resource.kind,
            namespace: namespace ?? space,
            name: name
        )
        return try await incident(type, target, in: namespace, within: limit, until: isReached)
    }

    /// Has the controller only look at what it opens of these types itself.
    func observe(_ types: ErrorType...) async throws {
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: observing, namespace: \(space)}
            spec: {mode: Observe, match: {errorTypes: [\(types.map(\.rawValue).joined(separator: ", "))]}}
            """
        )
    }

    /// Creates a Recovery; `fields` are more lines of its spec.
    func report(
        _ name: String,
        _ type: ErrorType,
        context: String = "{}",
        _ fields: String,
        in namespace: String? = nil
    ) async throws {
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: Recovery
            metadata: {name: \(name), namespace: \(namespace ?? space)}
            spec:
              error: {type: \(type.rawValue), context: \(context)}
              \(fields.replacing("\n", with: "\n  "))
            """
        )
    }

    /// Reports the placement `web`, failed on a member where one is given.
    func reportPlacement(
        _ name: String,
        _ type: ErrorType,
        on cluster: String? = nil,
        _ fields: String = "parameters: {}",
        in namespace: String? = nil
    ) async throws {
        try await report(
            name,
            type,
            context: cluster.map { "{cluster: \($0)}" } ?? "{}",
            "targetRef: {apiVersion: recovery.tmc.io/v1alpha1, kind: Placement, name: web}\n\(fields)",
            in: namespace
        )
    }

    /// Reports the placement `web` and waits for the end of its Recovery.
    func recoverPlacement(
        _ name: String,
        _ type: ErrorType,
        on cluster: String? = nil,
        _ fields: String = "parameters: {}"
    ) async throws -> Recovery {
        try await reportPlacement(name, type, on: cluster, fields)
        return try await ended(name)
    }

    /// A Recovery as soon as it is as expected.
    func recovery(
        _ name: String,
        in namespace: String? = nil,
        within limit: Duration = .seconds(150),
        until isReached: @escaping @Sendable (Recovery) -> Bool
    ) async throws -> Recovery {
        let key = ObjectKey(namespace: namespace ?? space, name: name)
        return try await hub.wait(for: Recovery.self, key, within: limit, until: isReached)
    }

    /// A Recovery as soon as it has ended.
    func ended(_ name: String, in namespace: String? = nil) async throws -> Recovery {
        try await recovery(name, in: namespace, until: \.isFinal)
    }

    /// All Recoveries of the test's namespace.
    func recoveries() async throws -> [Recovery] {
        try await hub.client.list(Recovery.self, namespace: space).items
    }
}

extension Recovery {
    /// `Name Result` of each action of the newest attempt.
    var actions: [String] {
        (status?.executions?.last?.result?.actions ?? []).map { "\($0.name) \($0.result.rawValue)" }
    }

    /// The attempts in order.
    var attemptIDs: [String] { (status?.executions ?? []).map(\.id) }

    /// What the newest attempt says of an action that it recorded last.
    func words(_ action: String) -> String {
        status?.executions?.last?.result?.actions?.last { $0.name == action }?.message ?? ""
    }

    /// Whether the newest attempt has recorded an action, be it only as started.
    func hasRecorded(_ action: String) -> Bool {
        status?.executions?.last?.result?.actions?.contains { $0.name == action } ?? false
    }
}
