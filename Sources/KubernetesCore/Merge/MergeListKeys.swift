public import JSON

/// How the lists of an object are merged, by the name of the field that holds them.
///
/// A list that is not in the table is merged by `name` when all its elements are objects with distinct names, and is
/// one value otherwise. The same happens to a listed one whose elements lack the keys or repeat them.
public struct MergeListKeys: Sendable, Hashable {
    /// Which fields tell the elements of a list apart.
    public struct Key: Sendable, Hashable {
        /// The fields; together they are distinct.
        public var fields: [String]
        /// What a field has when an element leaves it out; a field without default must be there.
        public var defaults: [String: JSONValue]

        /// Makes a key.
        public init(_ fields: String..., defaults: [String: JSONValue] = [:]) {
            self.fields = fields
            self.defaults = defaults
        }
    }

    /// How one list is merged.
    public enum Strategy: Sendable, Hashable {
        /// Elements are objects, told apart by the first of these keys that fits all of them.
        case keyed([Key])
        /// Elements are distinct values whose order does not matter, such as finalizers.
        case set
        /// The list is one value.
        case atomic
    }

    /// Strategies by field name.
    public var byField: [String: Strategy]

    /// Makes a table.
    public init(byField: [String: Strategy]) {
        self.byField = byField
    }

    /// The lists of the built-in kinds, from the merge keys of the Kubernetes API types.
    public static let kubernetes: MergeListKeys = {
        let name = Strategy.keyed([Key("name")])
        let tcp: [String: JSONValue] = ["protocol": "TCP"]
        return MergeListKeys(byField: [
            "containers": name, "initContainers": name, "ephemeralContainers": name, "volumes": name, "env": name,
            "imagePullSecrets": name, "webhooks": name, "versions": name, "resourceClaims": name, "claims": name,
            "ports": .keyed([
                Key("containerPort", "protocol", defaults: tcp), Key("port", "protocol", defaults: tcp),
            ]),
            "volumeMounts": .keyed([Key("mountPath")]),
            "volumeDevices": .keyed([Key("devicePath")]),
            "conditions": .keyed([Key("type")]),
            "hostAliases": .keyed([Key("ip")]),
            "ownerReferences": .keyed([Key("uid")]),
            "topologySpreadConstraints": .keyed([Key("topologyKey", "whenUnsatisfiable")]),
            "taints": .keyed([Key("key", "effect")]),
            "finalizers": .set,
            // By name they would look mergeable, but the API says that each is one value.
            "tolerations": .atomic, "httpHeaders": .atomic, "subjects": .atomic, "rules": .atomic,
            "envFrom": .atomic,
        ])
    }()

    /// How versions of one list are merged.
    enum Resolved {
        case keyed(Key)
        case set
        case atomic
    }

    /// Chooses for the versions of one list; all of them must fit.
    func resolve(field: String, versions: [[JSONValue]]) -> Resolved {
        switch byField[field] {
        case .atomic: return .atomic
        case .set: return versions.allSatisfy({ Set($0).count == $0.count }) ? .set : .atomic
        case .keyed(let keys):
            let fitting = keys.first { key in versions.allSatisfy(key.fits) }
            return fitting.map(Resolved.keyed) ?? .atomic
        case nil:
            let name = Key("name")
            return versions.allSatisfy(name.fits) ? .keyed(name) : .atomic
        }
    }
}

extension MergeListKeys.Key {
    /// The values that tell an element apart; nil when it is no object or lacks a field.
    func identity(of element: JSONValue) -> [JSONValue]? {
        guard element.objectValue != nil else { return nil }
        let values = fields.compactMap { element[$0] ?? defaults[$0] }
        return values.count == fields.count ? values : nil
    }

    /// Whether all elements have the key, each another one.
    func fits(_ list: [JSONValue]) -> Bool {
        let identities = list.compactMap(identity)
        return identities.count == list.count && Set(identities).count == list.count
    }
}
