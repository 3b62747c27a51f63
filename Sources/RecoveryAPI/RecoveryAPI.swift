/// The API group `recovery.tmc.io`: its kinds, their defaults and the rules that every object has to satisfy.
///
/// The module holds data and pure functions only. Types carry exactly the field names of the CRDs under `crds/`; a
/// test compares both in both directions. Decoding is lenient where `validate()` can say something better: a word
/// outside a vocabulary is kept as `Open.unknown` and reported with its field path, while a value of the wrong JSON
/// type throws a `DecodingError` with the coding path.
///
///     let recovery = try object.decode(Recovery.self)
///     let violations = recovery.validate()        // [] when acceptable
///     let hash = try recovery.spec.immutableHash()      // compared with status.specHash
package enum RecoveryAPI {
    /// The API group of all kinds.
    package static let group = "recovery.tmc.io"
    /// The only version served.
    package static let version = "v1alpha1"
    /// Group and version as objects carry them in `apiVersion`.
    package static let apiVersion = "recovery.tmc.io/v1alpha1"
    /// Where the controller lives when neither flag, environment nor service account say otherwise.
    package static let defaultControllerNamespace = "tmc-recovery-system"
}
