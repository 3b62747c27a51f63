package import FoundationEssentials
package import HTTPServer

/// One request for a resource, with everything that its handler has to know.
package struct APICall: Sendable {
    /// The request as it came.
    package let request: HTTPServerRequest
    /// What it asks for.
    package let info: RequestInfo
    /// The resource of the path.
    package let resource: ServedResource
    /// Who asks.
    package let user: UserInfo
    /// How the answer has to look.
    package let mediaType: MediaType
    /// The time of the request.
    package let now: Date

    /// Gathers the facts.
    package init(
        request: HTTPServerRequest,
        info: RequestInfo,
        resource: ServedResource,
        user: UserInfo,
        mediaType: MediaType,
        now: Date
    ) {
        self.request = request
        self.info = info
        self.resource = resource
        self.user = user
        self.mediaType = mediaType
        self.now = now
    }

    /// The object of the path.
    package var objectName: ObjectName {
        ObjectName(namespace: resource.definition.isNamespaced ? info.namespace : "", name: info.name)
    }

    /// The resource and the object of the path are missing.
    package var notFound: APIFailure { .notFound(resource.id, name: info.name) }
}
