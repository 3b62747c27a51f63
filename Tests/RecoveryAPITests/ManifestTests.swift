import JSON
import KubernetesCore
import Testing

@testable import RecoveryAPI

struct ManifestTests {
    static let folders = ["manifests", "manifests/samples", "manifests/tenant", "manifests/member"]

    @Test("every document says what it is", arguments: folders + ["crds"])
    func documents(_ folder: String) throws {
        let all = try ProjectFiles.allDocuments(in: folder)
        #expect(!all.isEmpty)
        for document in all {
            #expect(document["apiVersion"]?.stringValue?.isEmpty == false)
            let kind = try #require(document["kind"]?.stringValue)
            let name = document.value(at: ["metadata", "name"])?.stringValue
            #expect(kind == "Kustomization" || name?.isEmpty == false, "\(kind)")
        }
    }

    @Test("kustomizations list all files of their folder", arguments: folders.filter { $0 != "manifests/samples" })
    func kustomization(_ folder: String) throws {
        let listed = try ProjectFiles.documents("\(folder)/kustomization.yaml").first?["resources"]?.arrayValue
        let names = try ProjectFiles.names(in: folder).filter { $0 != "kustomization.yaml" }
        #expect(listed?.compactMap(\.stringValue).sorted() == names)
    }

    @Test("the controller's pod may do nothing that it does not need")
    func pod() throws {
        let deployment = try #require(try ProjectFiles.documents("manifests/deployment.yaml").first)
        let spec = try #require(deployment.value(at: ["spec", "template", "spec"]))
        let container = try #require(spec["containers"]?[index: 0])
        #expect(deployment.value(at: ["spec", "replicas"]) == 2)
        #expect(spec.value(at: ["securityContext", "runAsNonRoot"]) == true)
        #expect(spec.value(at: ["securityContext", "seccompProfile", "type"]) == "RuntimeDefault")
        #expect(container.value(at: ["securityContext", "readOnlyRootFilesystem"]) == true)
        #expect(container.value(at: ["securityContext", "allowPrivilegeEscalation"]) == false)
        #expect(container.value(at: ["securityContext", "capabilities", "drop"]) == ["ALL"])
        #expect(container["args"]?.arrayValue?.contains("--leader-elect") == true)
        #expect(container["env"]?.arrayValue?.contains { $0["name"] == "POD_NAMESPACE" } == true)
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            #expect(container.value(at: [probe, "httpGet", "port"]) == "probes", "\(probe)")
        }
        let selector = try #require(deployment.value(at: ["spec", "selector", "matchLabels"])?.objectValue)
        let labels = try #require(deployment.value(at: ["spec", "template", "metadata", "labels"])?.objectValue)
        #expect(selector.allSatisfy { labels[$0.key] == $0.value })
    }

    @Test("the configuration names strategies that exist")
    func configuration() throws {
        let map = try #require(try ProjectFiles.documents("manifests/configuration.yaml").first)
        let text = try #require(map.value(at: ["data", "config.yaml"])?.stringValue)
        for name in [StrategyName.clusterConnectivity, StrategyName.resourceConflict, StrategyName.generic] {
            #expect(text.contains(name))
        }
    }
}

struct SampleTests {
    private static func samples() throws -> [JSONValue] {
        try ProjectFiles.allDocuments(in: "manifests/samples")
            .filter { $0["apiVersion"]?.stringValue == RecoveryAPI.apiVersion }
    }

    @Test("samples are valid", arguments: KindUnderTest.all)
    func valid(_ kind: KindUnderTest) throws {
        let samples = try Self.samples().filter { $0["kind"]?.stringValue == kind.resource.kind }
        #expect(!samples.isEmpty, "there is no sample")
        for sample in samples {
            #expect(try kind.validate(sample) == [])
            #expect((sample.value(at: ["metadata", "namespace"]) != nil) == kind.resource.isNamespaced)
        }
    }

    @Test("samples have no field that the schema does not know", arguments: KindUnderTest.all)
    func knownFields(_ kind: KindUnderTest) throws {
        let crd = try kind.customResource()
        for sample in try Self.samples() where sample["kind"]?.stringValue == kind.resource.kind {
            #expect(unknownFields(sample["spec"] ?? .null, "spec", crd) == [])
        }
    }

    @Test("every strategy of this version has a sample")
    func strategies() throws {
        let types = try Self.samples().filter { $0["kind"] == "Recovery" }
            .compactMap { $0.value(at: ["spec", "error", "type"])?.stringValue }
        #expect(
            Set(types) == [
                "ComponentUnhealthy", "RolloutFailed", "ResourceConflict", "ClusterUnreachable", "ClusterAuth",
                "SyncFailure", "PlacementConstraint", "MigrationFailure", "QueueStuck",
            ]
        )
    }

    @Test("every strategy that has to be named has a sample that names it")
    func namedStrategies() throws {
        let named = try Self.samples().flatMap { sample in
            let ladder = sample.value(at: ["spec", "strategies"])?.arrayValue ?? []
            return ([sample.value(at: ["spec", "strategy"])] + ladder.map { $0["name"] }).compactMap { $0?.stringValue }
        }
        #expect(
            Set(named).isSuperset(of: [
                StrategyName.restart, StrategyName.rollback, StrategyName.scale, StrategyName.recreate,
                StrategyName.cordonAndDrain, StrategyName.job, StrategyName.webhook,
            ])
        )
    }

    @Test("clusters are reached from the controller's own namespace only, in samples as in the fence")
    func fence() throws {
        for sample in try Self.samples() where sample.value(at: ["spec", "clusterRef"]) != nil {
            #expect(
                sample.value(at: ["metadata", "namespace"])?.stringValue == RecoveryAPI.defaultControllerNamespace
            )
        }
    }

    /// Paths of members that are in a value and in no schema.
    private func unknownFields(_ value: JSONValue, _ path: String, _ crd: CustomResource) -> [String] {
        guard let schema = crd.schemas[path] else { return [path] }
        if schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == true { return [] }
        switch value {
        case .array(let elements): return elements.flatMap { unknownFields($0, "\(path)[]", crd) }
        case .object(let members):
            let isMap = schema["additionalProperties"] != nil
            return members.flatMap { unknownFields($0.value, isMap ? "\(path).*" : "\(path).\($0.key)", crd) }
        default: return []
        }
    }
}

