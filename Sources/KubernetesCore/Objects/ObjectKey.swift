/// Names one object of a resource: its namespace, when it has one, and its name.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The namespace; nil for cluster-scoped objects.
    public var namespace: String?
    /// The name.
    public var name: String

    /// Makes a key; an empty namespace counts as none, as on the wire.
    public init(namespace: String? = nil, name: String) {
        self.namespace = namespace.flatMap { $0.isEmpty ? nil : $0 }
        self.name = name
    }

    /// Reads `name` or `namespace/name`; nil when a part is empty or there are more than two.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), !parts.contains(where: \.isEmpty), let name = parts.last else {
            return nil
        }
        self.init(namespace: parts.count == 2 ? String(parts[0]) : nil, name: String(name))
    }

    /// `namespace/name`, or `name` alone.
    public var description: String {
        namespace.map { "\($0)/\(name)" } ?? name
    }

    /// Orders by namespace, cluster-scoped first, then by name.
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
    }
}
