extension TypeTexts {
    /// What pods are made of: selectors, rights, states.
    static let podParts = """
        # io.k8s.api.core.v1
        PodStatus | what is known about a pod
         allocatedResources {quantity} | what was set aside
         conditions [PodCondition] map(type) merge(type) | the latest observations, one for each type
         containerStatuses [ContainerStatus] atomic | the states of the containers
         ephemeralContainerStatuses [ContainerStatus] atomic | the states of the debugging containers
         extendedResourceClaimStatus PodExtendedResourceClaimStatus
         hostIP string | the address of the node
         hostIPs [HostIP] atomic merge(ip) | the addresses of the node
         initContainerStatuses [ContainerStatus] atomic | the states of the init containers
         message string | a sentence for people
         nodeAllocatableResourceClaimStatuses [NodeAllocatableResourceClaimStatus] atomic
         nominatedNodeName string | the node where others make room for this pod
         observedGeneration int64 | the generation that was seen when this was written
         phase string | a summary of the state in one word
         podIP string | the address of the pod
         podIPs [PodIP] map(ip) merge(ip) | the addresses of the pod, at most one for each family
         qosClass string | Guaranteed, Burstable or BestEffort
         reason string | one word for programs
         resize string | the state of a change of resources
         resourceClaimStatuses [PodResourceClaimStatus] map(name) merge(name) retainKeys
         resources ResourceRequirements | what is requested and what is the limit
         startTime time* | when it was started
        PodSecurityContext | rights of all containers
         appArmorProfile AppArmorProfile | the AppArmor profile
         fsGroup int64* | the group that owns volumes
         fsGroupChangePolicy string* enum(Always,OnRootMismatch) | when the owner of volumes is changed
         runAsGroup int64* | the group id
         runAsNonRoot bool* | refuse to run as root
         runAsUser int64* | the user id
         seLinuxChangePolicy string* | how volumes are labelled
         seLinuxOptions SELinuxOptions | the SELinux labels
         seccompProfile SeccompProfile | the filter of system calls
         supplementalGroups [int64] atomic | more groups of the processes
         supplementalGroupsPolicy string* enum(Merge,Strict) | Merge, or Strict
         sysctls [Sysctl] atomic | kernel settings of the pod
         windowsOptions WindowsSecurityContextOptions | settings for Windows
        Affinity | rules for the choice of the node
         nodeAffinity NodeAffinity | rules about the labels of nodes
         podAffinity PodAffinity | near which pods
         podAntiAffinity PodAntiAffinity | away from which pods
        Toleration | a taint that is accepted
         effect string enum(NoExecute,NoSchedule,PreferNoSchedule) | NoSchedule, PreferNoSchedule or NoExecute
         key string | the key
         operator string enum(Equal,Exists,Gt,Lt) | how key and values are compared
         tolerationSeconds int64* | how long a NoExecute taint is tolerated
         value string | the value
        TopologySpreadConstraint | how pods spread
         labelSelector LabelSelector | which pods are meant
         matchLabelKeys [string] atomic | keys whose values are taken from the pod itself
         maxSkew? int32 =0 | how uneven the spread may be
         minDomains int32* | how many places are needed at least
         nodeAffinityPolicy string* enum(Honor,Ignore)
         nodeTaintsPolicy string* enum(Honor,Ignore)
         topologyKey! string | the node label that says what is one place
         whenUnsatisfiable? string ="" enum(DoNotSchedule,ScheduleAnyway) | DoNotSchedule, or ScheduleAnyway
        PodCondition
         lastProbeTime time null | when it was last checked
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         observedGeneration int64 | the generation that was seen when this was written
         reason string | one word for programs
         status? string ="" | True, False or Unknown
         type? string =""
        HostIP
         ip? string =""
        PodIP
         ip? string =""
        ContainerStatus | the state of a container
         allocatedResources {quantity} | what was set aside
         allocatedResourcesStatus [ResourceStatus] map(name) merge(name)
         containerID string | the id at the runtime
         image? string ="" | the image to run
         imageID? string ="" | the digest of the image
         lastState ContainerState ={} | how it ended the last time
         name? string ="" | the name
         ready? bool =false | whether it is ready
         resources ResourceRequirements | what is requested and what is the limit
         restartCount? int32 =0 | how often the container was restarted
         started bool* | whether it has started up
         state ContainerState ={} | what it is doing now
         stopSignal string* | the signal that stops the container
         user ContainerUser | the user
         volumeMounts [VolumeMountStatus] map(mountPath) merge(mountPath) | where volumes appear in the container
        PodResourceClaimStatus
         name? string ="" | the name
         resourceClaimName string*
        PodExtendedResourceClaimStatus
         requestMappings? [ContainerExtendedResourceRequest] null atomic
         resourceClaimName? string =""
        NodeAllocatableResourceClaimStatus
         containers [string] set | the containers
         resourceClaimName? string =""
         resources? {quantity} null | what is requested and what is the limit
        NodeSelector atomic
         nodeSelectorTerms? [NodeSelectorTerm] null atomic
        SecurityContext | rights of a container
         allowPrivilegeEscalation bool* | whether processes may gain rights
         appArmorProfile AppArmorProfile | the AppArmor profile
         capabilities Capabilities | rights that are added or dropped
         privileged bool* | all rights of the host
         procMount string* enum(Default,Unmasked) | how /proc is mounted
         readOnlyRootFilesystem bool* | the container cannot write its own files
         runAsGroup int64* | the group id
         runAsNonRoot bool* | refuse to run as root
         runAsUser int64* | the user id
         seLinuxOptions SELinuxOptions | the SELinux labels
         seccompProfile SeccompProfile | the filter of system calls
         windowsOptions WindowsSecurityContextOptions | settings for Windows
        SELinuxOptions
         level string
         role string
         type string
         user string | the user
        WindowsSecurityContextOptions
         gmsaCredentialSpec string*
         gmsaCredentialSpecName string*
         hostProcess bool*
         runAsUserName string*
        Sysctl
         name? string ="" | the name
         value? string ="" | the value
        SeccompProfile
         localhostProfile string* | the profile on the node
         type? string ="" enum(Localhost,RuntimeDefault,Unconfined)
        AppArmorProfile
         localhostProfile string* | the profile on the node
         type? string ="" enum(Localhost,RuntimeDefault,Unconfined)
        NodeAffinity
         preferredDuringSchedulingIgnoredDuringExecution [PreferredSchedulingTerm] atomic | better if it holds, by weight
         requiredDuringSchedulingIgnoredDuringExecution NodeSelector | has to hold when the pod is placed
        PodAffinity
         preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm] atomic | better if it holds, by weight
         requiredDuringSchedulingIgnoredDuringExecution [PodAffinityTerm] atomic | has to hold when the pod is placed
        PodAntiAffinity
         preferredDuringSchedulingIgnoredDuringExecution [WeightedPodAffinityTerm] atomic | better if it holds, by weight
         requiredDuringSchedulingIgnoredDuringExecution [PodAffinityTerm] atomic | has to hold when the pod is placed
        ContainerState | waiting, running or terminated
         running ContainerStateRunning | running
         terminated ContainerStateTerminated | ended
         waiting ContainerStateWaiting | not running yet
        VolumeMountStatus
         mountPath? string ="" | where it is mounted
         name? string ="" | the name
         readOnly bool | mount without writing
         recursiveReadOnly string* | whether mounts below are read-only, too
         volumeStatus VolumeStatus
        ContainerUser
         linux LinuxContainerUser
        ResourceStatus
         name? string ="" | the name
         resources [ResourceHealth] map(resourceID) | what is requested and what is the limit
        ContainerExtendedResourceRequest
         containerName? string =""
         requestName? string =""
         resourceName? string =""
        NodeSelectorTerm atomic | conditions on a node
         matchExpressions [NodeSelectorRequirement] atomic | conditions that all have to hold
         matchFields [NodeSelectorRequirement] atomic | conditions on fields that all have to hold
        ConfigMapEnvSource
         name string ="" | the name
         optional bool* | whether it may be missing
        SecretEnvSource
         name string ="" | the name
         optional bool* | whether it may be missing
        EnvVarSource | where a value comes from
         configMapKeyRef ConfigMapKeySelector | a key of a ConfigMap
         fieldRef ObjectFieldSelector | a field of the pod
         fileKeyRef FileKeySelector
         resourceFieldRef ResourceFieldSelector | a request or limit of a container
         secretKeyRef SecretKeySelector | a key of a Secret
        Capabilities
         add [string] atomic
         drop [string] atomic
        PreferredSchedulingTerm
         preference? NodeSelectorTerm ={}
         weight? int32 =0 | 1 to 100
        PodAffinityTerm
         labelSelector LabelSelector | which pods are meant
         matchLabelKeys [string] atomic | keys whose values are taken from the pod itself
         mismatchLabelKeys [string] atomic | keys whose values have to differ from the pod's
         namespaceSelector LabelSelector | in which namespaces
         namespaces [string] atomic
         topologyKey! string | the node label that says what is one place
        WeightedPodAffinityTerm
         podAffinityTerm? PodAffinityTerm ={}
         weight? int32 =0 | 1 to 100
        ContainerStateWaiting
         message string | a sentence for people
         reason string | one word for programs
        ContainerStateRunning
         startedAt time null | when it was started
        ContainerStateTerminated
         containerID string | the id at the runtime
         exitCode? int32 =0 | the exit status
         finishedAt time null | when it ended
         message string | a sentence for people
         reason string | one word for programs
         signal int32 | the signal that ended it
         startedAt time null | when it was started
        VolumeStatus
         image ImageVolumeStatus | the image to run
        LinuxContainerUser
         gid? int64 =0
         supplementalGroups [int64] atomic | more groups of the processes
         uid? int64 =0 | the unique id
        ResourceHealth
         health string
         message string* | a sentence for people
         resourceID? string =""
        NodeSelectorRequirement | one condition on a node
         key! string | the key
         operator? string ="" enum(DoesNotExist,Exists,Gt,In,Lt,NotIn) | how key and values are compared
         values [string] atomic | what the key is compared with
        ObjectFieldSelector atomic
         apiVersion string ="v1" | group and version
         fieldPath! string | the path of the field
        ResourceFieldSelector atomic
         containerName string
         divisor quantity ="0" | the unit of the number
         resource! string | the resource
        ConfigMapKeySelector atomic
         key! string | the key
         name string ="" | the name
         optional bool* | whether it may be missing
        SecretKeySelector atomic
         key! string | the key
         name string ="" | the name
         optional bool* | whether it may be missing
        FileKeySelector atomic
         key? string ="" | the key
         optional bool* =false | whether it may be missing
         path? string ="" | the path
         volumeName? string ="" | the name of the volume
        ImageVolumeStatus
         imageRef? string
        """
}
