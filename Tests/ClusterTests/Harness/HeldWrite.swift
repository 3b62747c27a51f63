import Foundation
import JSON
import TestSupport
import Timekeeping

/// An admission webhook that keeps one write waiting until its sender is gone: the moment at which to kill the sender.
///
/// The server asks before it stores anything, so that what is held is never written. All else passes.
struct HeldWrite {
    /// What the server is about to write.
    struct Review {
        /// The plural name, with the subresource.
        var resource: String
        /// As it is to be stored.
        var object: JSONValue
    }

    private let held: Latch

    /// Waits until the write is held.
    ///
    /// - Throws: `DeadlineExceeded` when nobody makes it.
    func wait() async throws {
        let time = SystemTimeSource()
        try await withDeadline(time.now().advanced(by: .seconds(90)), time) { try await held.wait() }
    }

    /// Runs `body` while the first write to a namespace that is as asked is to be held.
    ///
    /// - Parameters:
    ///   - plane: where.
    ///   - space: the namespace; there is a Secret `watched` in it.
    ///   - isMoment: which write; asked about Secrets and the status of Recoveries.
    ///   - body: the test.
    /// - Throws: what `body` throws, or a failure to set the webhook up.
    static func with(
        _ plane: ControlPlane,
        _ space: String,
        where isMoment: @escaping @Sendable (Review) -> Bool,
        _ body: (HeldWrite) async throws -> Void
    ) async throws {
        let authority = try TestAuthority(name: "webhook")
        let held = Latch()
        let identity = try authority.issue("webhook", names: ["IP:127.0.0.1"])
        let server = try LoopbackServer(identity: identity) { connection in
            while let asked = connection.readRequest() {
                guard let request = (try? JSONValue(parsing: asked.body))?["request"] else { return }
                if !held.isOpen, isMoment(Self.review(request)) {
                    held.open()
                    return connection.waitForClose()
                }
                connection.answer(Self.answer(to: request), headers: ["Content-Type: application/json"])
            }
        }
        defer { server.stop() }
        try await plane.kubectl("label namespace \(space) held=\(space)")
        try await plane.apply(
            """
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata: {name: \(space)}
            webhooks:
            - name: held.recovery.tmc.io
              clientConfig: {url: "\(server.url)/", caBundle: \(Data(authority.identity.certificate).base64EncodedString())}
              rules:
              - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [secrets]}
              - {apiGroups: [recovery.tmc.io], apiVersions: [v1alpha1], operations: [UPDATE], resources: [recoveries/status]}
              namespaceSelector: {matchLabels: {held: \(space)}}
              admissionReviewVersions: [v1]
              sideEffects: None
              timeoutSeconds: 30
            """
        )
        try await cleaningUp {
            try await plane.kubectl("delete validatingwebhookconfiguration \(space)")
        } _: {
            // What is only tried out is refused, which shows that the server knows of the webhook.
            let attempt =
                "kubectl --kubeconfig \(plane.kubeconfig) annotate secret watched -n \(space) asked=$i --dry-run=server"
            try await Shell.run("for i in $(seq 300); do \(attempt) || exit 0; sleep 0.1; done; exit 1")
            try await body(HeldWrite(held: held))
        }
    }

    private static func review(_ request: JSONValue) -> Review {
        let subresource = request["subResource"]?.stringValue ?? ""
        let plural = request.value(at: ["resource", "resource"])?.stringValue ?? ""
        return Review(
            resource: subresource.isEmpty ? plural : "\(plural)/\(subresource)",
            object: request["object"] ?? [:]
        )
    }

    private static func answer(to request: JSONValue) -> String {
        let isTried = request["dryRun"]?.boolValue == true
        let answer: JSONValue = [
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "response": ["uid": request["uid"] ?? "", "allowed": .bool(!isTried)],
        ]
        return answer.text
    }
}
