extension KnownKeys {
    /// Keys of object metadata, of the objects that clusters hold most of, and of watch events and lists.
    static let commonKeys = [
        // Lists, events and metadata.
        "annotations", "apiVersion", "continue", "controller", "creationTimestamp", "deletionTimestamp", "finalizers",
        "fieldsType", "fieldsV1", "generateName", "generation", "items", "kind", "labels", "managedFields", "manager",
        "metadata", "name", "namespace", "object", "operation", "ownerReferences", "remainingItemCount",
        "resourceVersion", "selfLink", "subresource", "time", "type", "uid", "blockOwnerDeletion", "spec", "status",
        // Conditions and status.
        "conditions", "lastHeartbeatTime", "lastProbeTime", "lastTransitionTime", "lastUpdateTime", "message",
        "observedGeneration", "phase", "reason", "availableReplicas", "collisionCount", "currentReplicas",
        "currentRevision", "fullyLabeledReplicas", "readyReplicas", "replicas", "unavailableReplicas",
        "updateRevision", "updatedReplicas",
        // Pods.
        "affinity", "args", "capabilities", "command", "configMap", "configMapKeyRef", "containerID", "containerPort",
        "containerStatuses", "containers", "cpu", "defaultMode", "dnsPolicy", "drop", "effect", "enableServiceLinks",
        "env", "envFrom", "ephemeral-storage", "exec", "exitCode", "expirationSeconds", "failureThreshold",
        "fieldPath", "fieldRef", "finishedAt", "fsGroup", "hostIP", "hostIPs", "hostNetwork", "hostPath", "hostPort",
        "httpGet", "image", "imageID", "imagePullPolicy", "imagePullSecrets", "initContainerStatuses",
        "initContainers", "initialDelaySeconds", "ip", "items", "key", "lastState", "limits", "livenessProbe",
        "localhostProfile", "matchExpressions", "matchLabels", "memory", "mode", "mountPath", "nodeAffinity",
        "nodeName", "nodeSelector", "operator", "optional", "path", "periodSeconds", "persistentVolumeClaim", "podIP",
        "podIPs", "pods", "port", "ports", "preemptionPolicy", "priority", "priorityClassName", "projected",
        "protocol", "qosClass", "readOnly", "readOnlyRootFilesystem", "readinessProbe", "ready", "recursiveReadOnly",
        "requests", "resources", "restartCount", "restartPolicy", "runAsGroup", "runAsNonRoot", "runAsUser",
        "running", "schedulerName", "scheme", "seccompProfile", "secret", "secretKeyRef", "secretName",
        "securityContext", "serviceAccount", "serviceAccountName", "serviceAccountToken", "sources", "startTime",
        "started", "startedAt", "startupProbe", "state", "successThreshold", "template", "terminated",
        "terminationMessagePath", "terminationMessagePolicy", "timeoutSeconds", "tolerationSeconds", "tolerations",
        "topologyKey", "value", "valueFrom", "values", "volumeMounts", "volumes", "waiting", "weight",
        // Workloads, nodes, services and the rest of the usual objects.
        "accessModes", "addresses", "allocatable", "allowedTopologies", "architecture", "bootID", "capacity",
        "clusterIP", "clusterIPs", "count", "data", "eventTime", "externalIPs", "firstTimestamp", "images",
        "involvedObject", "ipFamilies", "kernelVersion", "kubeProxyVersion", "kubeletVersion", "lastTimestamp",
        "machineID", "maxSurge", "maxUnavailable", "minReadySeconds", "names", "nodeInfo", "nodePort",
        "operatingSystem", "osImage", "podCIDR", "podCIDRs", "policyRules", "providerID", "reportingComponent",
        "reportingInstance", "revisionHistoryLimit", "roleRef", "rollingUpdate", "rules", "selector",
        "sessionAffinity", "sizeBytes", "source", "storage", "storageClassName", "strategy", "stringData", "subjects",
        "systemUUID", "taints", "targetPort", "unschedulable", "updateStrategy", "verbs", "volumeName",
        // Labels and annotations of the ecosystem.
        "app", "app.kubernetes.io/name", "component", "k8s-app", "kubernetes.io/hostname", "pod-template-hash", "tier",
        // Leases and the recovery objects.
        "acquireTime", "attempts", "holderIdentity", "leaseDurationSeconds", "leaseTransitions", "parameters",
        "renewTime", "severity", "targetRef",
    ]
}
