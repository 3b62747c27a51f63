internal import JSON

extension DefinitionReview {
    /// What must stay as it is: everything that the stored objects depend on.
    mutating func checkUpdate(of old: JSONValue) {
        if CustomResources.isTrue("Established", of: old) {
            checkImmutable(["scope"], old)
            checkImmutable(["names", "kind"], old)
        }
        checkImmutable(["group"], old)
        checkImmutable(["names", "plural"], old)
    }

    private mutating func checkImmutable(_ path: [String], _ old: JSONValue) {
        let value = spec.value(at: path) ?? .null
        guard value != old["spec"]?.value(at: path) ?? .null else { return }
        causes.append(.invalid("spec." + path.joined(separator: "."), value, "field is immutable"))
    }

    /// A version that objects may be stored in has to stay.
    mutating func checkStoredVersions(_ stored: JSONValue) {
        let names = stored.arrayValue?.compactMap(\.stringValue) ?? []
        let path = "status.storedVersions"
        guard !names.isEmpty else {
            causes.append(.invalid(path, stored, "must have at least one stored version"))
            return
        }
        for version in versions where version.flag("storage") && !names.contains(version.text("name")) {
            causes.append(.invalid(path, stored, "must have the storage version \(version.text("name"))"))
        }
        for (index, name) in names.enumerated() where !versions.contains(where: { $0.text("name") == name }) {
            let detail =
                "missing from spec.versions; \(name) was previously a storage version, and must remain in spec.versions"
                + " until a storage migration ensures no data remains persisted in \(name) and removes \(name) from"
                + " status.storedVersions"
            causes.append(.invalid("\(path)[\(index)]", .string(name), detail))
        }
    }

    /// The groups of the Kubernetes project need an annotation that says who approved.
    mutating func checkApproval(_ annotations: JSONValue?, _ old: JSONValue?) {
        let group = spec.text("group")
        let isProtected = ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix(".\($0)") }
        guard isProtected else { return }
        let key = "api-approved.kubernetes.io"
        let value = annotations?[key]?.stringValue ?? ""
        if let old, old["metadata"]?["annotations"]?[key]?.stringValue ?? "" == value { return }
        let place = "metadata.annotations[\(key)]"
        let link = "see https://github.com/kubernetes/enhancements/pull/1111"
        if value.isEmpty {
            let detail = "protected groups must have approval annotation \(key.goQuoted), \(link)"
            causes.append(.required(place, detail))
        } else if !value.hasPrefix("unapproved"), value.wholeMatch(of: /[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^\/]+.*/) == nil {
            let detail =
                "protected groups must have approval annotation \(key.goQuoted) with either a URL or a reason starting"
                + " with \"unapproved\", \(link)"
            causes.append(.invalid(place, .string(value), detail))
        }
    }
}
