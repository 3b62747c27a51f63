internal import FoundationEssentials
package import HTTPTransport
internal import JSON
internal import KubernetesCore
package import RecoveryAPI

/// A notice as one channel wants it: an HTTP request.
package enum NoticeRequest {
    /// Why a channel cannot be used as it is set up.
    package struct Misconfigured: Error, Sendable, Hashable, CustomStringConvertible {
        /// What is missing, and where.
        package var description: String
    }

    /// Where PagerDuty takes events, unless the channel names another place.
    private static let pagerDuty = "https://events.pagerduty.com/v2/enqueue"

    /// Seconds after which an alert ends whose end nobody has told: as long as a Recovery is kept by default.
    private static let maxAlertAge = 86_400.0

    /// Makes the request.
    ///
    /// - Parameters:
    ///   - notice: what to tell.
    ///   - channel: who is told.
    ///   - secret: the decoded data of the channel's Secret; empty when it has none.
    ///   - heldBack: how many notices were held back since the last one.
    /// - Returns: the request, without the check of its address.
    /// - Throws: ``Misconfigured``.
    package static func make(
        _ notice: RecoveryNotice,
        _ channel: NotificationChannel,
        secret: [String: String],
        heldBack: Int
    ) throws(Misconfigured) -> HTTPRequest {
        let more = heldBack == 0 ? "" : "\n(\(heldBack) more were held back)"
        switch channel.channel.value {
        case .slack: return post(try url(channel, secret), ["text": .string(escaped(notice.text + more))])
        case .webhook:
            var request = post(try url(channel, secret), document(notice, heldBack))
            authorize(&request, secret)
            return request
        case .pagerDuty:
            guard let key = secret["routingKey"], !key.isEmpty else {
                throw Misconfigured(description: "the Secret of channel PagerDuty has no key routingKey")
            }
            let place = secret["url"] ?? channel.url ?? pagerDuty
            return post(place, event(notice, key, heldBack))
        case .alertmanager:
            var place = try url(channel, secret)
            while place.hasSuffix("/") { place.removeLast() }
            if !place.hasSuffix("/api/v2/alerts") { place += "/api/v2/alerts" }
            var request = post(place, [alert(notice)])
            authorize(&request, secret)
            return request
        case .email: throw Misconfigured(description: "channel Email needs email, with server, from and to")
        case nil: throw Misconfigured(description: "there is no channel \(channel.channel.rawValue)")
        }
    }

    private static func url(_ channel: NotificationChannel, _ secret: [String: String]) throws(Misconfigured) -> String
    {
        if let url = secret["url"] ?? channel.url, !url.isEmpty { return url }
        throw Misconfigured(
            description: "channel \(channel.channel.rawValue) has no url, and its Secret has no key url"
        )
    }

    private static func authorize(_ request: inout HTTPRequest, _ secret: [String: String]) {
        guard let token = secret["token"], !token.isEmpty else { return }
        request.headers.append(HTTPHeader(name: "Authorization", value: "Bearer \(token)"))
    }

    private static func post(_ url: String, _ body: JSONValue) -> HTTPRequest {
        HTTPRequest(
            method: "POST",
            url: url,
            headers: [HTTPHeader(name: "Content-Type", value: "application/json")],
            body: body.serialized(),
            timeouts: HTTPTimeouts(connect: .seconds(10), total: .seconds(20)),
            maxResponseBytes: 64 << 10
        )
    }

    /// Slack reads these three as markup.
    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    private static func document(_ notice: RecoveryNotice, _ heldBack: Int) -> JSONValue {
        [
            "level": .string(notice.level.rawValue), "reason": .string(notice.reason),
            "title": .string(notice.title), "message": .string(notice.message),
            "recovery": [
                "namespace": .string(notice.recovery.namespace ?? ""), "name": .string(notice.recovery.name),
                "state": .string(notice.state.rawValue),
            ],
            "error": [
                "type": .string(notice.error.type), "code": .string(notice.error.code ?? ""),
                "severity": .string(notice.error.effectiveSeverity.rawValue),
            ], "target": .string(notice.target), "nextSteps": .array(notice.nextSteps.map(JSONValue.string)),
            "time": .string(notice.time), "heldBack": .number(heldBack),
        ]
    }

    private static func event(_ notice: RecoveryNotice, _ key: String, _ heldBack: Int) -> JSONValue {
        let severity =
            switch notice.level {
            case .emergency: "critical"
            case .manual: "error"
            case .guided: "warning"
            case .automatic: "info"
            }
        if notice.endDate != nil {
            return [
                "routing_key": .string(key), "event_action": "resolve", "dedup_key": .string(notice.incident),
            ]
        }
        return [
            "routing_key": .string(key), "event_action": "trigger", "dedup_key": .string(notice.incident),
            "payload": [
                "summary": .string(String(notice.title.prefix(1_024))), "source": .string(notice.target),
                "severity": .string(severity), "custom_details": document(notice, heldBack),
            ],
        ]
    }

    /// An Alertmanager ends an alert without an end after minutes; this one ends when the failure does, or after a day.
    private static func alert(_ notice: RecoveryNotice) -> JSONValue {
        let name = if case .approval = notice.matter { "RecoveryAwaitsApproval" } else { "RecoveryEscalated" }
        let end = notice.endDate ?? notice.date?.addingTimeInterval(maxAlertAge)
        var alert: JSONValue = [
            "labels": [
                "alertname": .string(name), "level": .string(notice.level.rawValue),
                "severity": .string(notice.error.effectiveSeverity.rawValue.lowercased()),
                "error_type": .string(notice.error.type), "namespace": .string(notice.recovery.namespace ?? ""),
                "target": .string(notice.target),
            ],
            "annotations": ["summary": .string(notice.title), "description": .string(notice.text)],
            "startsAt": .string(notice.time),
        ]
        alert["endsAt"] = end.flatMap { RFC3339.string(from: $0) }.map(JSONValue.string)
        return alert
    }
}
