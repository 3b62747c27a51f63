extension APIError {
    /// 404: the object, its namespace or the whole resource is not there.
    public var isNotFound: Bool { status == 404 }

    /// 404 that concerns no object: the group, version or resource is not served, so discovery is out of date.
    public var isUnknownResource: Bool { isNotFound && (kubernetesStatus?.details?.name ?? "").isEmpty }

    /// 409 because the object exists; not a matter of versions.
    public var isAlreadyExists: Bool { status == 409 && reason == "AlreadyExists" }

    /// 409 because the object has changed, or another field manager owns fields.
    public var isConflict: Bool { status == 409 && !isAlreadyExists }

    /// 409 of a server-side apply: others own the fields that ``KubernetesStatus/Details/causes`` name.
    public var isApplyConflict: Bool { isConflict && hasCause("FieldManagerConflict") }

    /// 410: a resourceVersion or a continue token has become too old.
    public var isGone: Bool { status == 410 || reason == "Expired" || reason == "Gone" }

    /// 504 because the server has not yet seen the resourceVersion asked for.
    public var isTooLargeResourceVersion: Bool { kubernetesStatus?.isTooLargeResourceVersion ?? false }

    /// 403: RBAC, admission or quota say no.
    public var isForbidden: Bool { status == 403 }

    /// 401: the server does not know who asks.
    public var isUnauthorized: Bool { status == 401 }

    /// 422 or 400: the content is at fault.
    public var isInvalid: Bool { status == 422 || status == 400 }

    /// 429 of an eviction that a PodDisruptionBudget forbids for now.
    public var isDisruptionBudget: Bool { status == 429 && hasCause("DisruptionBudget") }

    /// Whether the namespace is being deleted, so that nothing new can be made in it.
    public var isNamespaceTerminating: Bool { status == 403 && hasCause("NamespaceTerminating") }

    /// Whether one of the causes has this reason.
    public func hasCause(_ reason: String) -> Bool { kubernetesStatus?.hasCause(reason) ?? false }

    /// What to do about it.
    ///
    /// 401 may pass when credentials are renewed, so it is worth another try; 403 needs a person.
    public var disposition: Disposition {
        // Waiting does not make the version smaller: ask again without it.
        if isGone || isTooLargeResourceVersion { return .gone }
        let waiting = retryAfter.map(Disposition.retryAfter) ?? .retry
        switch status {
        case 404: return .gone
        case 409 where isAlreadyExists:
            // With a wait it was a generated name that collided; otherwise the name stays taken.
            return retryAfter == nil ? .terminal : waiting
        case 409: return isApplyConflict ? .terminal : .conflict
        case 401, 408: return .retry
        case 429: return waiting
        case 501, 505: return .terminal
        case 500...: return waiting
        default: return .terminal
        }
    }
}
