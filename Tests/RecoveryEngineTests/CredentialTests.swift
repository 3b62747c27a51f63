import ControllerRuntime
import FoundationEssentials
import JSON
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import YAML

@testable import RecoveryEngine

@Suite("Credentials of member clusters")
struct CredentialTests {
    @Test("a ServiceAccount's token says whose it is and when it ends")
    func token() throws {
        let token = MemberClusterControllerTests.token(start: 1_000, end: 5_000)
        let claims = try #require(CredentialClaims.of(token: token))
        #expect(claims.start == Date(timeIntervalSince1970: 1_000) && claims.end == Date(timeIntervalSince1970: 5_000))
        #expect(claims.user == "system:serviceaccount:kube-system:tmc")
    }

    @Test(
        "what is no such token says nothing and does no harm",
        arguments: ["", "abc", "a.b.c", "..", "e30.e30", "a.W10.c", "\u{1F600}.\u{1F600}.\u{1F600}"]
    )
    func otherTokens(token: String) {
        #expect(CredentialClaims.of(token: token)?.end == nil)
        #expect(CredentialClaims.of(token: token)?.user == nil)
    }

    @Test("claims out of any range are ignored")
    func wildClaims() throws {
        let payload = Data(#"{"exp":1e300,"iat":"soon","sub":7}"#.utf8).base64EncodedString()
            .replacing("=", with: "")
        let claims = try #require(CredentialClaims.of(token: "e30.\(payload).x"))
        #expect(claims == CredentialClaims())
        #expect(!claims.isDue(at: Date(timeIntervalSince1970: 0), before: 1e9))
    }

    @Test("a client certificate says whose it is and when it ends, whatever its size")
    func certificate() throws {
        let authority = try TestAuthority(name: "test")
        let identity = try authority.issue("somebody")
        let claims = try #require(CredentialClaims.of(certificate: identity.certificate))
        #expect(claims.user == "somebody")
        let end = try #require(claims.end)
        let start = try #require(claims.start)
        #expect(end > start && end.timeIntervalSince(start) < 400 * 86_400)
    }

    @Test("a certificate that was cut or damaged anywhere is refused or read, never trapped over")
    func damagedCertificate() throws {
        let pem = try TestAuthority(name: "test").issue("x").certificate
        let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
        let der = [UInt8](try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
        for index in 0..<min(der.count, 200) {
            for value: UInt8 in [0x00, 0x80, 0x84, 0xFF] {
                var bytes = der
                bytes[index] = value
                _ = CredentialClaims.of(certificate: Self.pem(bytes))
            }
            _ = CredentialClaims.of(certificate: Self.pem(Array(der.prefix(index))))
        }
        #expect(CredentialClaims.of(certificate: Array("-----BEGIN CERTIFICATE-----".utf8)) == nil)
    }

    @Test(
        "a time in letters of several bytes is no time, and does no harm",
        arguments: ["Z", "e\u{301}", "\u{1F469}\u{200D}"]
    )
    func timeInOddLetters(text: String) throws {
        let element = { (tag: UInt8, content: [UInt8]) in [tag, UInt8(content.count)] + content }
        for length in 1...20 {
            for tag: UInt8 in [0x17, 0x18] {
                var bytes = Array(String(repeating: text, count: length).utf8.prefix(14))
                bytes += Array(repeating: UInt8(ascii: "0"), count: max(0, 14 - bytes.count)) + [UInt8(ascii: "Z")]
                for size in [13, 15] {
                    let time = element(tag, Array(bytes.suffix(size)))
                    let before = element(0x02, [1]) + element(0x30, []) + element(0x30, [])
                    let body = before + element(0x30, time + time) + element(0x30, [])
                    let certificate = Self.pem(element(0x30, element(0x30, body)))
                    let claims = CredentialClaims.of(certificate: certificate)
                    #expect(claims == nil || length == 0, "\(text) \(length) \(tag) \(size)")
                }
            }
        }
    }

    @Test("certificates of random and of damaged bytes are read or refused, never trapped over")
    func fuzzedCertificate() throws {
        var random = SeededGenerator(seed: 20_260_101)
        let pem = try TestAuthority(name: "test").issue("x").certificate
        let lines = String(decoding: pem, as: UTF8.self).split(separator: "\n")
        let der = [UInt8](try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined())))
        // The times are where counting can go wrong: damage them more often than the rest.
        let times = der.indices.filter { [0x17, 0x18].contains(der[$0]) }
        for round in 0..<4_000 {
            var bytes =
                round % 4 == 0
                ? (0..<Int.random(in: 0...80, using: &random)).map { _ in .random(in: 0...255, using: &random) } : der
            for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
                let near = (times.randomElement(using: &random) ?? 0) + Int.random(in: 0...16, using: &random)
                let index = round % 2 == 0 ? Int.random(in: 0..<bytes.count, using: &random) : near
                guard bytes.indices.contains(index) else { continue }
                bytes[index] =
                    [0xC3, 0xCC, 0x81, 0xE2, 0x80, 0x8D, 0x0D, 0x0A, 0x5A, .random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            _ = CredentialClaims.of(certificate: Self.pem(bytes))
            _ = CredentialClaims.of(certificate: bytes)
        }
    }

    private static func pem(_ der: [UInt8]) -> [UInt8] {
        Array(
            "-----BEGIN CERTIFICATE-----\n\(Data(der).base64EncodedString())\n-----END CERTIFICATE-----\n".utf8
        )
    }

    @Test(
        "renewal is due the asked time before the end, but not in the first half of a short life",
        arguments: [
            (0.0, 86_400.0, 82_799.0, false), (0, 86_400, 82_800, true), (0, 600, 299, false), (0, 600, 300, true),
        ]
    )
    func renewalTime(start: Double, end: Double, now: Double, isDue: Bool) {
        let claims = CredentialClaims(
            start: Date(timeIntervalSince1970: start),
            end: Date(timeIntervalSince1970: end),
            user: nil
        )
        #expect(claims.isDue(at: Date(timeIntervalSince1970: now), before: 3_600) == isDue)
    }

    @Test("a new token takes the place of every other credential; all else in the kubeconfig stays")
    func replacesToken() throws {
        let text = """
            apiVersion: v1
            kind: Config
            current-context: b
            preferences: {colors: true}
            clusters: [{name: c, cluster: {server: "https://x:1", certificate-authority-data: Zm9v}}]
            users:
            - {name: other, user: {token: stays}}
            - {name: u, user: {client-certificate-data: Zm9v, client-key-data: Zm9v, password: p, as: someone}}
            contexts: [{name: a, context: {cluster: c, user: other}}, {name: b, context: {cluster: c, user: u}}]
            """
        let bytes = try KubeconfigDocument.replacing(token: Sensitive("new: \"one\""), in: Array(text.utf8))
        let changed = try YAMLDocument.parse(bytes, source: "changed")
        var expected = try YAMLDocument.parse(Array(text.utf8), source: "text")
        var users = expected["users"]?.arrayValue ?? []
        users[1]["user"] = ["token": "new: \"one\"", "as": "someone"]
        expected["users"] = .array(users)
        #expect(changed == expected)
    }

    @Test(
        "a kubeconfig whose current context leads nowhere is not touched",
        arguments: [
            "{}", "[]", "current-context: x", "{current-context: a, contexts: [{name: a, context: {user: u}}]}",
        ]
    )
    func keepsOddKubeconfigs(text: String) {
        #expect(throws: (any Error).self) {
            try KubeconfigDocument.replacing(token: Sensitive("t"), in: Array(text.utf8))
        }
    }

