package import KubernetesCore

/// A kind whose rules the controller checks itself, since servers before 1.25 run no CEL.
///
/// What schema and CEL rules of the CRD say is checked again here, so that an object that a server let through leads
/// to `Accepted=False` with the path of the field.
package protocol ValidatedObject: KubernetesObject {
    /// Every rule that the object breaks, in the order of its fields; empty when it is acceptable.
    func validate() -> [FieldViolation]

    /// Every immutable field that differs from an earlier version of the object.
    func validateUpdate(from old: Self) -> [FieldViolation]
}

extension ValidatedObject {
    package func validateUpdate(from old: Self) -> [FieldViolation] { [] }
}

/// Two versions of one field, compared by `immutable(_:)`.
struct FieldChange {
    let path: String
    let hasChanged: Bool

    init<Value: Equatable>(_ path: String, _ old: Value, _ new: Value) {
        self.path = path
        hasChanged = old != new
    }

    /// The violations of those that have changed.
    static func immutable(_ changes: [FieldChange]) -> [FieldViolation] {
        changes.filter(\.hasChanged).map { FieldViolation(path: $0.path, message: "is immutable") }
    }
}
