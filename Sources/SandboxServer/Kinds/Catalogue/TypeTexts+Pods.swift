extension TypeTexts {
    /// Pods and their containers.
    static let pods = """
        # io.k8s.api.core.v1
        Pod kind | containers that run together on a node
         metadata ObjectMeta ={}
         spec PodSpec ={} | what is wanted
         status PodStatus ={} | what is observed
        PodSpec | what a pod runs and how
         activeDeadlineSeconds int64* | the time after which it is stopped as failed
         affinity Affinity | rules for the choice of the node
         automountServiceAccountToken bool* | whether pods get a token mounted
         containers! [Container] map(name) merge(name) | the containers
         dnsConfig PodDNSConfig | more settings for resolving names
         dnsPolicy string ="ClusterFirst" enum(ClusterFirst,ClusterFirstWithHostNet,Default,None) | where names are resolved
         enableServiceLinks bool* | whether Services become environment variables
         ephemeralContainers [EphemeralContainer] map(name) merge(name) | containers added for debugging
         hostAliases [HostAlias] map(ip) merge(ip) | lines for the hosts file
         hostIPC bool | share the inter-process communication of the node
         hostNetwork bool | share the network of the node
         hostPID bool | share the processes of the node
         hostUsers bool* | share the user ids of the node
         hostname string | the host name
         hostnameOverride string* | the host name as seen inside the pod
         imagePullSecrets [LocalObjectReference] map(name) merge(name) | Secrets with the credentials for images
         initContainers [Container] map(name) merge(name) | run one after the other before the containers
         nodeName string | the node
         nodeSelector {string} atomic | labels that the node has to have
         os PodOS | the operating system that the pod needs
         overhead {quantity} | what the pod itself costs beside its containers
         preemptionPolicy string* enum(Never,PreemptLowerPriority) | Never, or PreemptLowerPriority
         priority int32* | the number behind the priority class
         priorityClassName string | the PriorityClass
         readinessGates [PodReadinessGate] atomic | conditions that have to be true for the pod to be ready
         resourceClaims [PodResourceClaim] map(name) merge(name) retainKeys | claims for devices
         resources ResourceRequirements | what is requested and what is the limit
         restartPolicy string ="Always" enum(Always,Never,OnFailure) | what happens when a container ends
         runtimeClassName string* | the RuntimeClass
         schedulerName string ="default-scheduler" | which scheduler places the pod
         schedulingGates [PodSchedulingGate] map(name) merge(name) | the pod is not scheduled while there are any
         schedulingGroup PodSchedulingGroup | the group with which the pod is scheduled
         securityContext PodSecurityContext* ={} | user, privileges and confinement
         serviceAccount string | old name of serviceAccountName
         serviceAccountName string | the account that the pod acts as
         setHostnameAsFQDN bool* | use the full name as host name
         shareProcessNamespace bool* | containers see each other's processes
         subdomain string | the name between host name and namespace
         terminationGracePeriodSeconds int64* =30 | how long a stop may take before it is forced
         tolerations [Toleration] atomic | taints that are accepted
         topologySpreadConstraints [TopologySpreadConstraint] map(topologyKey,whenUnsatisfiable) merge(topologyKey) | how pods spread over zones or nodes
         volumes [Volume] map(name) merge(name) retainKeys | what containers can mount
        PodTemplateSpec | metadata and spec for new pods
         metadata ObjectMeta ={}
         spec PodSpec ={} | what is wanted
        Container | one program of a pod
         args [string] atomic | arguments for the command
         command [string] atomic | the program and its arguments
         env [EnvVar] map(name) merge(name) | environment variables
         envFrom [EnvFromSource] atomic | ConfigMaps and Secrets that become environment variables
         image string | the image to run
         imagePullPolicy string enum(Always,IfNotPresent,Never) | Always, IfNotPresent or Never
         lifecycle Lifecycle | what runs after start and before stop
         livenessProbe Probe | restarts the container when it fails
         name! string | unique in the pod
         ports [ContainerPort] map(containerPort,protocol) merge(containerPort) | the ports
         readinessProbe Probe | takes the pod out of Services when it fails
         resizePolicy [ContainerResizePolicy] atomic | whether a change of resources restarts the container
         resources ResourceRequirements ={} | what is requested and what is the limit
         restartPolicy string* | what happens when a container ends
         restartPolicyRules [ContainerRestartRule] atomic
         securityContext SecurityContext | user, privileges and confinement
         startupProbe Probe | the other probes wait until it succeeds
         stdin bool | whether the container has a standard input
         stdinOnce bool | whether the standard input ends with the first client
         terminationMessagePath string ="/dev/termination-log" | the file with the last words of the container
         terminationMessagePolicy string ="File" enum(FallbackToLogsOnError,File) | File, or FallbackToLogsOnError
         tty bool | whether the container has a terminal
         volumeDevices [VolumeDevice] map(devicePath) merge(devicePath) | block devices that the container gets
         volumeMounts [VolumeMount] map(mountPath) merge(mountPath) | where volumes appear in the container
         workingDir string | the directory to start in
        EphemeralContainer like(Container) | a container for debugging
         targetContainerName string
        HostAlias
         hostnames [string] atomic
         ip? string =""
        PodDNSConfig
         nameservers [string] atomic
         options [PodDNSConfigOption] atomic
         searches [string] atomic
        PodReadinessGate
         conditionType! string
        PodOS
         name? string ="" | the name
        PodSchedulingGate
         name? string ="" | the name
        PodResourceClaim
         name? string ="" | the name
         resourceClaimName string*
         resourceClaimTemplateName string*
        ResourceRequirements | requests and limits
         claims [ResourceClaim] map(name) | names of resource claims that are used
         limits {quantity} | the most that may be used
         requests {quantity} | what is set aside
        PodSchedulingGroup
         podGroupName string*
        ContainerPort | a port of a container
         containerPort! int32 | the port that the container listens on
         hostIP string | the address of the node
         hostPort int32 | the port of the node
         name string | the name
         protocol string ="TCP" enum(SCTP,TCP,UDP) | TCP, UDP or SCTP
        EnvFromSource | many environment variables from one object
         configMapRef ConfigMapEnvSource
         prefix string
         secretRef SecretEnvSource | where the credentials are
        EnvVar | an environment variable
         name! string | the name
         value string | the value
         valueFrom EnvVarSource | where the value comes from
        ContainerResizePolicy
         resourceName? string =""
         restartPolicy? string ="" | what happens when a container ends
        ContainerRestartRule
         action? string
         exitCodes ContainerRestartRuleOnExitCodes
        VolumeMount | a volume in a container
         mountPath! string | where it is mounted
         mountPropagation string* enum(Bidirectional,HostToContainer,None) | whether later mounts are passed on
         name! string | the name
         readOnly bool | mount without writing
         recursiveReadOnly string* | whether mounts below are read-only, too
         subPath string | the part of the volume that is mounted
         subPathExpr string | like subPath, with variables
        VolumeDevice
         devicePath! string | the path of the device
         name! string | the name
        Probe | a check of a container
         exec ExecAction | runs a command in the container
         failureThreshold int32 =3 | failures in a row that count
         grpc GRPCAction | asks the gRPC health service
         httpGet HTTPGetAction | sends an HTTP request
         initialDelaySeconds int32 | the time before the first check
         periodSeconds int32 =10 | the time between two checks
         successThreshold int32 =1 | successes in a row that count
         tcpSocket TCPSocketAction | opens a connection
         terminationGracePeriodSeconds int64* | how long a stop may take before it is forced
         timeoutSeconds int32 =1 | how long to wait
        Lifecycle | actions at start and stop
         postStart LifecycleHandler | right after the container was started
         preStop LifecycleHandler | before the container is stopped
         stopSignal string* | the signal that stops the container
        PodDNSConfigOption
         name string | the name
         value string* | the value
        ResourceClaim
         name? string ="" | the name
         request string
        ContainerRestartRuleOnExitCodes
         operator? string | how key and values are compared
         values [int32] set | what the key is compared with
        ExecAction
         command [string] atomic | the program and its arguments
        HTTPGetAction
         host string | the host
         httpHeaders [HTTPHeader] atomic
         path string ="/" | the path
         port! intOrString | the number or the name of the port
         scheme string ="HTTP" enum(HTTP,HTTPS)
        TCPSocketAction
         host string | the host
         port! intOrString | the number or the name of the port
        GRPCAction
         port? int32 =0 | the number or the name of the port
         service string* =""
        LifecycleHandler
         exec ExecAction | runs a command in the container
         httpGet HTTPGetAction | sends an HTTP request
         sleep SleepAction | only waits
         tcpSocket TCPSocketAction | opens a connection
        HTTPHeader
         name! string | the name
         value? string ="" | the value
        SleepAction
         seconds? int64 =0
        """
}
