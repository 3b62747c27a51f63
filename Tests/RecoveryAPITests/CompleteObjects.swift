import JSON
import Testing
import YAML

@testable import RecoveryAPI

/// One valid object of each kind with every field of its spec.
enum CompleteObjects {
    static func object(_ kind: String) throws -> JSONValue {
        let text = try #require(texts[kind])
        let header = "apiVersion: recovery.tmc.io/v1alpha1\nkind: \(kind)\nmetadata: {name: complete}\n"
        return try YAMLDocument.parse(Array((header + text).utf8), source: kind)
    }

    private static let texts = [
        "Recovery": recovery, "RecoveryPolicy": policy, "RecoveryApproval": approval,
        "MemberCluster": cluster, "Placement": placement, "Migration": migration,
    ]

    private static let recovery = """
        spec:
          error:
            type: ClusterUnreachable
            code: HH-K8S-004
            component: syncer
            operation: heartbeat
            severity: High
            message: Failed to connect to cluster endpoint
            retryable: true
            context: {resourceVersion: "12345"}
            time: 2026-01-01T00:00:00Z
          clusterRef: {name: edge-cluster-1}
          logicalCluster: root:edge
          targetRef: {apiVersion: apps/v1, kind: Deployment, name: web, namespace: production, uid: abc}
          parentRef: {name: first}
          serviceAccountName: operator
          policyRef: {name: default}
          strategy: Generic
          parameters: {waitSeconds: 5, touch: true, nested: {list: [1, two]}}
          maxAttempts: 3
          timeoutSeconds: 900
          suspend: false
          cancel: false
          ttlSecondsAfterFinished: 86400
        """

    private static let approval = """
        spec:
          recoveryRef: {name: web, uid: abc}
          planHash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
          decision: Approve
          reason: looks right
        """

    private static let cluster = """
        spec:
          kubeconfigSecretRef: {name: edge, key: kubeconfig}
          credentialRenewal:
            serviceAccountRef: {namespace: kube-system, name: recovery}
            expirationSeconds: 7200
            renewBeforeSeconds: 600
          allowedNamespaces:
            matchLabels: {fleet: edge}
            matchExpressions:
            - {key: tier, operator: In, values: [a, b]}
          region: eu
          zone: eu-1
          taints:
          - {key: maintenance, value: soon, effect: NoExecute, timeAdded: 2026-01-01T00:00:00Z}
          unschedulable: false
          probe: {intervalSeconds: 30, timeoutSeconds: 5, failureThreshold: 3, successThreshold: 1}
          requiredPermissions:
          - {group: apps, resource: deployments, subresource: status, verbs: [get, patch], namespace: web}
        """

    private static let placement = """
        spec:
          manifests:
          - {apiVersion: v1, kind: ConfigMap, metadata: {name: greeting}, data: {text: hello}}
          clusterSelector:
            matchLabels: {tier: edge}
            matchExpressions:
            - {key: zone, operator: NotIn, values: [a]}
          clusterCount: 2
          tolerations:
          - {key: maintenance, operator: Equal, value: soon, effect: NoExecute, tolerationSeconds: 60}
          spread:
          - {topologyKey: region, maxSkew: 1, whenUnsatisfiable: DoNotPlace}
        """

    private static let migration = """
        spec:
          placementRef: {name: greeting}
          action: Relocate
          from: edge-1
          to: edge-2
          failback: Never
          rollbackOnFailure: true
          deadlineSeconds: 1800
        """

    private static let selector = """
        {matchLabels: {app: web}, matchExpressions: [{key: tier, operator: In, values: [front]}]}
        """

    private static let target = "{apiVersion: apps/v1, kind: Deployment, name: web, namespace: production, uid: abc}"

    private static let incident = "errorType: ComponentUnhealthy, code: HH-K8S-004, severity: High"

    private static let policy = """
        spec:
          mode: Auto
          priority: 10
          suspend: false
          detection:
            conditions:
            - {apiVersion: apps/v1, kind: Deployment, selector: \(selector), type: Available, status: "False",
               reason: MinimumReplicasUnavailable, forSeconds: 60, healthyForSeconds: 30, onNoData: Fail, \(incident)}
            workloads: {enabled: true, kinds: [Deployment], selector: \(selector), forSeconds: 60,
                        healthyForSeconds: 30, severity: High}
            nodes: {enabled: true, selector: \(selector), forSeconds: 60, healthyForSeconds: 30, severity: High}
            events:
            - {reason: FailedScheduling, type: Warning, kind: Pod, count: 3, windowSeconds: 300,
               healthyForSeconds: 30, \(incident)}
            httpProbes:
            - {name: front, url: "http://web.production.svc/healthz", intervalSeconds: 15, timeoutSeconds: 5,
               failureThreshold: 3, successThreshold: 1, expectedStatus: 200, healthyForSeconds: 30, \(incident),
               targetRef: \(target)}
            clusterHealth: {enabled: true, clusterSelector: \(selector), healthyForSeconds: 30, severity: High}
            alerts:
            - {matchLabels: {alertname: WebDown}, \(incident), targetRef: \(target)}
          match: {errorTypes: [ComponentUnhealthy], codes: [HH-K8S-004], components: [web], minSeverity: Medium,
                  clusterSelector: \(selector), targetKinds: [Deployment], targetSelector: \(selector)}
          strategies:
          - name: Restart
            priority: 20
            maxAttempts: 1
            timeoutSeconds: 120
            backoff: {initialSeconds: 10, factorPercent: 200, maxSeconds: 600, jitterPercent: 20}
            parameters: {anything: {goes: here}}
            verify: {forSeconds: 10, timeoutSeconds: 60}
          - {name: Job, job: {template: {spec: {template: {spec: {containers: []}}}}}}
          - {name: Webhook, webhook: {url: "https://hooks.example.com/repair", secretRef: {name: hook, key: token}}}
          verify: {forSeconds: 30, timeoutSeconds: 300}
          limits: {maxConcurrent: 1, maxUnhealthy: 5, alwaysAllow: 1, cooldownSeconds: 300,
                   stormCooldownSeconds: 300, budget: {actions: 5, windowSeconds: 3600}}
          resetAfterHealthySeconds: 600
          circuitBreaker: {scope: Strategy, failureThreshold: 3, windowType: Count, windowSize: 10, windowSeconds: 600,
                           minimumCalls: 5, failureRatePercent: 50, slowCallSeconds: 60, slowCallRatePercent: 100,
                           openSeconds: 300, openGrowthPercent: 200, maxOpenSeconds: 3600, halfOpenMaxSeconds: 900,
                           reset: Automatic, force: None}
          escalation: {level: Manual}
          notifications:
          - {channel: Slack, secretRef: {name: slack, key: url}, minLevel: Guided, repeatSeconds: 60,
             url: "https://hooks.slack.com/services/x"}
          - {channel: Email, email: {server: "smtp://mail:25", from: a@example.com, to: [b@example.com]}}
          serviceAccountName: operator
          gitOps: Defer
        """
}
