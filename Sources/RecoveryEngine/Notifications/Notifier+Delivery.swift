internal import FoundationEssentials
internal import HTTPTransport
internal import JSON
internal import KubernetesClient
internal import KubernetesCore
internal import RecoveryAPI
internal import RecoveryDecision
internal import Telemetry
internal import Timekeeping

/// The waits before the second, third and fourth try.
private let waits: [Duration] = [.seconds(5), .seconds(30), .seconds(120)]

extension Notifier {
    func deliver(_ delivery: Delivery) async {
        for wait in waits.map(Optional.some) + [nil] {
            do {
                try await send(delivery)
                count(delivery.channel, "sent")
                remember(delivery)
                if let told = delivery.tally.succeed() { await write(told) }
                return
            } catch is CancellationError {
                return
            } catch let error as NoticeRequest.Misconfigured {
                return drop(delivery, "failed", error.description)
            } catch {
                guard let wait else { return drop(delivery, "failed", Attempt.describe(error)) }
                do {
                    try await environment.timeSource.sleep(for: wait)
                } catch {
                    return
                }
            }
        }
    }

    /// The answer of a channel that did not take a notice.
    private struct Refused: Error, CustomStringConvertible {
        var status: Int
        var text = ""
        var description: String { "it answered \(status)" + (text.isEmpty ? "" : ": \(text.prefix(256))") }
    }

    private func send(_ delivery: Delivery) async throws {
        let secret = try await secret(delivery)
        if let recipient = delivery.recipient { return try await mail(delivery, to: recipient, secret) }
        var request = try NoticeRequest.make(
            delivery.notice,
            delivery.channel,
            secret: secret,
            heldBack: delivery.heldBack
        )
        let addresses = environment.addresses
        if let problem = addresses.problem(url: request.url) {
            throw NoticeRequest.Misconfigured(description: "the URL \(problem)")
        }
        request.mayConnect = { addresses.problem(address: $0) == nil }
        let answer = try await environment.transport.perform(request)
        switch answer.status {
        case 200..<300: return
        case 408, 429, 500...: throw Refused(status: answer.status)
        default: throw NoticeRequest.Misconfigured(description: Refused(status: answer.status).description)
        }
    }

    private func mail(_ delivery: Delivery, to recipient: String, _ secret: [String: String]) async throws {
        var mail = try NoticeMail.make(
            delivery.notice,
            delivery.channel,
            to: recipient,
            secret: secret,
            heldBack: delivery.heldBack,
            now: environment.timeSource.wallTime()
        )
        let addresses = environment.addresses
        if let problem = addresses.problem(url: mail.server, schemes: ["smtp", "smtps"]) {
            throw NoticeRequest.Misconfigured(description: "email.server \(problem)")
        }
        mail.mayConnect = { addresses.problem(address: $0) == nil }
        let reply = try await environment.transport.send(mail)
        switch reply.status {
        case ..<400: return
        case ..<500: throw Refused(status: reply.status, text: reply.text)
        default:
            throw NoticeRequest.Misconfigured(description: "\(Refused(status: reply.status, text: reply.text))")
        }
    }

    /// The decoded data of the channel's Secret.
    private func secret(_ delivery: Delivery) async throws -> [String: String] {
        guard let name = delivery.channel.secretRef?.name else { return [:] }
        let namespace = delivery.policy.metadata.namespace ?? ""
        var client = environment.client
        if let account = delivery.policy.spec.effectiveServiceAccountName {
            client = client.impersonating(.serviceAccount(namespace: namespace, name: account))
        } else if namespace != environment.controllerNamespace {
            throw NoticeRequest.Misconfigured(
                description: "Secret \(namespace)/\(name) is read only as a ServiceAccount; set spec.serviceAccountName"
            )
        }
        let secret = try await client.get(.secrets, ObjectKey(namespace: namespace, name: name))
        var texts = SecretText.all(secret)
        // A key of one's own holds what the channel cannot do without.
        if let key = delivery.channel.secretRef?.key {
            let name =
                switch delivery.channel.channel.value {
                case .pagerDuty: "routingKey"
                case .email: "password"
                case .slack, .webhook, .alertmanager, nil: "url"
                }
            texts[name] = texts[key]
        }
        return texts
    }

    /// Notes in the Recovery that everybody was told.
    func write(_ notice: RecoveryNotice) async {
        guard notice.isNoted else { return }
        let (client, now) = (environment.client, environment.timeSource.wallTime().wholeSecond)
        do {
            let live = try await client.withRetryOnConflict {
                let live = try await client.get(Recovery.self, notice.recovery)
                guard let told = notice.noted(in: live, at: now) else { return live }
                return try await client.patchStatus(of: live, from: live.status, to: told)
            }
            // While people were being told it may have come to an end.
            if notice.endDate == nil, let end = notice.end(in: live, now: now) { settle(notice.subject, at: end) }
        } catch let error as ClientError where error.apiError?.isNotFound == true {
            return
        } catch {
            environment.logger.warning(
                "cannot write that people were notified; a new leader would notify them again",
                ["recovery": "\(notice.recovery)", "error": Attempt.describe(error)]
            )
        }
    }
}
