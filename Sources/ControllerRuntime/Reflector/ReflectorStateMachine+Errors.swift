import HTTPTransport
import KubernetesClient
import KubernetesCore

extension ReflectorStateMachine.Failure {
    /// What an error of a list or of the start of a watch means.
    init(_ error: any Error) {
        switch error {
        case ClientError.api(let error): self.init(error)
        case ClientError.transport, ClientError.credentials: self = .transient
        default: self = .rejected
        }
    }

    private init(_ error: APIError) {
        if error.isGone {
            self = .expired
        } else if error.isTooLargeResourceVersion {
            self = .tooLargeResourceVersion
        } else if error.status == 429 {
            self = .throttled(error.retryAfter)
        } else if error.status >= 500 {
            self = error.retryAfter.map { .throttled($0) } ?? .transient
        } else {
            self = .rejected
        }
    }

    /// What an ERROR event of a watch means.
    init(_ status: KubernetesStatus) {
        let code = status.code ?? 0
        if status.isExpired {
            self = .expired
        } else if status.isTooLargeResourceVersion {
            self = .tooLargeResourceVersion
        } else if code == 429 || status.reason == "TooManyRequests" {
            self = .throttled(status.details?.retryAfterSeconds.map { .seconds($0) })
        } else if code >= 500 {
            self = .transient
        } else {
            self = .rejected
        }
    }
}
