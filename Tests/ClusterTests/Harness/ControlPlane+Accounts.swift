import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI
import TestSupport

extension ControlPlane {
    /// Who the Deployment in manifests/ runs as.
    static let controllerAccount = ObjectKey(
        namespace: RecoveryAPI.defaultControllerNamespace,
        name: "recovery-controller"
    )

    /// Applies what manifests/ ships beside the workload: the controller's account, its roles and its configuration.
    func applyShippedRoles() async throws {
        let files = [
            "serviceaccount", "rbac-controller", "rbac-detection", "rbac-strategies", "rbac-users", "configuration",
        ]
        let arguments = files.map { "-f \(Self.root)manifests/\($0).yaml" }.joined(separator: " ")
        try await kubectl("apply --validate=false \(arguments)")
    }

    /// manifests/tenant for another namespace, in the way that its kustomization explains.
    func applyTenant(_ space: String) async throws {
        let folder = "\(NSTemporaryDirectory())tenant-\(UUID().uuidString)"
        try await Shell.run(
            """
            cp -rL \(Self.root)manifests/tenant \(folder)
            echo "namespace: \(space)" >>\(folder)/kustomization.yaml
            """
        )
        try await kubectl("apply --validate=false -k \(folder)")
    }

    /// What manifests/ grants the controller, for an account of the same name in another namespace, which is then the
    /// controller's own.
    ///
    /// - Parameters:
    ///   - space: the namespace.
    ///   - roles: the roles that it gets beyond what any controller needs, without `tmc-recovery-` before their names.
    /// - Returns: a kubeconfig of the account.
    /// - Throws: `ShellError`.
    func grantShippedRoles(in space: String, _ roles: [String] = []) async throws -> String {
        let names = [Self.controllerAccount.name, "tmc-recovery-controller"] + roles.map { "tmc-recovery-\($0)" }
        let documents = try ["serviceaccount", "rbac-controller", "rbac-strategies", "rbac-detection"].flatMap { file in
            try String(contentsOfFile: "\(Self.root)manifests/\(file).yaml", encoding: .utf8)
                .components(separatedBy: "\n---\n")
        }
        let binding = "kind: ClusterRoleBinding\nmetadata:\n  name: "
        let granted = documents.filter { document in
            names.contains { document.contains("\nmetadata:\n  name: \($0)\n") }
        }
        let moved = granted.map { document in
            document.replacing("namespace: \(RecoveryAPI.defaultControllerNamespace)", with: "namespace: \(space)")
                .replacing(binding, with: "\(binding)\(space)-")
        }
        try await apply(moved.joined(separator: "\n---\n"))
        return try await kubeconfig(of: Self.controllerAccount(in: space))
    }

    /// Who the controller is in a namespace of its own.
    static func controllerAccount(in space: String) -> ObjectKey {
        ObjectKey(namespace: space, name: controllerAccount.name)
    }

    /// What an operator registers this plane with: the account of manifests/member, and its kubeconfig.
    ///
    /// - Parameter kinds: what the test places beyond the kinds of manifests/member, by plural names.
    /// - Returns: the path of the kubeconfig.
    /// - Throws: `ShellError`.
    func memberKubeconfig(placing kinds: [String] = []) async throws -> String {
        try await kubectl("apply --validate=false -k \(Self.root)manifests/member")
        let account = ObjectKey(namespace: RecoveryAPI.defaultControllerNamespace, name: "tmc-recovery-member")
        for kind in kinds {
            let role = "create clusterrole place-\(kind) --verb=get,list,watch,create,patch,delete --resource=\(kind)"
            try await apply(try await kubectl("\(role) --dry-run=client -o yaml"))
            let subject = "--clusterrole=place-\(kind) --serviceaccount=\(account.namespace ?? ""):\(account.name)"
            let binding = "create clusterrolebinding place-\(kind) \(subject) --dry-run=client -o yaml"
            try await apply(try await kubectl(binding))
        }
        return try await kubeconfig(of: account, hours: 24)
    }

    /// A kubeconfig with a token of a ServiceAccount, good for an hour unless given, and nothing of the administrator; it
    /// goes with the plane.
    func kubeconfig(of account: ObjectKey, hours: Int = 1) async throws -> String {
        let name = "\(account.namespace ?? "")/\(account.name)"
        let path = "\(kubeconfig)-\(name.replacing("/", with: "-"))"
        let command = "\(Self.root)hack/member-kubeconfig --kubeconfig \(kubeconfig)"
        try await Shell.run("umask 077; \(command) --service-account \(name) --hours \(hours) >\(path)")
        return path
    }

    /// A kubeconfig with a client certificate that has lived for ten days and ends soon; it goes with the plane.
    func kubeconfigWithCertificate(user: String, minutes: Int) async throws -> String {
        let path = "\(kubeconfig)-\(user)"
        let config = "kubectl --kubeconfig \(path) config"
        try await Shell.run(
            """
            umask 077
            set -e
            pki=$(dirname \(kubeconfig))/pki
            dir=$(mktemp -d)
            trap 'rm -rf "$dir"' EXIT
            touch "$dir/index" && echo 01 >"$dir/serial"
            printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=%s\\nserial=%s\\nnew_certs_dir=%s\\npolicy=p\\ndefault_md=sha256\\n' \
              "$dir/index" "$dir/serial" "$dir" >"$dir/cnf"
            printf '[p]\\ncommonName=supplied\\n[req]\\ndistinguished_name=n\\n[n]\\n' >>"$dir/cnf"
            openssl req -config "$dir/cnf" -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
              -keyout "$dir/key" -out "$dir/csr" -subj /CN=\(user) 2>/dev/null
            openssl ca -batch -config "$dir/cnf" -cert "$pki/ca.crt" -keyfile "$pki/ca.key" -in "$dir/csr" -notext \
              -startdate "$(date -u -d '-10 days' +%Y%m%d%H%M%SZ)" \
              -enddate "$(date -u -d '+\(minutes) minutes' +%Y%m%d%H%M%SZ)" -out "$dir/crt" 2>/dev/null
            kubectl --kubeconfig \(kubeconfig) config view --raw --minify >\(path)
            \(config) unset users
            \(config) set-credentials \(user) --client-certificate="$dir/crt" --client-key="$dir/key" --embed-certs
            \(config) set-context --current --user=\(user)
            """
        )
        return path
    }

    /// The name of a ServiceAccount as a user.
    static func userName(_ account: ObjectKey) -> String {
        "system:serviceaccount:\(account.namespace ?? ""):\(account.name)"
    }
}
