import Foundation
import JSON
import Synchronization
import TestSupport
import Timekeeping

/// An admission webhook that keeps single writes waiting until their sender is gone: the moments at which to kill the
/// sender.
///
/// The server asks before it stores anything, so that what is held is never written. All else passes.
///
/// ```swift
/// try await HeldWrites.with(plane, "team") { writes in
///     let write = writes.hold { $0.resource == "secrets" }
///     // What leads to the write.
///     try await write.wait()
///     controller.crash()
///     try await write.waitUntilGone()
/// }
/// ```
final class HeldWrites: Sendable {
    /// What the server is about to write.
    struct Review {
        /// The plural name, with the subresource.
        var resource: String
        /// As it is to be stored.
        var object: JSONValue
    }

    /// One write that is to be held.
    struct Write {
        fileprivate let isMoment: @Sendable (Review) -> Bool
        fileprivate let held = Latch()
        fileprivate let gone = Latch()

        /// Waits until the write is held.
        ///
        /// - Throws: `DeadlineExceeded` when nobody makes it.
        func wait() async throws { try await wait(held) }

        /// Waits until the server has given the write up, since its sender was killed.
        ///
        /// - Throws: `DeadlineExceeded` when it does not.
        func waitUntilGone() async throws { try await wait(gone) }

        private func wait(_ latch: Latch) async throws {
            let time = SystemTimeSource()
            try await withDeadline(time.now().advanced(by: .seconds(90)), time) { try await latch.wait() }
        }
    }

    private let next = Mutex<Write?>(nil)

    /// Has the next write held that is as asked.
    ///
    /// - Parameter isMoment: which write; asked about Secrets and the status of Recoveries, Migrations and Placements.
    /// - Returns: what to wait for.
    func hold(where isMoment: @escaping @Sendable (Review) -> Bool) -> Write {
        let write = Write(isMoment: isMoment)
        next.withLock { $0 = write }
        return write
    }

    /// Runs `body` while writes to a namespace can be held.
    ///
    /// - Parameters:
    ///   - plane: where.
    ///   - space: the namespace.
    ///   - body: the test.
    /// - Throws: what `body` throws, or a failure to set the webhook up.
    static func with(
        _ plane: ControlPlane,
        _ space: String,
        _ body: (HeldWrites) async throws -> Void
    ) async throws {
        let authority = try TestAuthority(name: "webhook")
        let writes = HeldWrites()
        let identity = try authority.issue("webhook", names: ["IP:127.0.0.1"])
        let server = try LoopbackServer(identity: identity) { connection in
            while let asked = connection.readRequest() {
                guard let request = (try? JSONValue(parsing: asked.body))?["request"] else { return }
                if let write = writes.take(Self.review(request)) {
                    write.held.open()
                    connection.waitForClose()
                    return write.gone.open()
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
              - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [secrets]}
              - apiGroups: [recovery.tmc.io]
                apiVersions: [v1alpha1]
                operations: [UPDATE]
                resources: [recoveries/status, migrations/status, placements/status]
              namespaceSelector: {matchLabels: {held: \(space)}}
              admissionReviewVersions: [v1]
              sideEffects: None
              timeoutSeconds: 30
            """
        )
        // The webhook refuses what is only tried out: that shows whether the server knows of it.
        let attempt = "create secret generic asked -n \(space) --dry-run=server"
        let isKnown = "[[ $(kubectl --kubeconfig \(plane.kubeconfig) \(attempt) 2>&1) == *'denied the request'* ]]"
        try await cleaningUp {
            try await plane.kubectl("delete validatingwebhookconfiguration \(space)")
            try await Shell.run("for i in $(seq 300); do \(isKnown) || exit 0; sleep 0.1; done; exit 1")
        } _: {
            try await Shell.run("for i in $(seq 300); do \(isKnown) && exit 0; sleep 0.1; done; exit 1")
            try await body(writes)
        }
    }

    /// The write to hold, if this is it; only once.
    private func take(_ review: Review) -> Write? {
        next.withLock { next in
            guard let write = next, write.isMoment(review) else { return nil }
            next = nil
            return write
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
