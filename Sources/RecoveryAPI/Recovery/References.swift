/// Names an object whose kind and namespace follow from the field that holds the reference.
package struct NameReference: Codable, Hashable, Sendable {
    /// The name of the object.
    package var name: String

    /// Makes a reference by name.
    package init(name: String) {
        self.name = name
    }
}

/// Names a Recovery, which may be in another namespace.
package struct RecoveryReference: Codable, Hashable, Sendable {
    /// Its namespace; absent, that of the Recovery that holds the reference.
    package var namespace: String?
    /// The name of the object.
    package var name: String

    /// Makes a reference.
    package init(namespace: String? = nil, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// `namespace/name`, or the name alone, for messages.
    package var text: String { namespace.map { "\($0)/\(name)" } ?? name }
}

/// Names the object to be repaired: on the member when the Recovery has a `clusterRef`, else on the hub.
package struct TargetReference: Codable, Hashable, Sendable {
    /// Group and version, such as `apps/v1`.
    package var apiVersion: String
    /// The kind, such as `Deployment`.
    package var kind: String
    /// The name of the object.
    package var name: String
    /// Its namespace; absent, the Recovery's own for namespaced kinds.
    package var namespace: String?
    /// Its uid, when only this very object is meant; empty counts as absent.
    package var uid: String?

    /// Makes a reference to an object.
    package init(apiVersion: String, kind: String, name: String, namespace: String? = nil, uid: String? = nil) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.namespace = namespace
        self.uid = uid
    }
}

/// Names a Secret, and the entry in it where the reader does not know the entry by itself.
package struct SecretReference: Codable, Hashable, Sendable {
    /// The name of the Secret.
    package var name: String
    /// The entry of the Secret's data.
    package var key: String?

    /// Makes a reference to a Secret.
    package init(name: String, key: String? = nil) {
        self.name = name
        self.key = key
    }
}
