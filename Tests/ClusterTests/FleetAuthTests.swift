import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing

/// What can be wrong with a member's credential, done to real ones: each is told apart.
@Suite("Credentials of members", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(10)))
struct FleetAuthTests {
    /// The Recovery of a refused credential, which has to end with a person, and what it says.
    private func diagnosis(_ fleet: WatchedMember) async throws -> String {
        let status = try await fleet.status { $0[type: ConditionType.authenticated]?.status == .false }
        #expect(status.conditions?[type: ConditionType.reachable]?.status == .true)
        #expect(status.conditions?[type: ConditionType.authenticated]?.reason == "Unauthorized")
        let ended = try await fleet.recovery(of: .clusterAuth, until: \.isFinal)
        #expect(ended.state == .failed && ended.status?.escalation?.level == .manual)
        #expect(ended.status?.escalation?.nextSteps?.first?.contains("Secret \(fleet.space)/watched") == true)
        #expect(try await fleet.history.states(ended) == [.inProgress, .failed])
        #expect(
            ended.actions == ["RereadCredential Succeeded", "TestCredential Failed", "UpdateClusterStatus Succeeded"]
        )
        return ended.status?.executions?.last?.result?.error ?? ended.status?.message ?? ""
    }

    @Test("a token that has expired is told from one that was revoked")
    func expiredToken() async throws {
        try await WatchedMember.with("auth-expired-token") { fleet in
            try await fleet.give(user: "token: \(try await expiredToken(fleet))")
            #expect(try await diagnosis(fleet).contains("the credential expired at"))
            try await fleet.giveCredential()
            try await fleet.expectReady()
        }
    }

    /// A token of the account as the API server would have made it two hours ago, for one hour.
    private func expiredToken(_ fleet: WatchedMember) async throws -> String {
        let account = ObjectKey(namespace: fleet.space, name: "tmc")
        let token = try await fleet.member.client.requestToken(for: account).token.value
        return try await Shell.run(
            """
            python3 - "$(dirname \(fleet.member.kubeconfig))/pki/service-accounts.key" <<'PYTHON'
            import base64, json, subprocess, sys, time
            def text(data): return base64.urlsafe_b64encode(data).rstrip(b"=")
            header, payload, _ = "\(token)".split(".")
            claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
            claims.update(iat=int(time.time()) - 7200, nbf=int(time.time()) - 7200, exp=int(time.time()) - 3600)
            body = header.encode() + b"." + text(json.dumps(claims).encode())
            sign = ["openssl", "dgst", "-sha256", "-sign", sys.argv[1]]
            print((body + b"." + text(subprocess.run(sign, input=body, stdout=subprocess.PIPE, check=True).stdout)).decode())
            PYTHON
            """
        ).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("a client certificate that has expired is told from one of another authority")
    func expiredCertificate() async throws {
        try await WatchedMember.with("auth-expired-cert") { fleet in
            let path = try await fleet.member.kubeconfigWithCertificate(user: "late", minutes: -5)
            try await fleet.give(kubeconfig: path)
            #expect(try await diagnosis(fleet).contains("the credential expired at"))
            try await fleet.giveCredential()
            try await fleet.expectReady()
        }
    }

    @Test("a Secret that is rotated before the old credential ends is no incident")
    func rotated() async throws {
        let space = "auth-rotated"
        try await WatchedMember.with(space) { fleet in
            let account = ObjectKey(namespace: space, name: "next")
            try await fleet.member.kubectl("create serviceaccount next -n \(space)")
            let binding = "--role=tmc --serviceaccount=\(space):next"
            try await fleet.member.kubectl("create rolebinding next -n \(space) \(binding)")
            try await fleet.give(kubeconfig: try await fleet.member.kubeconfig(of: account))
            // The new Secret reaches the controller before the new spec, whose version shows that a probe used both.
            try await fleet.member.kubectl("delete serviceaccount tmc -n \(space)")
            let patch = "{\"spec\":{\"region\":\"north\"}}"
            try await fleet.hub.kubectl("patch membercluster watched --type=merge -p '\(patch)'")
            let cluster = try await fleet.hub.wait(for: MemberCluster.self, WatchedMember.cluster) { cluster in
                cluster.status?.observedGeneration == 2
            }
            #expect(cluster.status?.conditions?.isTrue(ConditionType.ready) == true)
            #expect(try await fleet.recoveries().isEmpty)
        }
    }

    @Test(
        "a kubeconfig that reaches out of its Secret is not used, and the field is named",
        arguments: [
            "tokenFile: /etc/hostname",
            "exec: {command: /bin/touch, args: [/tmp/never-run], apiVersion: client.authentication.k8s.io/v1beta1}",
        ]
    )
    func unsafe(user: String) async throws {
        let field = user.prefix { $0 != ":" }
        try await WatchedMember.with("auth-unsafe-\(field.lowercased())") { fleet in
            try await fleet.give(user: user)
            let status = try await fleet.status { conditions in
                conditions[type: ConditionType.authenticated]?.reason == "UnsafeKubeconfig"
            }
            let condition = status.conditions?[type: ConditionType.authenticated]
            #expect(condition?.status == .false && condition?.message.contains("user.\(field)") == true)
            #expect(status.conditions?[type: ConditionType.reachable]?.status == .unknown)
            let ended = try await fleet.recovery(of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .failed)
            let steps = ended.status?.escalation?.nextSteps?.joined(separator: "\n") ?? ""
            #expect(steps.contains("user.\(field)") && steps.contains("Secret"))
            #expect(steps.contains("--allow-member-exec") == (field == "exec"))
            #expect(!FileManager.default.fileExists(atPath: "/tmp/never-run"))
            try await fleet.giveCredential()
            try await fleet.expectReady()
        }
    }

    @Test("a permitted plug-in that fails is named with what it says, and used again when it works")
    func plugin() async throws {
        let space = "auth-plugin"
        let directory = try await Shell.run("mktemp -d").trimmingCharacters(in: .whitespacesAndNewlines)
        let plugin = "\(directory)/login"
        try await WatchedMember.with(space, flags: "--allow-member-exec \(plugin)") { fleet in
            let token = try await fleet.member.client.requestToken(for: ObjectKey(namespace: space, name: "tmc"))
            try await write(plugin, token: token.token.value)
            try await fleet.give(
                user: "exec: {command: \(plugin), apiVersion: client.authentication.k8s.io/v1beta1}"
            )
            // Only the plug-in's credential has an end that is not known beforehand.
            _ = try await fleet.hub.wait(for: MemberCluster.self, WatchedMember.cluster) { cluster in
                cluster.status?.credentialExpirationTime == nil
                    && cluster.status?.conditions?.isTrue(ConditionType.ready) == true
            }
            try await write(plugin, token: nil)
            let status = try await fleet.status { $0[type: ConditionType.authenticated]?.status == .false }
            let condition = status.conditions?[type: ConditionType.authenticated]
            #expect(condition?.reason == "CredentialUnavailable")
            #expect(condition?.message.contains("exit code 3: the vault is sealed") == true)
            let opened = try await fleet.recovery(of: .clusterAuth) { $0.status?.nextAttemptTime != nil }
            let steps = opened.status?.executions?.last?.result?.nextSteps ?? []
            #expect(steps.first?.contains("Run the plug-in named in Secret \(space)/watched") == true)
            try await write(plugin, token: token.token.value)
            let ended = try await fleet.recovery(of: .clusterAuth, until: \.isFinal)
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            try await fleet.expectReady()
            try await fleet.report("proof", .clusterAuth, "clusterRef: {name: watched}")
            let proof = try await fleet.ended("proof")
            #expect(
                proof.actions == [
                    "RereadCredential Succeeded", "TestCredential Succeeded", "UpdateClusterStatus Succeeded",
                ]
            )
        }
        try await Shell.run("rm -rf \(directory)")
    }

    /// A plug-in that prints a credential for two seconds; without a token it fails.
    private func write(_ path: String, token: String?) async throws {
        let credential = #"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":"#
        let body =
            if let token {
                """
                end=$(date -u -d "+2 seconds" +%Y-%m-%dT%H:%M:%SZ)
                echo '\(credential){"token":"\(token)","expirationTimestamp":"'$end'"}}'
                """
            } else { "echo the vault is sealed >&2\nexit 3" }
        // In one step: the controller may run it at any moment.
        try await Shell.run(
            """
            umask 077
            cat >\(path).new <<'SCRIPT'
            #!/bin/bash
            \(body)
            SCRIPT
            chmod +x \(path).new && mv \(path).new \(path)
            """
        )
    }

    @Test("a certificate near its end is renewed by the strategy step by step, and the new token is written once")
    func renewed() async throws {
        let space = "auth-renewed"
        try await WatchedMember.with(space, spec: WatchedMember.renewal(space), roles: ["strategy-cluster-auth"]) {
            fleet in
            try await fleet.giveCertificateNearItsEnd()
            try await fleet.report("renew", .clusterAuth, "clusterRef: {name: watched}")
            let ended = try await fleet.ended("renew")
            #expect(ended.state == .completed, "\(ended.status?.message ?? "")")
            #expect(try await fleet.history.states(ended) == [.inProgress, .completed])
            #expect(
                try await fleet.history.actions(ended) == [
                    "RereadCredential Succeeded", "TestCredential Succeeded", "RenewCredential Started",
                    "RenewCredential Succeeded", "ProveAccess Succeeded", "UpdateClusterStatus Succeeded",
                ]
            )
            let writes = try await AuditLog(fleet.hub).successfulWrites {
                $0.namespace == space && $0.resource == "secrets" && $0.userAgent.contains("recovery-controller")
            }
            #expect(writes.count == 1)
        }
    }
}
