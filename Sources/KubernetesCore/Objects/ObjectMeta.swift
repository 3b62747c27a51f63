public import FoundationEssentials

/// The metadata that every Kubernetes object carries (meta/v1 ObjectMeta).
///
/// Every field is optional, as on the wire; `managedFields` is left out on purpose: nothing here needs it and it is
/// often half of an object.
public struct ObjectMeta: Codable, Sendable, Hashable {
    /// The name, unique within the namespace and resource.
    public var name: String?
    /// A prefix from which the server makes a name.
    public var generateName: String?
    /// The namespace; nil for cluster-scoped objects.
    public var namespace: String?
    /// The identity in time and space: another object of the same name has another uid.
    public var uid: String?
    /// The version for optimistic concurrency; opaque except for ``ResourceVersion``.
    public var resourceVersion: String?
    /// Counts changes of the desired state.
    public var generation: Int64?
    /// When the server created it, to the second.
    public var creationTimestamp: Date?
    /// When it was asked to go; it stays until its finalizers are gone.
    public var deletionTimestamp: Date?
    /// Seconds for a graceful end; set together with `deletionTimestamp`.
    public var deletionGracePeriodSeconds: Int64?
    /// What selectors match.
    public var labels: [String: String]?
    /// Free-form notes.
    public var annotations: [String: String]?
    /// Objects whose deletion takes this one along.
    public var ownerReferences: [OwnerReference]?
    /// Who must let go before it disappears.
    public var finalizers: [String]?

    /// Makes metadata for an object to be created.
    public init(
        name: String? = nil,
        namespace: String? = nil,
        labels: [String: String]? = nil,
        annotations: [String: String]? = nil,
        ownerReferences: [OwnerReference]? = nil,
        finalizers: [String]? = nil
    ) {
        self.name = name
        self.namespace = namespace
        self.labels = labels
        self.annotations = annotations
        self.ownerReferences = ownerReferences
        self.finalizers = finalizers
    }

    /// The namespace and name; the name is empty while the object has none.
    public var key: ObjectKey { ObjectKey(namespace: namespace, name: name ?? "") }

    /// Whether it was asked to go.
    public var isBeingDeleted: Bool { deletionTimestamp != nil }

    /// The owner that manages it: the one reference with `controller: true`.
    public var controller: OwnerReference? { ownerReferences?.first { $0.controller == true } }
}

/// Says that an object belongs to another one of the same namespace, or to a cluster-scoped one.
public struct OwnerReference: Codable, Sendable, Hashable {
    /// The owner's `apiVersion`.
    public var apiVersion: String
    /// The owner's kind.
    public var kind: String
    /// The owner's name.
    public var name: String
    /// The owner's uid; the garbage collector goes by it.
    public var uid: String
    /// Whether this owner is the managing controller; at most one may be.
    public var controller: Bool?
    /// Whether foreground deletion of the owner waits for this object.
    public var blockOwnerDeletion: Bool?

    /// Makes a reference.
    public init(
        apiVersion: String,
        kind: String,
        name: String,
        uid: String,
        controller: Bool? = nil,
        blockOwnerDeletion: Bool? = nil
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.controller = controller
        self.blockOwnerDeletion = blockOwnerDeletion
    }
}
