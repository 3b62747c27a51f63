internal import JSON
internal import KubernetesCore
internal import RecoveryAPI

/// How a conflict is resolved, as `spec.parameters.resolution` says.
enum ConflictResolution: String, CaseIterable, Sendable {
    /// Takes what both have changed; a field that both have changed differently is a person's to decide.
    case threeWayMerge = "ThreeWayMerge"
    /// Lets the server merge by field ownership; fields that others own are a person's to decide.
    case serverSideApply = "ServerSideApply"
    /// Writes everything that the failed write wanted.
    case takeOurs = "TakeOurs"
    /// Leaves everything as it is.
    case takeTheirs = "TakeTheirs"
    /// Writes nothing and says what a person would have to type.
    case manual = "Manual"
}

/// The parameters of ResourceConflict, checked against the target.
struct ConflictRequest: Sendable {
    static let resolutionParameter = "resolution"
    static let desiredParameter = "desired"
    static let baseParameter = "base"
    static let fieldManagerParameter = "fieldManager"

    /// The API server's limit.
    private static let maxFieldManagerLength = 128

    let resolution: ConflictResolution
    /// What the failed write wanted, without identity, status and what the server owns; nil when nobody said.
    let desired: JSONValue?
    /// What the failed write started from; nil when nobody said.
    let base: JSONValue?
    /// The resourceVersion that the failed write started from, where `desired` carries it.
    let readVersion: String?
    /// Whose fields these are; nil when nobody said.
    let namedFieldManager: String?

    /// Who writes.
    var fieldManager: String { namedFieldManager ?? MetadataName.fieldManager }

    /// What is wrong with the parameters, whatever the target.
    static func violations(_ parameters: [String: JSONValue]) -> [FieldViolation] {
        var check = ParameterCheck(parameters)
        check.word(resolutionParameter, oneOf: ConflictResolution.allCases.map(\.rawValue))
        check.expect(desiredParameter, "an object with at least one field") { $0.objectValue?.isEmpty == false }
        check.object(baseParameter)
        check.expect(fieldManagerParameter, "text of 1 to \(maxFieldManagerLength) printable characters") { value in
            guard let text = value.stringValue else { return false }
            return (1...maxFieldManagerLength).contains(text.count)
                && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
        }
        return check.violations()
    }

    /// Reads the parameters.
    ///
    /// - Throws: `StrategyFailure.permanent` when `desired` is not about the target.
    init(_ parameters: [String: JSONValue], target: TargetAccess, live: Unstructured) throws {
        resolution =
            parameters[Self.resolutionParameter]?.stringValue.flatMap(ConflictResolution.init) ?? .threeWayMerge
        namedFieldManager = parameters[Self.fieldManagerParameter]?.stringValue
        base = parameters[Self.baseParameter].map(Self.withoutServerFields)
        let wanted = parameters[Self.desiredParameter]
        if let wanted { try Self.checkIdentity(wanted, target, live) }
        readVersion = wanted?.value(at: ["metadata", "resourceVersion"])?.stringValue.nonEmpty
        desired = wanted.map(Self.withoutServerFields)
    }

    /// A write never makes another object of the target: what `desired` says about its identity has to be true.
    private static func checkIdentity(_ desired: JSONValue, _ target: TargetAccess, _ live: Unstructured) throws {
        let facts: [(path: [String], value: String?)] = [
            (["apiVersion"], target.resource.apiVersion), (["kind"], target.resource.kind),
            (["metadata", "name"], target.key.name), (["metadata", "namespace"], target.key.namespace),
            (["metadata", "uid"], live.uid),
        ]
        for (path, value) in facts {
            guard let wanted = desired.value(at: path), !wanted.isNull, wanted.stringValue != value else { continue }
            let field = "spec.parameters.desired." + path.joined(separator: ".")
            throw StrategyFailure.permanent(
                "\(field) is \(wanted.text), but the target \(target.description) has "
                    + (value.map { "\"\($0)\"" } ?? "none"),
                nextSteps: ["Correct \(field), or leave it out, in a new Recovery"]
            )
        }
    }

    /// Identity, status and the server's own metadata take no part in a conflict, and neither does kubectl's record of
    /// its last apply: two applies would always conflict in it.
    private static func withoutServerFields(_ value: JSONValue) -> JSONValue {
        var value = value
        let identity = [["apiVersion"], ["kind"], ["metadata", "name"], ["metadata", "namespace"], ["status"]]
        for path in ThreeWayMerge.serverFields + identity + [ConflictBase.lastAppliedPath]
        where value.value(at: path) != nil {
            value.set(nil, at: path)
        }
        // An empty map that is left over would look like a change that the server never keeps.
        for path in [["metadata", "annotations"], ["metadata"]]
        where value.value(at: path)?.objectValue?.isEmpty == true {
            value.set(nil, at: path)
        }
        return value
    }
}
