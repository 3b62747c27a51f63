import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import Testing

/// A hub that watches over a member cluster, with faults that are done to the member.
@Suite("The fleet on real control planes", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct FleetTests {
    @Test("a member's API server hangs and goes on: it is noticed, recovered, and one incident is one Recovery")
    func hangs() async throws {
        let space = "fleet-hangs"
        try await WatchedMember.with(space) { fleet in
            let (hub, member) = (fleet.hub, fleet.member)
            try await member.stop("apiserver", signal: "STOP")
            let lost = try await hub.wait(for: MemberCluster.self, WatchedMember.cluster) { cluster in
                cluster.status?.conditions?[type: ConditionType.reachable]?.status == .false
            }
            let reachable = lost.status?.conditions?[type: ConditionType.reachable]
            #expect(reachable?.message.contains("failed") == true, "\(reachable as Any)")
            _ = try await fleet.recovery(of: .clusterUnreachable)
            try await member.stop("apiserver", signal: "CONT")
            let ended = try await fleet.recovery(of: .clusterUnreachable, until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            try await fleet.expectReady()
            let all = try await fleet.recoveries()
            #expect(all.count == 1)
            #expect(try await hub.kubectl("get events").contains("ClusterNotReady"))
        }
    }

    @Test("a revoked token ends with a person; a new one in the Secret is used at once")
    func revoked() async throws {
        let space = "fleet-revoked"
        try await WatchedMember.with(space) { fleet in
            let (hub, member) = (fleet.hub, fleet.member)
            // The token is bound to the account, and ends with it.
            try await member.kubectl("delete serviceaccount tmc -n \(space)")
            let ended = try await fleet.recovery(of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .failed && ended.status?.escalation?.level == .manual)
            #expect(ended.status?.escalation?.nextSteps?.first?.contains("Secret \(space)/watched") == true)
            let cluster = try await hub.client.get(MemberCluster.self, WatchedMember.cluster)
            let conditions = cluster.status?.conditions
            #expect(conditions?[type: ConditionType.reachable]?.status == .true)
            #expect(conditions?[type: ConditionType.authenticated]?.reason == "Unauthorized")
            try await member.kubectl("create serviceaccount tmc -n \(space)")
            try await fleet.giveCredential()
            try await fleet.expectReady()
        }
    }

    @Test("a Secret that is deleted ends every connection; under the key of Cluster API it is used, by the thresholds")
    func secretGone() async throws {
        let space = "fleet-secret"
        try await WatchedMember.with(space) { fleet in
            let (hub, member) = (fleet.hub, fleet.member)
            let controller = try #require(fleet.controller)
            // Only the probes are to change the conditions.
            try await fleet.observe(.clusterAuth, .clusterUnreachable)
            try await member.kubectl("create clusterrole \(space) --verb=list,watch --resource=nodes,pods")
            let account = "--serviceaccount=\(space):tmc"
            try await member.kubectl("create clusterrolebinding \(space) --clusterrole=\(space) \(account)")
            try await fleet.giveCredential()
            try await fleet.status { $0.isTrue(ConditionType.capacityKnown) }
            let patch = "{\"spec\":{\"probe\":{\"successThreshold\":3}}}"
            try await hub.kubectl("patch membercluster watched --type=merge -p '\(patch)'")
            _ = try await hub.wait(for: MemberCluster.self, WatchedMember.cluster) {
                $0.status?.consecutiveSuccesses == 3
            }
            let history = try await ObjectHistory<MemberCluster>.follow(hub.client, [""])
            let port = try await member.port()
            try await controller.expectConnections(true, to: port)
            try await hub.kubectl("delete secret watched -n \(space)")
            let lost = try await fleet.status { $0[type: ConditionType.ready]?.status == .false }
            let authenticated = lost.conditions?[type: ConditionType.authenticated]
            #expect(authenticated?.status == .false && authenticated?.reason == "KubeconfigMissing")
            #expect(authenticated?.message.contains("Secret watched does not exist in namespace \(space)") == true)
            #expect(lost.credentialExpirationTime == nil)
            try await controller.expectConnections(false, to: port)
            let path = try await member.kubeconfig(of: ObjectKey(namespace: space, name: "tmc"))
            try await hub.kubectl("create secret generic watched -n \(space) --from-file=value=\(path)")
            try await fleet.status { $0.isTrue(ConditionType.ready) && $0.isTrue(ConditionType.capacityKnown) }
            try await controller.expectConnections(true, to: port)
            try await history.catchUp()
            #expect(Self.course(history) == Self.outage)
            // The same when it does not answer.
            _ = try await member.whileHanging("apiserver") {
                try await fleet.status { $0[type: ConditionType.reachable]?.status == .false }
            }
            try await fleet.expectReady()
            try await history.catchUp()
            #expect(Self.course(history) == Self.outage + Self.outage)
            try await member.kubectl("delete clusterrole,clusterrolebinding \(space)")
        }
    }

    /// The condition Ready, the successes and the failures in a row, as often as they changed.
    private static func course(_ history: ObjectHistory<MemberCluster>) -> [String] {
        let course = history.course(WatchedMember.cluster.name) { cluster in
            cluster.status.map { status in
                let ready = status.conditions?[type: ConditionType.ready]?.status.rawValue ?? ""
                return "\(ready) \(status.consecutiveSuccesses ?? 0) \(status.consecutiveFailures ?? 0)"
            }
        }
        return Array(course.drop { $0 == "True 3 0" })
    }

    /// With a `failureThreshold` of 2 and a `successThreshold` of 3.
    private static let outage = ["True 0 1", "False 0 2", "False 1 0", "False 2 0", "True 3 0"]

    @Test("a role that was removed is named with the YAML that grants it again, and that YAML works")
    func forbidden() async throws {
        let space = "fleet-forbidden"
        try await WatchedMember.with(space) { fleet in
            let member = fleet.member
            try await member.kubectl("delete rolebinding tmc -n \(space)")
            let ended = try await fleet.recovery(of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .failed && ended.status?.escalation?.level == .manual)
            let step = try #require(ended.status?.escalation?.nextSteps?.first)
            #expect(step.contains("- get") && step.contains("- list") && step.contains("namespace: \(space)"))
            let manifest = try #require(step.components(separatedBy: "kubectl apply this\n").last)
            try await member.apply(manifest)
            try await fleet.expectReady()
            #expect(try await fleet.recoveries().count == 1)
        }
    }

    @Test("a certificate that ends soon is replaced by a token of the account that the MemberCluster names")
    func renewed() async throws {
        let space = "fleet-renewed"
        let renewal =
            "credentialRenewal: {serviceAccountRef: {namespace: \(space), name: tmc}, renewBeforeSeconds: 7200}"
        try await WatchedMember.with(space, spec: renewal, roles: ["strategy-cluster-auth"]) { fleet in
            let (hub, member) = (fleet.hub, fleet.member)
            let permission = "--verb=create --resource=serviceaccounts/token"
            try await member.kubectl("create role renew -n \(space) \(permission)")
            try await member.kubectl("create rolebinding renew -n \(space) --role=renew --user=soon")
            try await member.kubectl("create rolebinding soon -n \(space) --role=tmc --user=soon")
            let path = try await member.kubeconfigWithCertificate(user: "soon", minutes: 60)
            try await fleet.give(kubeconfig: path)
            let renewed = try await hub.wait(for: MemberCluster.self, WatchedMember.cluster) { cluster in
                let end = cluster.status?.credentialExpirationTime ?? .distantPast
                return end.timeIntervalSinceNow > 7_200
            }
            let isReady = renewed.status?.conditions?.isTrue(ConditionType.ready)
            #expect(isReady == true)
            let key = ObjectKey(namespace: space, name: "watched")
            let secret = try await hub.client.get(.secrets, key)
            let encoded = secret.content.value(at: ["data", "kubeconfig"])?.stringValue ?? ""
            let text = String(decoding: Data(base64Encoded: encoded) ?? Data(), as: UTF8.self)
            #expect(text.contains("token:") && !text.contains("client-certificate-data"))
            #expect(try await fleet.recoveries().isEmpty)
        }
    }
}
