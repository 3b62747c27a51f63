import JSON

extension MemberCluster: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        spec.kubeconfigSecretRef.check("spec.kubeconfigSecretRef", &checks)
        spec.credentialRenewal?.check("spec.credentialRenewal", &checks)
        checks.selector(spec.allowedNamespaces, "spec.allowedNamespaces")
        checks.text(spec.region, "spec.region", .text(63))
        checks.text(spec.zone, "spec.zone", .text(63))
        checks.list(spec.taints, "spec.taints", 0...32) { checks, taint, path in
            checks.text(taint.key, "\(path).key", .labelKey)
            checks.text(taint.value, "\(path).value", .labelValue)
            checks.word(.some(taint.effect), "\(path).effect")
        }
        checks.unique(spec.taints, "spec.taints") { "\($0.key)\n\($0.effect.rawValue)" }
        spec.probe?.check("spec.probe", &checks)
        checks.list(spec.requiredPermissions, "spec.requiredPermissions", 0...64) { checks, permission, path in
            permission.check(path, &checks)
        }
        return checks.violations
    }
}

extension CredentialRenewal {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(serviceAccountRef.namespace, "\(path).serviceAccountRef.namespace", .label)
        checks.text(serviceAccountRef.name, "\(path).serviceAccountRef.name", .objectName)
        checks.number(expirationSeconds, "\(path).expirationSeconds", 600...31_536_000)
        checks.number(renewBeforeSeconds, "\(path).renewBeforeSeconds", 60...31_535_999)
        checks.require(
            effectiveRenewBeforeSeconds < effectiveExpirationSeconds,
            "\(path).renewBeforeSeconds",
            "must be less than expirationSeconds"
        )
    }
}

extension ProbeSettings {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.number(intervalSeconds, "\(path).intervalSeconds", 1...3600)
        checks.number(timeoutSeconds, "\(path).timeoutSeconds", 1...300)
        checks.number(failureThreshold, "\(path).failureThreshold", 1...100)
        checks.number(successThreshold, "\(path).successThreshold", 1...100)
        checks.require(
            effectiveTimeoutSeconds <= effectiveIntervalSeconds,
            "\(path).timeoutSeconds",
            "must not exceed intervalSeconds"
        )
    }
}

extension RequiredPermission {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(group, "\(path).group", .objectName.orEmpty)
        checks.text(resource, "\(path).resource", .resource)
        checks.text(subresource, "\(path).subresource", .lowerCase(63).orEmpty)
        checks.set(verbs, "\(path).verbs", 1...16, .lowerCase(32))
        checks.text(namespace, "\(path).namespace", .label.orEmpty)
    }
}

extension Placement: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        checks.list(spec.manifests, "spec.manifests", 1...100) { checks, manifest, path in
            for field in [["apiVersion"], ["kind"], ["metadata", "name"]] {
                let text = manifest.value(at: field)?.stringValue ?? ""
                checks.require(!text.isEmpty, "\(path).\(field.joined(separator: "."))", "is required")
            }
        }
        checks.unique(spec.manifests, "spec.manifests", by: identity)
        checks.selector(spec.clusterSelector, "spec.clusterSelector")
        checks.number(spec.clusterCount, "spec.clusterCount", 1...1000)
        checks.list(spec.tolerations, "spec.tolerations", 0...32) { checks, toleration, path in
            toleration.check(path, &checks)
        }
        checks.list(spec.spread, "spec.spread", 0...8) { checks, constraint, path in
            checks.text(constraint.topologyKey, "\(path).topologyKey", .labelKey)
            checks.number(constraint.maxSkew, "\(path).maxSkew", 1...1000)
            checks.word(constraint.whenUnsatisfiable, "\(path).whenUnsatisfiable")
        }
        checks.unique(spec.spread, "spec.spread", by: \.topologyKey)
        return checks.violations
    }

    /// What makes two manifests the same object on a cluster; the API version is not part of it, its group is.
    private func identity(_ manifest: JSONValue) -> String {
        let apiVersion = manifest["apiVersion"]?.stringValue ?? ""
        let group = apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
        let rest = [["kind"], ["metadata", "namespace"], ["metadata", "name"]].map {
            manifest.value(at: $0)?.stringValue ?? ""
        }
        return ([group] + rest).joined(separator: "\n")
    }
}

extension ClusterToleration {
    func check(_ path: String, _ checks: inout FieldChecks) {
        checks.text(key, "\(path).key", .labelKey.orEmpty)
        checks.word(self.operator, "\(path).operator")
        checks.text(value, "\(path).value", .labelValue)
        checks.word(effect, "\(path).effect")
        checks.number(tolerationSeconds, "\(path).tolerationSeconds", 0...2_147_483_647)
        let comparesValue = effectiveOperator == .equal
        checks.require(key.nonEmpty != nil || !comparesValue, "\(path).operator", "must be Exists when key is empty")
        checks.require(comparesValue || value.nonEmpty == nil, "\(path).value", "must be empty with Exists")
    }
}

extension Migration: ValidatedObject {
    package func validate() -> [FieldViolation] {
        var checks = FieldChecks()
        checks.text(spec.placementRef.name, "spec.placementRef.name", .objectName)
        checks.word(.some(spec.action), "spec.action")
        checks.text(spec.from, "spec.from", .objectName)
        checks.text(spec.to, "spec.to", .objectName)
        checks.require(spec.from != spec.to, "spec.to", "must not be the cluster that is left")
        checks.word(spec.failback, "spec.failback")
        checks.number(spec.deadlineSeconds, "spec.deadlineSeconds", 60...604_800)
        return checks.violations
    }

    package func validateUpdate(from old: Migration) -> [FieldViolation] {
        FieldChange.immutable([
            FieldChange("spec.placementRef", old.spec.placementRef, spec.placementRef),
            FieldChange("spec.action", old.spec.action, spec.action),
            FieldChange("spec.from", old.spec.from, spec.from),
            FieldChange("spec.to", old.spec.to, spec.to),
        ])
    }
}
