internal import JSON

/// What somebody wants to do, as RBAC rules speak of it.
package struct AccessAttributes: Sendable, Hashable {
    /// As `get`.
    package var verb: String
    /// The API group.
    package var group = ""
    /// As `pods`; empty for paths that are no resource.
    package var plural = ""
    /// As `log`.
    package var subresource = ""
    /// Empty for cluster-wide requests.
    package var namespace = ""
    /// Empty for collections.
    package var name = ""
    /// The path, for what is no resource.
    package var path = ""

    /// Begins with a verb alone.
    package init(verb: String) {
        self.verb = verb
    }

    /// What a request wants.
    package init(_ info: RequestInfo) {
        verb = info.verb
        group = info.group
        plural = info.plural
        subresource = info.subresource
        namespace = info.namespace
        name = info.name
        path = info.path
    }

    /// `pods/log` or `pods`.
    var resource: String { subresource.isEmpty ? plural : "\(plural)/\(subresource)" }
}

/// Decides who may do what, by the RBAC objects in the store.
///
/// Members of `system:masters` may do everything, and everybody with credentials may look around and ask about
/// themselves, as the bootstrap roles of a cluster allow.
package struct Authorizer: Sendable {
    private let store: ObjectStore

    /// Makes an authorizer over a store.
    package init(_ store: ObjectStore) {
        self.store = store
    }

    /// - Throws: ``APIFailure`` 403 with the words of the API server.
    package func check(_ attributes: AccessAttributes, by user: UserInfo) throws(APIFailure) {
        guard try !allows(attributes, to: user) else { return }
        let who = "User \"\(user.name)\" cannot \(attributes.verb)"
        guard !attributes.plural.isEmpty else {
            throw .generic(403, "Forbidden", "forbidden: \(who) path \"\(attributes.path)\"")
        }
        let scope =
            attributes.namespace.isEmpty || attributes.plural == "namespaces"
            ? "at the cluster scope" : "in the namespace \"\(attributes.namespace)\""
        throw .forbidden(
            ResourceID(group: attributes.group, plural: attributes.plural),
            name: attributes.name,
            "\(who) resource \"\(attributes.resource)\" in API group \"\(attributes.group)\" \(scope)"
        )
    }

    /// Whether the user may do it.
    package func allows(_ attributes: AccessAttributes, to user: UserInfo) throws(APIFailure) -> Bool {
        if user.isAdministrator || Self.isPublic(attributes, user) { return true }
        return try rules(for: user, namespace: attributes.namespace).contains { $0.allows(attributes) }
    }

    private static let openPaths = ["/healthz", "/livez", "/readyz", "/version"]
    private static let discoveryPaths = ["/api", "/apis", "/openapi"]

    private static func isPublic(_ attributes: AccessAttributes, _ user: UserInfo) -> Bool {
        let isBelow = { (roots: [String]) in
            roots.contains { attributes.path == $0 || attributes.path.hasPrefix($0 + "/") }
        }
        if attributes.plural.isEmpty {
            guard attributes.verb == "get" else { return false }
            let isAuthenticated = user.groups.contains(UserInfo.authenticatedGroup)
            return isBelow(openPaths) || (isAuthenticated && isBelow(discoveryPaths))
        }
        return attributes.verb == "create" && user.groups.contains(UserInfo.authenticatedGroup)
            && VirtualResources.selfReviews.contains(attributes.plural)
    }

    /// The rules that apply to a user in a namespace and cluster-wide.
    package func rules(for user: UserInfo, namespace: String) throws(APIFailure) -> [PolicyRule] {
        do {
            return try store.transaction { tx in try Self.rules(&tx, user, namespace) }
        } catch let failure as APIFailure {
            throw failure
        } catch {
            throw .internalError("\(error)")
        }
    }

    private static func rules(
        _ tx: inout ObjectStore.Transaction,
        _ user: UserInfo,
        _ namespace: String
    ) throws(APIFailure) -> [PolicyRule] {
        var rules: [PolicyRule] = []
        for binding in tx.all(Builtin.clusterRoleBindings) {
            rules += try granted(by: binding, to: user, &tx)
        }
        guard !namespace.isEmpty else { return rules }
        for binding in tx.all(Builtin.roleBindings, namespace: namespace) {
            rules += try granted(by: binding, to: user, &tx)
        }
        return rules
    }

    private static func granted(
        by binding: StoredObject,
        to user: UserInfo,
        _ tx: inout ObjectStore.Transaction
    ) throws(APIFailure) -> [PolicyRule] {
        let value = try binding.value()
        let namespace = binding.name.namespace
        guard value["subjects"]?.arrayValue?.contains(where: { names($0, user, namespace) }) == true,
            let role = value["roleRef"]?["name"]?.stringValue
        else { return [] }
        let isCluster = value["roleRef"]?["kind"]?.stringValue == "ClusterRole"
        let stored = tx.get(
            isCluster ? Builtin.clusterRoles : Builtin.roles,
            ObjectName(namespace: isCluster ? "" : namespace, name: role)
        )
        return (try stored?.value()["rules"]?.arrayValue ?? []).map { PolicyRule($0) }
    }

    private static func names(_ subject: JSONValue, _ user: UserInfo, _ bindingNamespace: String) -> Bool {
        let name = subject["name"]?.stringValue ?? ""
        switch subject["kind"]?.stringValue {
        case "User": return name == user.name
        case "Group": return user.groups.contains(name)
        case "ServiceAccount":
            let namespace = subject["namespace"]?.stringValue ?? bindingNamespace
            return user.name == "system:serviceaccount:\(namespace):\(name)"
        default: return false
        }
    }
}