    private func grant(_ spec: [String: JSONValue], user: String?) throws -> [JSONValue] {
        var all: JSONValue = ["kubeconfigSecretRef": ["name": "edge"]]
        for (key, value) in spec { all[key] = value }
        let cluster = try MemberCluster(
            json: [
                "apiVersion": "recovery.tmc.io/v1alpha1", "kind": "MemberCluster", "metadata": ["name": "edge"],
                "spec": all,
            ]
        )
        let manifest = PermissionGrant.manifest(for: cluster, user: user)
        return try YAMLDocument.parseAll(Array(manifest.utf8), source: "manifest")
    }

    @Test("what a member needs becomes a Role for each namespace and a ClusterRole, bound to who asks")
    func grants() throws {
        let documents = try grant(
            [
                "requiredPermissions": [
                    ["group": "apps", "resource": "deployments", "verbs": ["get", "patch"]],
                    ["resource": "secrets", "verbs": ["get"], "namespace": "prod"],
                ],
                "credentialRenewal": ["serviceAccountRef": ["namespace": "kube-system", "name": "tmc"]],
            ],
            user: "system:serviceaccount:kube-system:tmc"
        )
        #expect(
            documents.map { $0["kind"]?.stringValue }
                == ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Role", "RoleBinding"]
        )
        #expect(
            documents[0]["rules"] == [
                ["nonResourceURLs": ["/readyz", "/version"], "verbs": ["get"]],
                [
                    "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"],
                    "verbs": ["create"],
                ], ["apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]],
            ]
        )
        // Of this one account only: a token of another one could do more.
        #expect(
            documents[2]["rules"] == [
                [
                    "apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": ["tmc"],
                    "verbs": ["create"],
                ]
            ]
        )
        #expect(
            documents[5]["subjects"] == [["kind": "ServiceAccount", "namespace": "kube-system", "name": "tmc"]]
        )
        #expect(documents[4]["metadata"]?["namespace"] == "prod")
        for (role, binding) in [(0, 1), (2, 3), (4, 5)] {
            #expect(documents[binding]["roleRef"]?["name"] == documents[role]["metadata"]?["name"])
        }
    }

    @Test("two users of one server, or two placements, get objects of different names; the same one gets the same")
    func grantNames() throws {
        let name = { (documents: [JSONValue]) in documents.first?["metadata"]?["name"]?.stringValue }
        let jane = try grant([:], user: "jane")
        #expect(try name(jane) != name(grant([:], user: "john")))
        #expect(
            try name(jane) == name(grant(["requiredPermissions": [["resource": "a", "verbs": ["get"]]]], user: "jane"))
        )
        #expect(jane[1]["subjects"]?[index: 0]?["name"] == "jane" && jane[1]["subjects"]?[index: 0]?["kind"] == "User")
        let permission = RequiredPermission(resource: "configmaps", verbs: ["get"])
        let placements = ["team/a", "team/b"].map {
            PermissionGrant.manifest(placement: $0, [permission], user: "jane")
        }
        #expect(placements[0] != placements[1])
    }
}
