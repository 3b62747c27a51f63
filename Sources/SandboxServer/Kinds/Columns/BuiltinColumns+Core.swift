internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    static let configMap: [Column] = [
        name,
        number("Data", "the number of keys", type: "string") { Int64($0.count("data") + $0.count("binaryData")) },
        age,
    ]

    static let secret: [Column] = [
        name,
        text("Type", "what the data is for") { $0.text("type") },
        number("Data", "the number of keys", type: "string") { Int64($0.count("data")) },
        age,
    ]

    static let serviceAccount: [Column] = [
        name,
        number("Secrets", "the number of Secrets", type: "string") { Int64($0.list("secrets").count) },
        age,
    ]

    static let namespace: [Column] = [
        name, text("Status", "Active or Terminating") { $0.text("status", "phase") }, age,
    ]

    static let node: [Column] = [
        name,
        text("Status", "whether pods can run, and be placed, on the node") { node in
            let ready = node.condition("Ready").map { $0 == "True" ? "Ready" : "NotReady" } ?? "Unknown"
            let isClosed = node.object.value(at: ["spec", "unschedulable"])?.boolValue == true
            return isClosed ? "\(ready),SchedulingDisabled" : ready
        },
        text("Roles", "the roles in the labels of the node") { nodeRoles($0) },
        age,
        text("Version", "the version of the kubelet") { $0.text("status", "nodeInfo", "kubeletVersion") },
        text("Internal-IP", "the address inside the cluster", wide: true) { nodeAddress($0, "InternalIP") },
        text("External-IP", "the address outside the cluster", wide: true) { nodeAddress($0, "ExternalIP") },
        text("OS-Image", "the operating system", wide: true) {
            $0.text("status", "nodeInfo", "osImage", or: "<unknown>")
        },
        text("Kernel-Version", "the kernel", wide: true) {
            $0.text("status", "nodeInfo", "kernelVersion", or: "<unknown>")
        },
        text("Container-Runtime", "what runs the containers", wide: true) {
            $0.text("status", "nodeInfo", "containerRuntimeVersion", or: "<unknown>")
        },
    ]

    static let resourceQuota: [Column] = [
        name,
        text("Request", "what is used, of what may be, but for limits") { quotaUse($0, ofLimits: false) },
        text("Limit", "the same for limits") { quotaUse($0, ofLimits: true) },
        age,
    ]

    static let persistentVolume: [Column] = [
        name,
        text("Capacity", "the size") { $0.text("spec", "capacity", "storage", or: "0") },
        text("Access Modes", "how it can be mounted") { accessModes($0.list("spec", "accessModes")) },
        text("Reclaim Policy", "what happens when the claim goes") {
            $0.text("spec", "persistentVolumeReclaimPolicy")
        },
        text("Status", "whether it is bound") { phase($0) },
        text("Claim", "the claim that has it") { volume in
            guard let claim = volume.object.value(at: ["spec", "claimRef"]) else { return "" }
            return "\(claim["namespace"]?.stringValue ?? "")/\(claim["name"]?.stringValue ?? "")"
        },
        text("StorageClass", "the class of the volume") { storageClassName($0) },
        text("VolumeAttributesClass", "the class of its attributes") {
            $0.text("spec", "volumeAttributesClassName", or: "<unset>")
        },
        text("Reason", "why it is in this state") { $0.text("status", "reason") },
        age,
        text("VolumeMode", "Filesystem or Block", wide: true) { $0.text("spec", "volumeMode", or: "<unset>") },
    ]

    static let persistentVolumeClaim: [Column] = [
        name,
        text("Status", "whether it is bound") { phase($0) },
        text("Volume", "the volume that it got") { $0.text("spec", "volumeName") },
        text("Capacity", "the size of the volume") { claim in
            claim.text("spec", "volumeName").isEmpty ? "" : claim.text("status", "capacity", "storage", or: "0")
        },
        text("Access Modes", "how it can be mounted") { claim in
            claim.text("spec", "volumeName").isEmpty ? "" : accessModes(claim.list("status", "accessModes"))
        },
        text("StorageClass", "the class that it asks for") { storageClassName($0) },
        text("VolumeAttributesClass", "the class of attributes that it asks for") {
            $0.text("spec", "volumeAttributesClassName", or: "<unset>")
        },
        age,
        text("VolumeMode", "Filesystem or Block", wide: true) { $0.text("spec", "volumeMode", or: "<unset>") },
    ]

    private static func nodeRoles(_ node: CellSource) -> String {
        let prefix = "node-role.kubernetes.io/"
        var roles: Set<String> = []
        for (key, value) in node.object.value(at: ["metadata", "labels"])?.objectValue ?? [:] {
            if key.hasPrefix(prefix) { roles.insert(String(key.dropFirst(prefix.count))) }
            if key == "kubernetes.io/role" { roles.insert(value.stringValue ?? "") }
        }
        roles.remove("")
        return roles.isEmpty ? "<none>" : roles.sorted().joined(separator: ",")
    }

    private static func nodeAddress(_ node: CellSource, _ type: String) -> String {
        let address = node.list("status", "addresses").first { $0["type"]?.stringValue == type }
        return address?["address"]?.stringValue ?? "<none>"
    }

    private static func quotaUse(_ quota: CellSource, ofLimits: Bool) -> String {
        let used = quota.object.value(at: ["status", "used"])
        let hard = (quota.object.value(at: ["status", "hard"])?.objectValue ?? [:])
            .filter { $0.key.hasPrefix("limits.") == ofLimits }
        return hard.map { "\($0.key): \(used?[$0.key]?.stringValue ?? "0")/\($0.value.stringValue ?? "0")" }
            .joined(separator: ", ")
    }

    private static func phase(_ source: CellSource) -> String {
        source.isBeingDeleted ? "Terminating" : source.text("status", "phase")
    }

    /// The annotation is what came before the field, and still goes before it.
    private static func storageClassName(_ source: CellSource) -> String {
        source.text(
            "metadata",
            "annotations",
            "volume.beta.kubernetes.io/storage-class",
            or: source.text("spec", "storageClassName")
        )
    }

    private static func accessModes(_ modes: [JSONValue]) -> String {
        let short = [
            ("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP"),
        ]
        return short.filter { modes.contains(.string($0.0)) }.map(\.1).joined(separator: ",")
    }
}