struct AccessRightsTests {
    /// One rule of one role.
    struct Rule {
        let role: JSONValue
        let rule: JSONValue

        var name: String { role.value(at: ["metadata", "name"])?.stringValue ?? "" }
        var isClusterRole: Bool { role["kind"] == "ClusterRole" }

        func strings(_ field: String) -> [String] { rule[field]?.arrayValue?.compactMap(\.stringValue) ?? [] }
    }

    private static func documents() throws -> [JSONValue] {
        try ["manifests", "manifests/tenant", "manifests/member"].flatMap { try ProjectFiles.allDocuments(in: $0) }
    }

    private static func rules() throws -> [Rule] {
        try documents().flatMap { role in (role["rules"]?.arrayValue ?? []).map { Rule(role: role, rule: $0) } }
    }

    @Test("no right has a wildcard")
    func wildcards() throws {
        let rules = try Self.rules()
        #expect(!rules.isEmpty)
        for rule in rules {
            for field in ["apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"] {
                #expect(!rule.strings(field).contains { $0.contains("*") }, "\(rule.name)")
            }
            #expect(!rule.strings("verbs").isEmpty && !rule.strings("resources").isEmpty, "\(rule.name)")
        }
    }

    @Test("Secrets are read in the controller's namespace, or by name as a tenant; only ClusterAuth writes them")
    func secrets() throws {
        for rule in try Self.rules() where rule.strings("resources").contains("secrets") {
            #expect(!rule.isClusterRole)
            if rule.name == "recovery-operator" {
                #expect(rule.strings("verbs") == ["get"] && !rule.strings("resourceNames").isEmpty)
                continue
            }
            #expect(rule.role.value(at: ["metadata", "namespace"]) == "tmc-recovery-system")
            let renews = rule.name == "tmc-recovery-strategy-cluster-auth"
            #expect(rule.strings("verbs") == (renews ? ["patch"] : ["get", "list", "watch"]))
        }
    }

    @Test("nobody writes ServiceAccounts, RBAC objects, webhook configurations or CRDs")
    func privileges() throws {
        let groups = ["rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io"]
        for rule in try Self.rules() {
            #expect(Set(rule.strings("apiGroups")).isDisjoint(with: groups), "\(rule.name)")
            if rule.strings("resources").contains("serviceaccounts") {
                // Whether one exists is all that is asked about any.
                if rule.isClusterRole, rule.strings("verbs") == ["get"] { continue }
                #expect(rule.strings("verbs") == ["impersonate"], "\(rule.name)")
                #expect(!rule.isClusterRole && !rule.strings("resourceNames").isEmpty, "\(rule.name)")
            }
        }
    }

    @Test("to approve takes a role of its own, and no role is aggregated to others")
    func approval() throws {
        for rule in try Self.rules() where rule.strings("resources").contains("recoveryapprovals") {
            if !Set(rule.strings("verbs")).isDisjoint(with: ["create", "update", "patch"]) {
                #expect(rule.name == "tmc-recovery-approver")
            }
        }
        for document in try Self.documents() {
            let labels = document.value(at: ["metadata", "labels"])?.objectValue ?? [:]
            #expect(!labels.keys.contains { $0.contains("aggregate-to") })
        }
    }

    @Test("rules name kinds that exist")
    func kinds() throws {
        let plurals = Set(KindUnderTest.all.map(\.resource.plural))
        for rule in try Self.rules() where rule.strings("apiGroups") == [RecoveryAPI.group] {
            for resource in rule.strings("resources") {
                let plural = String(resource.prefix { $0 != "/" })
                #expect(plurals.contains(plural), "\(rule.name): \(resource)")
            }
        }
    }

    @Test("bindings bind roles and accounts that are there")
    func bindings() throws {
        let documents = try Self.documents()
        let there = Set(documents.map(Self.identity))
        for binding in documents where binding["roleRef"] != nil {
            let namespace = binding.value(at: ["metadata", "namespace"])?.stringValue ?? ""
            let kind = binding.value(at: ["roleRef", "kind"])?.stringValue ?? ""
            let name = binding.value(at: ["roleRef", "name"])?.stringValue ?? ""
            #expect(there.contains("\(kind) \(kind == "ClusterRole" ? "" : namespace)/\(name)"))
            for subject in binding["subjects"]?.arrayValue ?? [] {
                let account = subject["name"]?.stringValue ?? ""
                #expect(there.contains("ServiceAccount \(subject["namespace"]?.stringValue ?? "")/\(account)"))
            }
        }
    }

    private static func identity(_ document: JSONValue) -> String {
        let namespace = document.value(at: ["metadata", "namespace"])?.stringValue ?? ""
        let name = document.value(at: ["metadata", "name"])?.stringValue ?? ""
        return "\(document["kind"]?.stringValue ?? "") \(namespace)/\(name)"
    }
}
