extension TypeTexts {
    /// The kinds of the core group but for pods and volumes.
    static let core = """
        # io.k8s.api.core.v1
        ConfigMap kind | settings for pods
         binaryData {bytes} | content that is no text, by key
         data {string} | the content by key
         immutable bool* | whether the data can no longer be changed
         metadata ObjectMeta ={}
        Endpoints kind | the addresses of a Service
         metadata ObjectMeta ={}
         subsets [EndpointSubset] atomic | groups of addresses with the same ports
        Event kind | something that happened
         action string | what was done
         count int32 | how often it was seen
         eventTime microTime null | when it happened
         firstTimestamp time null | when it was first seen
         involvedObject? ObjectReference ={} | what the event is about
         lastTimestamp time null | when it was last seen
         message string | a sentence for people
         metadata? ObjectMeta ={}
         reason string | one word for programs
         related ObjectReference | a second object
         reportingComponent string ="" | who reports
         reportingInstance string ="" | which instance reports
         series EventSeries | repetitions of the same event
         source EventSource ={} | who reports
         type string | Normal or Warning
        LimitRange kind | bounds and defaults for pods of a namespace
         metadata ObjectMeta ={}
         spec LimitRangeSpec ={} | what is wanted
        Namespace kind | a space for names
         metadata ObjectMeta ={}
         spec NamespaceSpec ={} | what is wanted
         status NamespaceStatus ={} | what is observed
        Node kind | a machine that runs pods
         metadata ObjectMeta ={}
         spec NodeSpec ={} | what is wanted
         status NodeStatus ={} | what is observed
        PodTemplate kind | a template for pods
         metadata ObjectMeta ={}
         template PodTemplateSpec ={} | the pods that are made
        ReplicationController kind | the predecessor of ReplicaSet
         metadata ObjectMeta ={}
         spec ReplicationControllerSpec ={} | what is wanted
         status ReplicationControllerStatus ={} | what is observed
        ResourceQuota kind | limits for a whole namespace
         metadata ObjectMeta ={}
         spec ResourceQuotaSpec ={} | what is wanted
         status ResourceQuotaStatus ={} | what is observed
        Secret kind | settings that are to be kept secret
         data {bytes} | the content by key, in base64
         immutable bool* | whether the data can no longer be changed
         metadata ObjectMeta ={}
         stringData {string} | content to be encoded into data; only written
         type string ="Opaque" | what the data is for, as kubernetes.io/tls
        ServiceAccount kind | an identity for pods
         automountServiceAccountToken bool* | whether pods get a token mounted
         imagePullSecrets [LocalObjectReference] atomic | Secrets with the credentials for images
         metadata ObjectMeta ={}
         secrets [ObjectReference] map(name) merge(name) | Secrets that pods of the account may use
        Service kind | one name and address for a set of pods
         metadata ObjectMeta ={}
         spec ServiceSpec ={} | what is wanted
         status ServiceStatus ={} | what is observed
        Binding kind | places a pod on a node
         metadata ObjectMeta ={}
         target? ObjectReference ={}
        EndpointSubset | addresses with the same ports
         addresses [EndpointAddress] atomic | the addresses
         notReadyAddresses [EndpointAddress] atomic | addresses that are not ready
         ports [EndpointPort] atomic | the ports
        ObjectReference atomic | names an object
         apiVersion string | group and version
         fieldPath string | the path of the field
         kind string | the kind
         name string | the name
         namespace string | the namespace
         resourceVersion string | the version of the object
         uid string | the unique id
        EventSource
         component string
         host string | the host
        EventSeries
         count int32 | how often it was seen
         lastObservedTime microTime null
        LimitRangeSpec
         limits? [LimitRangeItem] null atomic | the most that may be used
        NamespaceSpec
         finalizers [string] atomic | who has to act before it may go
        NamespaceStatus
         conditions [NamespaceCondition] map(type) merge(type) | the latest observations, one for each type
         phase string ="Active" | a summary of the state in one word
        NodeSpec
         configSource NodeConfigSource
         externalID string
         podCIDR string | the address range for pods
         podCIDRs [string] set merge | the address ranges for pods
         providerID string | the name at the cloud provider
         taints [Taint] atomic | keep pods away that do not tolerate them
         unschedulable bool | new pods are not placed here
        NodeStatus
         addresses [NodeAddress] map(type) merge(type) | the addresses
         allocatable {quantity} | what pods can use
         capacity {quantity} | the whole amount
         conditions [NodeCondition] map(type) merge(type) | the latest observations, one for each type
         config NodeConfigStatus
         daemonEndpoints NodeDaemonEndpoints ={} | where the kubelet listens
         declaredFeatures [string] atomic
         features NodeFeatures
         images [ContainerImage] atomic | images that are on the node
         nodeInfo NodeSystemInfo ={} | versions and identity of the node
         phase string | a summary of the state in one word
         runtimeHandlers [NodeRuntimeHandler] atomic
         volumesAttached [AttachedVolume] atomic | volumes that are attached
         volumesInUse [string] atomic | volumes that must not be detached
        ReplicationControllerSpec
         minReadySeconds int32 =0 | how long a new pod has to be ready to count as available
         replicas int32* =1 | the number of pods
         selector {string} atomic | which objects belong to it
         template PodTemplateSpec | the pods that are made
        ReplicationControllerStatus
         availableReplicas int32 | pods that are ready for minReadySeconds
         conditions [ReplicationControllerCondition] map(type) merge(type) | the latest observations, one for each type
         fullyLabeledReplicas int32 | pods with all labels of the template
         observedGeneration int64 | the generation that was seen when this was written
         readyReplicas int32 | pods that are ready
         replicas? int32 =0 | the number of pods
        ResourceQuotaSpec
         hard {quantity} | the limit for each resource
         scopeSelector ScopeSelector
         scopes [string] atomic | which objects count
        ResourceQuotaStatus
         hard {quantity} | the limit for each resource
         used {quantity} | the use of each resource
        LocalObjectReference atomic
         name string ="" | the name
        ServiceSpec
         allocateLoadBalancerNodePorts bool* | whether a load balancer needs node ports
         clusterIP string | the virtual address; None for a headless service
         clusterIPs [string] atomic | the virtual addresses, one for each family
         externalIPs [string] atomic | more addresses that lead to it
         externalName string | the DNS name that an ExternalName service stands for
         externalTrafficPolicy string enum(Cluster,Local) | Cluster, or Local to keep the client's address
         healthCheckNodePort int32 | where load balancers check the node
         internalTrafficPolicy string* enum(Cluster,Local) | Cluster, or Local for pods of the same node
         ipFamilies [string] atomic | IPv4, IPv6 or both
         ipFamilyPolicy string* enum(PreferDualStack,RequireDualStack,SingleStack) | whether one family or two
         loadBalancerClass string* | which load balancer is meant
         loadBalancerIP string | the address that is wanted
         loadBalancerSourceRanges [string] atomic | who may use the load balancer
         ports [ServicePort] map(port,protocol) merge(port) | the ports
         publishNotReadyAddresses bool | list pods that are not ready, too
         selector {string} atomic | which objects belong to it
         sessionAffinity string ="None" enum(ClientIP,None) | ClientIP, or None
         sessionAffinityConfig SessionAffinityConfig | how long a client stays with a pod
         trafficDistribution string* | a preference for near endpoints
         type string ="ClusterIP" enum(ClusterIP,ExternalName,LoadBalancer,NodePort) | ClusterIP, NodePort, LoadBalancer or ExternalName
        ServiceStatus
         conditions [Condition] map(type) merge(type) | the latest observations, one for each type
         loadBalancer LoadBalancerStatus ={} | the state of the load balancer
        EndpointAddress atomic | one address
         hostname string | the host name
         ip? string =""
         nodeName string* | the node
         targetRef ObjectReference | the object behind the address
        EndpointPort atomic
         appProtocol string* | the protocol above, as http
         name string | the name
         port? int32 =0 | the number or the name of the port
         protocol string ="TCP" | TCP, UDP or SCTP
        LimitRangeItem | bounds for one type of object
         default {quantity}
         defaultRequest {quantity}
         max {quantity}
         maxLimitRequestRatio {quantity}
         min {quantity}
         type? string =""
        NamespaceCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        Taint | keeps pods away
         effect? string ="" enum(NoExecute,NoSchedule,PreferNoSchedule) | NoSchedule, PreferNoSchedule or NoExecute
         key? string ="" | the key
         timeAdded time*
         value string | the value
        NodeConfigSource
         configMap ConfigMapNodeConfigSource | a ConfigMap as files
        NodeCondition
         lastHeartbeatTime time null | when it was last confirmed
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        NodeAddress
         address? string =""
         type? string =""
        NodeDaemonEndpoints
         kubeletEndpoint DaemonEndpoint ={}
        NodeSystemInfo
         architecture? string =""
         bootID? string =""
         containerRuntimeVersion? string =""
         kernelVersion? string =""
         kubeProxyVersion? string =""
         kubeletVersion? string =""
         machineID? string =""
         operatingSystem? string =""
         osImage? string =""
         swap NodeSwapStatus
         systemUUID? string =""
        ContainerImage
         names [string] null atomic | the names of the resource
         sizeBytes int64
        AttachedVolume
         devicePath? string ="" | the path of the device
         name? string ="" | the name
        NodeConfigStatus
         active NodeConfigSource | what is running now
         assigned NodeConfigSource
         error string
         lastKnownGood NodeConfigSource
        NodeRuntimeHandler
         features NodeRuntimeHandlerFeatures
         name string ="" | the name
        NodeFeatures
         supplementalGroupsPolicy bool* | Merge, or Strict
        ReplicationControllerCondition
         lastTransitionTime time null | when the status last changed
         message string | a sentence for people
         reason string | one word for programs
         status? string ="" | what is observed
         type? string =""
        ScopeSelector atomic
         matchExpressions [ScopedResourceSelectorRequirement] atomic | conditions that all have to hold
        ServicePort | a port of a service
         appProtocol string* | the protocol above, as http
         name string | the name
         nodePort int32 | the port on every node
         port? int32 =0 | the number or the name of the port
         protocol string ="TCP" enum(SCTP,TCP,UDP) | TCP, UDP or SCTP
         targetPort intOrString | the port of the pods
        SessionAffinityConfig
         clientIP ClientIPConfig
        LoadBalancerStatus
         ingress [LoadBalancerIngress] atomic | the points of entry
        ConfigMapNodeConfigSource
         kubeletConfigKey? string =""
         name? string ="" | the name
         namespace? string ="" | the namespace
         resourceVersion string | the version of the object
         uid string | the unique id
        DaemonEndpoint
         Port? int32 =0
        NodeSwapStatus
         capacity int64* | the whole amount
        NodeRuntimeHandlerFeatures
         recursiveReadOnlyMounts bool*
         userNamespaces bool*
        ScopedResourceSelectorRequirement
         operator? string ="" enum(DoesNotExist,Exists,In,NotIn) | how key and values are compared
         scopeName? string ="" enum(BestEffort,CrossNamespacePodAffinity,NotBestEffort,NotTerminating,PriorityClass,Terminating,VolumeAttributesClass)
         values [string] atomic | what the key is compared with
        ClientIPConfig
         timeoutSeconds int32* =10800 | how long to wait
        LoadBalancerIngress
         hostname string | the host name
         ip string
         ipMode string*
         ports [PortStatus] atomic | the ports
        PortStatus
         error string*
         port? int32 =0 | the number or the name of the port
         protocol? string ="" | TCP, UDP or SCTP
        """
}
