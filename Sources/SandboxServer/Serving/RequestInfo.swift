/// What a request asks for, read from its method, path and query alone.
package struct RequestInfo: Sendable, Hashable {
    /// As RBAC names it: get list watch create update patch delete deletecollection, or the lower-case method of a path
    /// that is no resource.
    package var verb: String
    /// The path as sent.
    package var path: String
    /// Empty for the core group and for paths that are no resource.
    package var group = ""
    /// As `v1`; empty for paths that are no resource.
    package var version = ""
    /// Empty for cluster-wide requests.
    package var namespace = ""
    /// The plural; empty for paths that are no resource.
    package var plural = ""
    /// Empty for collections.
    package var name = ""
    /// As `status`; empty for the object itself.
    package var subresource = ""

    /// Describes a request.
    package init(verb: String, path: String) {
        self.verb = verb
        self.path = path
    }
}
