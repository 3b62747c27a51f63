/// Recoveries that several suites apply.
enum RecoveryManifest {
    /// Waits, then annotates a ConfigMap: a change that the audit log shows.
    static func touching(_ namespace: String, _ name: String, wait: Int, target: String) -> String {
        """
        apiVersion: recovery.tmc.io/v1alpha1
        kind: Recovery
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
          error: {type: InternalError, retryable: true}
          parameters: {waitSeconds: \(wait)}
          targetRef: {apiVersion: v1, kind: ConfigMap, name: \(target)}
        """
    }
}
