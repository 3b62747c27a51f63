extension Recovery: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        spec.error.check("spec.error", &checks)
        checks.text(spec.clusterRef?.name, "spec.clusterRef.name", .objectName)
        checks.text(spec.logicalCluster, "spec.logicalCluster", .text(253))
        spec.targetRef?.check("spec.targetRef", &checks)
        checks.text(spec.parentRef?.name, "spec.parentRef.name", .objectName)
        checks.text(spec.serviceAccountName, "spec.serviceAccountName", .objectName.orEmpty)
        checks.text(spec.policyRef?.name, "spec.policyRef.name", .objectName)
        checks.text(spec.strategy, "spec.strategy", .camelCase.orEmpty)
        checks.size(spec.parameters?.count ?? 0, "spec.parameters", 0...32, of: "entries")
        checks.number(spec.maxAttempts, "spec.maxAttempts", 1...100)
        checks.number(spec.timeoutSeconds, "spec.timeoutSeconds", 1...604_800)
        checks.number(spec.ttlSecondsAfterFinished, "spec.ttlSecondsAfterFinished", 0...2_147_483_647)
        return checks.violations
    }

    package func validateUpdate(from old: Recovery) -> [FieldViolation] {
        let (before, after) = (old.spec.immutablePart, spec.immutablePart)
        let changed = FieldChange.immutable([
            FieldChange("spec.error", before.error, after.error),
            FieldChange("spec.clusterRef", before.clusterRef, after.clusterRef),
            FieldChange("spec.targetRef", before.targetRef, after.targetRef),
            FieldChange("spec.parentRef", before.parentRef, after.parentRef),
            FieldChange("spec.serviceAccountName", before.serviceAccountName, after.serviceAccountName),
            FieldChange("spec.policyRef", before.policyRef, after.policyRef),
        ])
        let revived = old.spec.isCancelled && !spec.isCancelled
        return changed + (revived ? [FieldViolation(path: "spec.cancel", message: "is one way")] : [])
    }
}

extension ReportedError {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(type, "\(path).type", .camelCase)
        checks.text(code, "\(path).code", .code)
        checks.text(component, "\(path).component", .text(253))
        checks.text(operation, "\(path).operation", .text(253))
        checks.word(severity, "\(path).severity")
        checks.text(message, "\(path).message", .text(4096))
        checks.map(context, "\(path).context", 0...32, .text(1024))
    }
}

extension TargetReference {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(apiVersion, "\(path).apiVersion", .apiVersion)
        checks.text(kind, "\(path).kind", .camelCase)
        checks.text(name, "\(path).name", .word(253))
        checks.text(namespace, "\(path).namespace", .label.orEmpty)
        checks.text(uid, "\(path).uid", .text(64))
    }
}

extension SecretReference {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(name, "\(path).name", .objectName)
        checks.text(key, "\(path).key", .secretKey.orEmpty)
    }
}

extension RecoveryApproval: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        checks.text(spec.recoveryRef.name, "spec.recoveryRef.name", .objectName)
        checks.text(spec.recoveryRef.uid, "spec.recoveryRef.uid", .word(64))
        checks.text(spec.planHash, "spec.planHash", .hash)
        checks.word(.some(spec.decision), "spec.decision")
        checks.text(spec.reason, "spec.reason", .text(1024))
        return checks.violations
    }

    package func validateUpdate(from old: RecoveryApproval) -> [FieldViolation] {
        FieldChange.immutable([FieldChange("spec", old.spec, spec)])
    }
}

extension CatalogueEntry {
    /// What is wrong with a code, in words that follow its name; nil when nothing is.
    package static func problem(code: String) -> String? {
        var checks = FieldChecks()
        checks.text(code, "code", .code)
        return checks.violations.first?.message
    }
}
