public import KubernetesCore

/// Which objects of a kind are watched.
public struct WatchScope: Sendable, Hashable {
    /// Only this namespace; nil for all, and for cluster-scoped kinds.
    public var namespace: String?
    /// A label selector as text.
    public var labelSelector: String?
    /// A field selector as text.
    public var fieldSelector: String?

    /// Makes a scope; everything by default.
    public init(namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil) {
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
    }
}

/// What an informer watches and how it reads it.
public struct InformerSource<Object: Sendable>: Sendable {
    /// The kind.
    public var resource: APIResource
    /// Which objects of it.
    public var scope: WatchScope
    /// What is kept of them.
    public var decoder: ObjectDecoder<Object>

    /// Makes a source.
    public init(resource: APIResource, scope: WatchScope = WatchScope(), decoder: ObjectDecoder<Object>) {
        self.resource = resource
        self.scope = scope
        self.decoder = decoder
    }
}

/// Settings of an ``Informer``.
public struct InformerConfiguration: Sendable {
    /// How many objects one page of a consistent list has.
    public var pageSize = 500
    /// Whether the first list may come from the server's cache (`resourceVersion=0`): cheaper, but possibly older than
    /// what this program or its predecessor has seen before (k/k#59848).
    public var initialListMayBeStale = false
    /// How often handlers are told about every object again, against lost work, not lost events; nil for never.
    public var resyncInterval: Duration?
    /// Makes jitter repeatable; nil for chance.
    public var randomSeed: UInt64?

    /// Makes the default settings.
    public init() {}
}
