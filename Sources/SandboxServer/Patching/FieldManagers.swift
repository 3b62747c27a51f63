internal import FoundationEssentials
internal import JSON

/// The entries of `metadata.managedFields`.
struct FieldManagers: Sendable, Hashable {
    /// How a manager writes.
    enum Operation: String, Sendable, Hashable {
        case apply = "Apply"
        case update = "Update"
    }

    /// What tells managers apart.
    struct Identity: Sendable, Hashable {
        var manager: String
        var operation: Operation
        /// Empty for those that apply: they have one entry whatever the version.
        var apiVersion: String
        var subresource: String

        init(manager: String, operation: Operation, apiVersion: String, subresource: String) {
            self.manager = manager
            self.operation = operation
            self.apiVersion = operation == .apply ? "" : apiVersion
            self.subresource = subresource
        }
    }

    /// The fields of one manager.
    struct Entry: Sendable, Hashable {
        var apiVersion: String
        var time: Date?
        var fields: FieldSet
    }

    private(set) var entries: [Identity: Entry] = [:]

    var isEmpty: Bool { entries.isEmpty }

    /// The entry of a manager; one without fields is dropped.
    subscript(identity: Identity) -> Entry? {
        get { entries[identity] }
        set { entries[identity] = newValue.flatMap { $0.fields.isEmpty ? nil : $0 } }
    }

    /// The fields that somebody owns.
    var allFields: FieldSet {
        entries.values.reduce(FieldSet()) { $0.union($1.fields) }
    }

    /// Takes fields away from everybody but one manager.
    mutating func disown(_ fields: FieldSet, except owner: Identity? = nil) {
        for (identity, var entry) in entries where identity != owner {
            entry.fields = entry.fields.subtracting(fields)
            self[identity] = entry
        }
    }

    /// Adapts the sets to a schema that has changed since they were written.
    mutating func reconcile(with schema: Schema) {
        entries = entries.mapValues { entry in
            var entry = entry
            entry.fields = entry.fields.reconciled(with: schema)
            return entry
        }
    }
}

extension FieldManagers {
    /// An entry that cannot be read; the text is the API server's.
    struct Malformed: Error {
        let message: String
    }

    /// Reads `metadata.managedFields`.
    ///
    /// - Throws: ``Malformed`` for the first entry that is none.
    init(decoding document: JSONValue?) throws(Malformed) {
        for (index, entry) in (document?.arrayValue ?? []).enumerated() {
            guard let operation = entry["operation"]?.stringValue.flatMap(Operation.init) else {
                throw Malformed(message: "operation must be `Apply` or `Update`")
            }
            guard let apiVersion = entry["apiVersion"]?.stringValue, !apiVersion.isEmpty else {
                throw Malformed(message: "apiVersion must not be empty")
            }
            switch entry["fieldsType"]?.stringValue ?? "" {
            case "FieldsV1": break
            case "": throw Malformed(message: "missing fieldsType in managed fields entry \(index)")
            case let type:
                throw Malformed(message: "invalid fieldsType \(type.goQuoted) in managed fields entry \(index)")
            }
            guard let fields = FieldSet(fieldsV1: entry["fieldsV1"] ?? [:]) else {
                throw Malformed(message: "error decoding set of managed fields entry \(index)")
            }
            let identity = Identity(
                manager: entry["manager"]?.stringValue ?? "",
                operation: operation,
                apiVersion: apiVersion,
                subresource: entry["subresource"]?.stringValue ?? ""
            )
            let time = entry["time"]?.stringValue.flatMap { RFC3339.date(from: $0) }
            entries[identity] = Entry(apiVersion: apiVersion, time: time, fields: fields)
        }
    }

    /// As `metadata.managedFields`; nil without entries.
    ///
    /// Those that apply come first; then it goes by time, in seconds, and name.
    var encoded: JSONValue? {
        guard !entries.isEmpty else { return nil }
        let sorted = entries.sorted { Self.precedes($0, $1) }
        return .array(
            sorted.map { identity, entry in
                var document: JSONValue = [
                    "operation": .string(identity.operation.rawValue), "apiVersion": .string(entry.apiVersion),
                    "fieldsType": "FieldsV1", "fieldsV1": entry.fields.fieldsV1,
                ]
                if !identity.manager.isEmpty { document["manager"] = .string(identity.manager) }
                if !identity.subresource.isEmpty { document["subresource"] = .string(identity.subresource) }
                document["time"] = entry.time.flatMap { RFC3339.string(from: $0) }.map { .string($0) }
                return document
            }
        )
    }

    private static func precedes(_ left: (key: Identity, value: Entry), _ right: (key: Identity, value: Entry)) -> Bool
    {
        if left.key.operation != right.key.operation { return left.key.operation == .apply }
        if left.value.seconds != right.value.seconds { return left.value.seconds < right.value.seconds }
        return (left.key.manager, left.value.apiVersion, left.key.subresource)
            < (right.key.manager, right.value.apiVersion, right.key.subresource)
    }
}

extension FieldManagers {
    /// How many entries of managers that update there may be.
    private static let maximumUpdaters = 10

    /// Merges the oldest entries of managers that update, version by version, until there are few enough.
    mutating func mergeAncient() {
        let updaters = entries.filter { $0.key.operation == .update }
            .sorted { ($0.value.seconds, $0.key.manager) < ($1.value.seconds, $1.key.manager) }
        var excess = updaters.count - Self.maximumUpdaters
        var oldest: [String: Identity] = [:]
        for (identity, entry) in updaters where excess > 0 {
            guard let first = oldest[entry.apiVersion] else {
                oldest[entry.apiVersion] = identity
                continue
            }
            let bucket = Identity(
                manager: "ancient-changes",
                operation: .update,
                apiVersion: entry.apiVersion,
                subresource: ""
            )
            guard identity != bucket else { continue }
            let gathered = entries[bucket] ?? entries.removeValue(forKey: first)
            var merged = entry
            merged.fields = entry.fields.union(gathered?.fields ?? FieldSet())
            entries[bucket] = merged
            entries[identity] = nil
            excess -= 1
        }
    }
}

extension FieldManagers.Entry {
    /// The time as it is written.
    fileprivate var seconds: Double {
        time.map { $0.timeIntervalSince1970.rounded(.down) } ?? 0
    }
}
