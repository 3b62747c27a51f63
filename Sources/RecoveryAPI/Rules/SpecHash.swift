import JSON

extension RecoverySpec {
    /// Only the immutable fields, with defaults applied and empty strings taken for absent.
    package var immutablePart: RecoverySpec {
        var fixed = RecoverySpec(error: error)
        fixed.error.severity = error.severity ?? .known(.standard)
        fixed.clusterRef = clusterRef
        fixed.targetRef = targetRef
        fixed.targetRef?.namespace = targetRef?.namespace.nonEmpty
        fixed.targetRef?.uid = targetRef?.uid.nonEmpty
        fixed.policyRef = policyRef
        fixed.serviceAccountName = effectiveServiceAccountName
        fixed.parentRef = parentRef
        return fixed
    }

    /// SHA-256 (hexadecimal) over the canonical JSON of `immutablePart`.
    ///
    /// An object hashes alike before and after the server has defaulted it. Servers without CEL accept a change of
    /// immutable fields; a hash that differs from `status.specHash` then cancels the run with the reason SpecChanged.
    ///
    /// - Throws: `EncodingError`, only for a `Date` that has no RFC 3339 form.
    package func immutableHash() throws -> String {
        SHA256.hexDigest(of: try JSONValue(encoding: immutablePart).serialized())
    }
}

extension RecoveryPolicySpec {
    /// SHA-256 (hexadecimal) over the canonical JSON of the whole spec, for `PolicySnapshot.hash`.
    ///
    /// - Throws: `EncodingError`, when a free-form field holds what JSON cannot express.
    package func hash() throws -> String {
        SHA256.hexDigest(of: try JSONValue(encoding: self).serialized())
    }
}
