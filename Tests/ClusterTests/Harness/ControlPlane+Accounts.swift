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
        let files = ["serviceaccount", "rbac-controller", "rbac-strategies", "rbac-users", "configuration"]
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

    /// A kubeconfig with a token of a ServiceAccount and nothing of the administrator; it goes with the plane.
    func kubeconfig(of account: ObjectKey) async throws -> String {
        let token = try await client.requestToken(for: account).token.value
        let path = "\(kubeconfig)-\(account.namespace ?? "")-\(account.name)"
        let config = "kubectl --kubeconfig \(path) config"
        try await Shell.run(
            """
            umask 077
            kubectl --kubeconfig \(kubeconfig) config view --raw --minify >\(path)
            \(config) unset users && \(config) set-credentials account --token=\(token)
            \(config) set-context --current --user=account
            """
        )
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
