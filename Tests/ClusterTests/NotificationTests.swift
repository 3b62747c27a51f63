import Foundation
import JSON
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport
import Testing
import Timekeeping

/// People who are told, by servers on this machine, under the roles that manifests/ ships.
@Suite("Notifications on a real control plane", .serialized, .enabled(if: hasControlPlane), .timeLimit(.minutes(5)))
struct NotificationTests {
    private static let account = "recovery-operator"

    /// An HTTP server that keeps what it is sent.
    private final class WebServer: Sendable {
        let server: LoopbackServer
        private let arrival: Signal

        init() throws {
            let arrival = Signal()
            self.arrival = arrival
            server = try LoopbackServer { connection in
                while connection.readRequest() != nil {
                    connection.answer("{}")
                    arrival.send()
                }
            }
        }

        func requests(atLeast count: Int) async throws -> [LoopbackRequest] {
            while server.requests.count < count { try await arrival.wait() }
            return server.requests
        }
    }

    @Test("what waits for a person reaches an HTTP server and, through TLS, a mail server: once, whoever leads")
    func delivers() async throws {
        let space = "notifications"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let authority = try TestAuthority(name: "mail authority")
        let mail = try LoopbackMailServer(
            identity: try authority.issue("mail", names: ["IP:127.0.0.1"]),
            offersStartTLS: true
        )
        let web = try WebServer()
        defer {
            mail.stop()
            web.server.stop()
        }
        let directory = try TemporaryDirectory()
        let trusted = try directory.write(authority.identity.certificate, as: "ca.crt")
        let configuration = try directory.write(Array("allowedAddresses: [127.0.0.0/8]\n".utf8), as: "config.yaml")
        try await plane.applyTenant(space)
        try await mayReadSecrets(plane, space)
        try await plane.kubectl("create secret generic chat -n \(space) --from-literal=url=\(web.server.url)/chat")
        try await plane.kubectl(
            "create secret generic mail -n \(space) --from-literal=username=me --from-literal=password=secret "
                + "--from-file=ca.crt=\(trusted)"
        )
        try await plane.apply(policy(space, mail))
        // Told by nobody: this controller may not reach servers on its own machine, and dies.
        let mute = try await ControllerProcess.start(plane, "--namespace \(space)")
        try await plane.apply(recovery(space, "lost"))
        let lost = ObjectKey(namespace: space, name: "lost")
        _ = try await plane.wait(for: Recovery.self, lost, until: \.isFinal)
        mute.crash()
        let flags = "--namespace \(space) --config \(configuration)"
        try await ControllerProcess.with(plane, flags) { controller in
            let request = try #require(try await web.requests(atLeast: 1).first)
            #expect(request.method == "POST" && request.target == "/chat")
            let text = try JSONValue(parsing: request.body)["text"]?.stringValue ?? ""
            #expect(text.contains("InternalError of ConfigMap \(space)/missing: recovery Failed"), "\(text)")
            #expect(text.contains("ConfigMap \(space)/missing does not exist"))
            let mails = try await mail.mails(atLeast: 2)
            #expect(mails.map(\.recipients).sorted { $0[0] < $1[0] } == [["a@example.com"], ["b@example.com"]])
            for received in mails {
                #expect(received.sender == "tmc@example.com" && received.isEncrypted)
                #expect(received.login == "AG1lAHNlY3JldA==")
                let body = String(received.content.split(separator: "\r\n\r\n", maxSplits: 1).last ?? "")
                let told = Data(base64Encoded: body.replacing("\r\n", with: "")).map {
                    String(decoding: $0, as: UTF8.self)
                }
                #expect(told?.contains("Recovery \(space)/lost") == true, "\(received.content)")
            }
            let metrics = try await controller.get("/metrics")
            #expect(metrics.contains(#"tmc_notifications_total{channel="Slack",result="sent"} 1"#))
            _ = try await plane.wait(for: Recovery.self, lost) { $0.status?.escalation?.notifiedTime != nil }
        }
        // The same failure again, under yet another controller: nobody is told twice.
        try await ControllerProcess.with(plane, flags) { controller in
            try await plane.apply(recovery(space, "again"))
            _ = try await plane.wait(for: Recovery.self, ObjectKey(namespace: space, name: "again")) {
                $0.status?.escalation?.notifiedTime != nil
            }
            let metrics = try await controller.get("/metrics")
            #expect(metrics.contains(#"tmc_notifications_total{channel="Email",result="duplicate"} 1"#))
            #expect(metrics.contains(#"tmc_notifications_total{channel="Email",result="sent"} 0"#))
        }
        #expect(web.server.requests.count == 1 && mail.mails.count == 2)
    }

    @Test("a mail server that does not answer makes no HTTP probe late")
    func stalledMail() async throws {
        let space = "notifications-stalled"
        let plane = try await SharedPlane.hub.plane(namespace: space)
        let stalled = Latch()
        let mail = try LoopbackServer { connection in
            connection.write("220 mail.test\r\n")
            while let line = connection.readLine() {
                guard line == "DATA" else {
                    connection.write("250 ok\r\n")
                    continue
                }
                connection.write("354 go on\r\n")
                while let text = connection.readLine(), text != "." {}
                stalled.open()
                return connection.waitForClose()
            }
        }
        let web = try WebServer()
        defer {
            mail.stop()
            web.server.stop()
        }
        let directory = try TemporaryDirectory()
        let configuration = try directory.write(Array("allowedAddresses: [127.0.0.0/8]\n".utf8), as: "config.yaml")
        try await plane.apply(
            """
            apiVersion: recovery.tmc.io/v1alpha1
            kind: RecoveryPolicy
            metadata: {name: stalled, namespace: \(space)}
            spec:
              detection:
                httpProbes:
                - {name: web, url: "\(web.server.url)", intervalSeconds: 1, timeoutSeconds: 1, errorType: ComponentUnhealthy}
              notifications:
              - channel: Email
                email: {server: "smtp://127.0.0.1:\(mail.port)", from: tmc@example.com, to: [a@example.com]}
            """
        )
        try await ControllerProcess.with(plane, "--namespace \(space) --config \(configuration)") { _ in
            try await plane.apply(recovery(space, "lost"))
            try await stalled.wait()
            // The mail is given up after a minute.
            let (time, seen) = (SystemTimeSource(), web.server.requests.count)
            try await withDeadline(time.now().advanced(by: .seconds(30)), time) {
                _ = try await web.requests(atLeast: seen + 3)
            }
        }
    }

    private func mayReadSecrets(_ plane: ControlPlane, _ space: String) async throws {
        try await plane.kubectl("create role channels -n \(space) --verb=get --resource=secrets")
        try await plane.kubectl(
            "create rolebinding channels -n \(space) --role=channels --serviceaccount=\(space):\(Self.account)"
        )
    }

    private func policy(_ space: String, _ mail: LoopbackMailServer) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: RecoveryPolicy
        metadata: {name: loud, namespace: \(space)}
        spec:
          serviceAccountName: \(Self.account)
          notifications:
          - {channel: Slack, secretRef: {name: chat}}
          - channel: Email
            secretRef: {name: mail}
            email: {server: "\(mail.url)", from: tmc@example.com, to: [a@example.com, b@example.com]}
        """
    }

    private func recovery(_ space: String, _ name: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(space)}
        spec:
          error: {type: InternalError, retryable: true}
          parameters: {waitSeconds: 0}
          targetRef: {apiVersion: v1, kind: ConfigMap, name: missing}
        """
    }
}
