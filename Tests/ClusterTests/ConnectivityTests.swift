import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// The strategy ClusterConnectivity with a fault on each layer of the way to a member.
@Suite("ClusterConnectivity on real planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct ConnectivityTests {
    /// What is done to the way to the member, and undone.
    enum Fault: String, CaseIterable {
        /// The kubeconfig names a host that nobody knows.
        case dns
        /// The API server is killed: nobody listens.
        case tcp
        /// The kubeconfig trusts another authority than the one that has signed the server's certificate.
        case tls
        /// The API server lives without its etcd.
        case readyz

        var layer: String {
            switch self {
            case .dns: "DNS"
            case .tcp: "TCP"
            case .tls: "TLS"
            case .readyz: "HTTP"
            }
        }

        /// How the strategy tells it.
        var words: String {
            switch self {
            case .dns: "DNS failed (DNSLookupFailed)"
            case .tcp: "TCP failed (ConnectionRefused)"
            case .tls: "TLS failed (CertificateInvalid)"
            case .readyz: "HTTP failed (ServerError): /readyz answers 500: etcd"
            }
        }

        func cause(_ fleet: WatchedMember) async throws {
            let hub =
                "$(kubectl --kubeconfig \(fleet.hub.kubeconfig) config view --raw --minify -o 'jsonpath=\(authority)')"
            switch self {
            case .dns: try await fleet.giveEdited("s#server: https://[^:]*:#server: https://nowhere.invalid:#")
            case .tcp: try await fleet.member.stop("apiserver")
            case .tls: try await fleet.giveEdited("s#authority-data: .*#authority-data: \(hub)#")
            case .readyz: try await fleet.member.stop("etcd", signal: "STOP")
            }
        }

        private var authority: String { "{.clusters[0].cluster.certificate-authority-data}" }

        func remedy(_ fleet: WatchedMember) async throws {
            switch self {
            case .dns, .tls: try await fleet.giveCredential()
            case .tcp: try await fleet.member.start("apiserver")
            case .readyz: try await fleet.member.stop("etcd", signal: "CONT")
            }
        }
    }

    @Test(
        "the layer that fails is named; a new client on new connections proves that it works again",
        arguments: Fault.allCases
    )
    func layer(_ fault: Fault) async throws {
        try await WatchedMember.with("layer-\(fault.rawValue)") { fleet in
            // Then detection sees first whether the cluster is well again.
            try await fleet.probe(timeouts: [6], maxAttempts: 5)
            try await fault.cause(fleet)
            let first = try await fleet.recovery(of: .clusterUnreachable) { $0.status?.nextAttemptTime != nil }
            try await fault.remedy(fleet)
            let failed = try #require(first.status?.executions?.first)
            #expect(
                first.actions == [
                    "TestEndpointConnectivity Failed", "UpdateClusterStatus Succeeded",
                    "RefreshClientConnections Succeeded",
                ]
            )
            #expect(first.words("TestEndpointConnectivity").contains(fault.words), "\(failed)")
            #expect(failed.result?.metrics?["failedLayer"] == fault.layer)
            #expect(failed.result?.nextSteps?.first?.contains(fault.layer) == true, "\(failed)")
            try await fleet.expectReady()
            // Detection may see first that it is well again: then the next attempt is not needed.
            let ended = try await fleet.recovery(of: .clusterUnreachable, until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            // A server that has just been started may refuse for a moment, which is another incident.
            let same = try await fleet.recoveries().filter { $0.spec.error.type == ended.spec.error.type }
            #expect(same.count == 1, "\(same.map { $0.metadata.name ?? "" })")
            // Asked for by a person, all steps are gone through.
            try await fleet.report("proof", .clusterUnreachable, "clusterRef: {name: watched}")
            let proof = try await fleet.ended("proof")
            #expect(
                proof.actions == [
                    "TestEndpointConnectivity Succeeded", "RefreshClientConnections Succeeded",
                    "RetryOperation Succeeded", "UpdateClusterStatus Succeeded",
                ]
            )
            #expect(try await fleet.history.states(proof) == [.inProgress, .completed])
        }
    }

    @Test("probes of a server that hangs wait longer each time, as the strategy's parameters say")
    func rises() async throws {
        try await WatchedMember.with("layer-rises") { fleet in
            try await fleet.probe(timeouts: [1, 2, 4], maxAttempts: 1)
            let ended = try await fleet.member.whileHanging("apiserver") {
                try await fleet.recovery(of: .clusterUnreachable, until: \.isFinal)
            }
            #expect(ended.state == .failed && ended.status?.attempts == 1)
            let result = try #require(ended.status?.executions?.last?.result)
            let probes = (result.actions ?? []).filter { $0.name == "TestEndpointConnectivity" }.compactMap(\.message)
            let limits = [1, 2, 4].enumerated().map { "probe \($0 + 1), at most \($1) s: " }
            #expect(probes.count == 3 && zip(probes, limits).allSatisfy { $0.hasPrefix($1) }, "\(probes)")
            #expect(result.metrics?["effectiveTimeoutSeconds"] == "4" && result.metrics?["probes"] == "3")
            let execution = ended.status?.executions?.last
            let lasted = try #require(execution?.endTime).timeIntervalSince(try #require(execution?.startTime))
            #expect(lasted >= 7, "the probes have waited so long together: \(lasted)")
            try await fleet.expectReady()
        }
    }

    /// What is done to the credential while the cluster counts as unreachable.
    enum Refusal: String, CaseIterable {
        case unauthorized
        case forbidden
    }

    @Test("401 and 403 are handed over to ClusterAuth, which ends with a person", arguments: Refusal.allCases)
    func handsOver(_ refusal: Refusal) async throws {
        let space = "lost-\(refusal.rawValue)"
        try await WatchedMember.with(space) { fleet in
            switch refusal {
            case .unauthorized: try await fleet.give(user: "token: nobody-knows-this-one")
            case .forbidden: try await fleet.member.kubectl("delete rolebinding tmc -n \(space)")
            }
            try await fleet.report("lost", .clusterUnreachable, "clusterRef: {name: watched}")
            let ended = try await fleet.ended("lost")
            #expect(ended.state == .cancelled, "\(ended.status?.message ?? "")")
            let isKnown = refusal == .forbidden
            #expect(
                ended.actions
                    == (isKnown
                        ? [
                            "TestEndpointConnectivity Succeeded", "RefreshClientConnections Succeeded",
                            "RetryOperation Failed", "UpdateClusterStatus Succeeded",
                        ] : ["TestEndpointConnectivity Failed", "UpdateClusterStatus Succeeded"])
            )
            let auth = try await fleet.ended(try #require(ended.status?.supersededBy?.name))
            #expect(auth.spec.error.type == "ClusterAuth" && auth.state == .failed)
            #expect(auth.status?.escalation?.level == .manual)
            #expect(
                auth.actions == [
                    "RereadCredential Succeeded", "TestCredential Failed", "UpdateClusterStatus Succeeded",
                ]
            )
            // It is the one that detection opens or joins: one incident is one Recovery.
            #expect(auth.metadata.name == (try await fleet.recovery(of: .clusterAuth).metadata.name))
            let all = try await fleet.recoveries().filter { $0.spec.error.type == "ClusterAuth" }
            #expect(all.count == 1, "\(all.map { $0.metadata.name ?? "" })")
        }
    }
}

extension WatchedMember {
    /// Puts the member's kubeconfig into the hub's Secret as sed has edited it.
    fileprivate func giveEdited(_ expression: String) async throws {
        let path = "\(member.kubeconfig)-\(space)-edited"
        let good = try await member.kubeconfig(of: ObjectKey(namespace: space, name: "tmc"))
        try await Shell.run("umask 077; sed \"\(expression)\" \(good) >\(path)")
        try await give(kubeconfig: path)
    }

    /// Has attempts make probes with these timeouts, and wait half a minute between two of them.
    fileprivate func probe(timeouts: [Int], maxAttempts: Int) async throws {
        try await hub.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: probes, namespace: \(space)}
            spec:
              mode: Auto
              match: {errorTypes: [ClusterUnreachable]}
              strategies:
              - name: ClusterConnectivity
                maxAttempts: \(maxAttempts)
                backoff: {initialSeconds: 30}
                parameters: {timeoutsSeconds: \(timeouts)}
            """
        )
    }
}
