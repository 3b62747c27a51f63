internal import CCurl
import Glibc

/// How far a transfer got before it failed.
struct TransferProgress {
    var isResolved = false
    var hasBegunTLS = false
    var wasSent = false
    /// The proxy's scheme; nil without one.
    var proxyScheme: String?
    /// The proxy's answer to CONNECT, 0 without one.
    var proxyStatus = 0

    /// The phase that the transfer is in.
    var phase: HTTPTransportError.Phase {
        if wasSent { return .http }
        // TLS with an https proxy comes before its answer to CONNECT.
        if hasBegunTLS, proxyScheme != "https" || proxyStatus / 100 == 2 { return .tls }
        if proxyScheme != nil { return .proxy }
        return isResolved ? .tcp : .dns
    }

    /// The layer to blame for a failure of the kind that libcurl names.
    func layer(for failure: CCurlFailure) -> HTTPTransportError.Layer {
        switch failure {
        case .request: wasSent ? .http : .url
        case .proxy: .proxy
        case .nameResolution: .dns
        case .connect: proxyScheme == nil ? .tcp : .proxy
        case .security: .tls
        case .timeout: .timeout(phase)
        case .transfer: HTTPTransportError.Layer(phase)
        case .callback, .local: .local
        }
    }
}

extension HTTPTransportError.Layer {
    fileprivate init(_ phase: HTTPTransportError.Phase) {
        switch phase {
        case .dns: self = .dns
        case .tcp: self = .tcp
        case .proxy: self = .proxy
        case .tls: self = .tls
        case .http: self = .http
        }
    }
}

extension Transfer {
    /// How far the transfer got.
    var progress: TransferProgress {
        TransferProgress(
            isResolved: easy.time(.resolved) > .zero,
            hasBegunTLS: easy.hasBegunTLS,
            wasSent: sendCount > 0,
            proxyScheme: job.request.security.proxyScheme,
            proxyStatus: max(easy.fact(.proxyStatus), 0)
        )
    }

    /// The error for libcurl's `code`, which is not 0.
    func error(code: Int32) -> HTTPTransportError {
        if let refusal { return error(refusal, code: code) }
        if let refusedAddress, sendCount == 0 {
            return HTTPTransportError(
                layer: .url,
                code: code,
                function: "curl_multi_perform",
                message: "no connection may be made to \(refusedAddress)"
            )
        }
        let text = easy.lastErrorText
        let system = Int32(clamping: max(easy.fact(.errno), 0))
        var message = text.isEmpty ? CurlLibrary.text(code) : text
        if system != 0 { message += ": " + systemText(system) }
        return HTTPTransportError(
            layer: progress.layer(for: ccurl_classify(code)),
            code: code,
            function: "curl_multi_perform",
            message: message,
            requestWasSent: sendCount > 0,
            systemCode: system
        )
    }

    private func error(_ refusal: Refusal, code: Int32) -> HTTPTransportError {
        let (layer, message): (HTTPTransportError.Layer, String) =
            switch refusal {
            case .bodyTooLarge: (.tooLarge, "the body is larger than \(job.request.maxResponseBytes) bytes")
            case .headTooLarge: (.tooLarge, "the header is too large")
            case .invalidHead: (.http, "the status line has no status")
            case .resend: (.http, "a kept connection died before the answer; the request was not sent again")
            case .abandoned: (.cancelled, "the reader ended the transfer")
            }
        return HTTPTransportError(
            layer: layer,
            code: code,
            function: "curl_multi_perform",
            message: message,
            requestWasSent: sendCount > 0
        )
    }

    /// The error for a line that was silent for too long.
    var idleError: HTTPTransportError {
        let limit = job.request.timeouts.idle.map { "\($0)" } ?? "ever"
        return HTTPTransportError(
            layer: .timeout(.http),
            message: "not a byte of the answer for \(limit)",
            requestWasSent: sendCount > 0
        )
    }

    /// An error that has nothing to do with this transfer, with what is known about its request.
    func completed(_ error: HTTPTransportError) -> HTTPTransportError {
        var error = error
        error.requestWasSent = sendCount > 0
        return error
    }

    /// Where the time of a finished transfer went.
    var timings: HTTPTimings {
        HTTPTimings(
            dns: easy.time(.resolved),
            connect: easy.time(.connected),
            tls: easy.time(.secured),
            firstByte: easy.time(.firstByte),
            total: easy.time(.total),
            isReusedConnection: easy.fact(.newConnections) == 0,
            wasResent: sendCount > 1
        )
    }
}

/// The system's text for an errno value, without strerror's shared memory.
private func systemText(_ code: Int32) -> String {
    var text = [CChar](repeating: 0, count: 128)
    guard unsafe strerror_r(code, &text, text.count) == 0 else { return "errno \(code)" }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
