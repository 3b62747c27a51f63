package import FoundationEssentials
package import JSON

extension CustomResources {
    /// The status after the names have been compared with those of the other definitions of the group; nil when it is
    /// up to date.
    ///
    /// `others` are the other CustomResourceDefinitions, of whatever group. A definition whose names are accepted is
    /// established at once.
    package static func status(of object: JSONValue, among others: [JSONValue], now: Date) -> JSONValue? {
        var naming = NameNegotiation(object, others: others)
        naming.run()
        var status = object["status"] ?? [:]
        status["acceptedNames"] = naming.accepted
        let conflict = naming.conflict
        setCondition(
            "NamesAccepted",
            conflict == nil,
            conflict?.reason ?? "NoConflicts",
            conflict?.message ?? "no conflicts found",
            of: &status,
            now
        )
        if !isTrue("Established", of: object) {
            setCondition(
                "Established",
                conflict == nil,
                conflict == nil ? "InitialNamesAccepted" : "NotAccepted",
                conflict == nil ? "the initial names have been accepted" : "not all names are accepted",
                of: &status,
                now
            )
        }
        return status == object["status"] ? nil : status
    }

    /// What happens to the objects of a definition that is being deleted.
    package enum InstanceDeletion: String, Sendable {
        case pending = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
        case inProgress = "CustomResource deletion is in progress"
    }

    /// The status of a definition that is being deleted; nil when it says so already.
    package static func terminatingStatus(
        of object: JSONValue,
        _ deletion: InstanceDeletion,
        now: Date
    ) -> JSONValue? {
        var status = object["status"] ?? [:]
        let reason = deletion == .pending ? "InstanceDeletionPending" : "InstanceDeletionInProgress"
        setCondition("Terminating", true, reason, deletion.rawValue, of: &status, now)
        return status == object["status"] ? nil : status
    }

    /// Whether a definition is served: it is established, which it stays until it is gone.
    package static func isEstablished(_ object: JSONValue) -> Bool {
        isTrue("Established", of: object)
    }

    /// Whether a condition is true.
    static func isTrue(_ type: String, of object: JSONValue) -> Bool {
        (object["status"]?.list("conditions") ?? []).contains { $0.text("type") == type && $0.text("status") == "True" }
    }

    private static func setCondition(
        _ type: String,
        _ isTrue: Bool,
        _ reason: String,
        _ message: String,
        of status: inout JSONValue,
        _ now: Date
    ) {
        var conditions = status.list("conditions")
        let index = conditions.firstIndex { $0.text("type") == type }
        let value: JSONValue = isTrue ? "True" : "False"
        let old = index.map { conditions[$0] }
        let time = old?["status"] == value ? old?["lastTransitionTime"] : nil
        let condition: JSONValue = [
            "type": .string(type), "status": value, "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": time ?? .string(RFC3339.string(from: now) ?? ""),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        status["conditions"] = .array(conditions)
    }
}

/// Which of the wanted names a definition gets: those that no other one of its group has.
private struct NameNegotiation {
    private let wanted: JSONValue
    private var resources: Set<String> = []
    private var kinds: Set<String> = []
    /// `status.acceptedNames`.
    private(set) var accepted: JSONValue
    /// The last name that is taken.
    private(set) var conflict: (reason: String, message: String)?

    init(_ object: JSONValue, others: [JSONValue]) {
        wanted = object["spec"]?["names"] ?? [:]
        accepted = object["status"]?["acceptedNames"] ?? [:]
        let group = object["spec"]?["group"]
        for other in others where other["spec"]?["group"] == group {
            guard other["metadata"]?["name"] != object["metadata"]?["name"] else { continue }
            let names = other["status"]?["acceptedNames"] ?? .null
            resources.formUnion([names.text("plural"), names.text("singular")])
            resources.formUnion(names["shortNames"]?.strings ?? [])
            kinds.formUnion([names.text("kind"), names.text("listKind")])
        }
    }

    mutating func run() {
        take("plural", "PluralConflict", resources)
        take("singular", "SingularConflict", resources)
        takeShortNames()
        take("kind", "KindConflict", kinds)
        take("listKind", "ListKindConflict", kinds)
        accepted["categories"] = wanted.present("categories")
    }

    private mutating func take(_ key: String, _ reason: String, _ used: Set<String>) {
        let name = wanted.text(key)
        if name != accepted.text(key), used.contains(name) {
            conflict = (reason, "\(name.goQuoted) is already in use")
        } else {
            accepted[key] = .string(name)
        }
    }

    private mutating func takeShortNames() {
        let own = accepted["shortNames"]?.strings ?? []
        let taken = (wanted["shortNames"]?.strings ?? []).filter { !own.contains($0) && resources.contains($0) }
        guard taken.isEmpty else {
            let texts = taken.map { "\($0.goQuoted) is already in use" }
            let list = texts.joined(separator: ", ")
            conflict = ("ShortNamesConflict", texts.count == 1 ? list : "[\(list)]")
            return
        }
        accepted["shortNames"] = wanted.present("shortNames")
    }
}
