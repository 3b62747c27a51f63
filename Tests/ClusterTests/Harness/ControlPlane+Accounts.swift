import Foundation
import KubernetesClient
import KubernetesCore
import RecoveryAPI

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

    /// The name of a ServiceAccount as a user.
    static func userName(_ account: ObjectKey) -> String {
        "system:serviceaccount:\(account.namespace ?? ""):\(account.name)"
    }
}
