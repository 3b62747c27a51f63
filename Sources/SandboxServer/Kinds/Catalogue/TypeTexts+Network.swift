extension TypeTexts {
    /// The smaller groups: networking, discovery, storage, scheduling, coordination, node, events.
    static let network = """
        # io.k8s.api.networking.v1
        IngressClass kind | names a controller for Ingresses
         metadata ObjectMeta ={}
         spec IngressClassSpec ={} | what is wanted
        Ingress kind | HTTP from outside to Services
         metadata ObjectMeta ={}
         spec IngressSpec ={} | what is wanted
         status IngressStatus ={} | what is observed
        NetworkPolicy kind | who may talk to which pods
         metadata ObjectMeta ={}
         spec NetworkPolicySpec ={} | what is wanted
        IngressClassSpec
         controller string
         parameters IngressClassParametersReference
        IngressSpec
         defaultBackend IngressBackend | where requests go that no rule fits
         ingressClassName string* | the IngressClass
         rules [IngressRule] atomic | the rules
         tls [IngressTLS] atomic | certificates by host
        IngressStatus
         loadBalancer IngressLoadBalancerStatus ={} | the state of the load balancer
        NetworkPolicySpec
         egress [NetworkPolicyEgressRule] atomic | what goes out
         ingress [NetworkPolicyIngressRule] atomic | the points of entry
         podSelector LabelSelector ={} | which pods
         policyTypes [string] atomic | Ingress, Egress or both
        IngressClassParametersReference
         apiGroup string*
         kind? string ="" | the kind
         name? string ="" | the name
         namespace string* | the namespace
         scope string* ="Cluster" | Namespaced or Cluster
        IngressBackend
         resource TypedLocalObjectReference | the resource
         service IngressServiceBackend
        IngressTLS
         hosts [string] atomic
         secretName string | the name of the Secret
        IngressRule
         host string | the host
         http HTTPIngressRuleValue
        IngressLoadBalancerStatus
         ingress [IngressLoadBalancerIngress] atomic | the points of entry
        NetworkPolicyIngressRule
         from [NetworkPolicyPeer] atomic | who may come in
         ports [NetworkPolicyPort] atomic | the ports
        NetworkPolicyEgressRule
         ports [NetworkPolicyPort] atomic | the ports
         to [NetworkPolicyPeer] atomic | where it may go
        IngressServiceBackend
         name? string ="" | the name
         port ServiceBackendPort ={} | the number or the name of the port
        HTTPIngressRuleValue
         paths? [HTTPIngressPath] null atomic | the paths of the host
        IngressLoadBalancerIngress
         hostname string | the host name
         ip string
         ports [IngressPortStatus] atomic | the ports
        NetworkPolicyPort
         endPort int32*
         port intOrString* | the number or the name of the port
         protocol string* ="TCP" | TCP, UDP or SCTP
        NetworkPolicyPeer
         ipBlock IPBlock | a range of addresses
         namespaceSelector LabelSelector | in which namespaces
         podSelector LabelSelector | which pods
        ServiceBackendPort atomic
         name string | the name
         number int32
        HTTPIngressPath
         backend? IngressBackend ={} | where requests go
         path string | the path
         pathType! string* | Exact, Prefix or ImplementationSpecific
        IngressPortStatus
         error string*
         port? int32 =0 | the number or the name of the port
         protocol? string ="" | TCP, UDP or SCTP
        IPBlock
         cidr? string ="" | as 10.0.0.0/8
         except [string] atomic | parts that are left out
        # io.k8s.api.storage.v1
        StorageClass kind | a kind of storage
         allowVolumeExpansion bool* | whether volumes may grow
         allowedTopologies [TopologySelectorTerm] atomic
         metadata ObjectMeta ={}
         mountOptions [string] atomic | options for the mount
         parameters {string}
         provisioner! string | who makes the volumes
         reclaimPolicy string* ="Delete" enum(Delete,Recycle,Retain) | what happens to released volumes
         volumeBindingMode string* ="Immediate" enum(Immediate,WaitForFirstConsumer) | whether claims wait for their first pod
        # io.k8s.api.scheduling.v1
        PriorityClass kind | a priority for pods
         description string | for people
         globalDefault bool | whether it holds for pods that name no class
         metadata ObjectMeta ={}
         preemptionPolicy string* ="PreemptLowerPriority" enum(Never,PreemptLowerPriority) | Never, or PreemptLowerPriority
         value int32 =0 | the higher, the more important
        # io.k8s.api.coordination.v1
        Lease kind | who is in charge, and until when
         metadata ObjectMeta ={}
         spec LeaseSpec ={} | what is wanted
        LeaseSpec
         acquireTime microTime* | when it was taken
         holderIdentity string* | who holds the lease
         leaseDurationSeconds int32* | how long it holds without renewal
         leaseTransitions int32* | how often the holder changed
         preferredHolder string*
         renewTime microTime* | when it was last renewed
         strategy string* | how it is done
        # io.k8s.api.node.v1
        RuntimeClass kind | a way to run containers
         handler! string | the name at the container runtime
         metadata ObjectMeta ={}
         overhead Overhead | what the pod itself costs beside its containers
         scheduling Scheduling
        Overhead
         podFixed {quantity}
        Scheduling
         nodeSelector {string} atomic | labels that the node has to have
         tolerations [Toleration] atomic | taints that are accepted
        # io.k8s.api.discovery.v1
        EndpointSlice kind | some of the endpoints of a Service
         addressType! string | IPv4, IPv6 or FQDN
         endpoints [Endpoint] null atomic | the endpoints
         metadata ObjectMeta ={}
         ports [EndpointPort] null atomic | the ports
        Endpoint | one endpoint
         addresses? [string] null set | the addresses
         conditions EndpointConditions ={} | the latest observations, one for each type
         deprecatedTopology {string}
         hints EndpointHints | for whom it is best
         hostname string* | the host name
         nodeName string* | the node
         targetRef ObjectReference | the object behind the address
         zone string* | the zone
        EndpointPort atomic
         appProtocol string* | the protocol above, as http
         name string* ="" | the name
         port int32* | the number or the name of the port
         protocol string* ="TCP" | TCP, UDP or SCTP
        EndpointConditions
         ready bool* | whether it is ready
         serving bool* | whether it answers, even while it ends
         terminating bool* | whether it is being deleted
        EndpointHints
         forNodes [ForNode] atomic
         forZones [ForZone] atomic
        ForZone
         name? string ="" | the name
        ForNode
         name? string ="" | the name
        # io.k8s.api.events.v1
        Event kind | something that happened
         action string | what was done
         deprecatedCount int32
         deprecatedFirstTimestamp time null
         deprecatedLastTimestamp time null
         deprecatedSource EventSource ={}
         eventTime? microTime null | when it happened
         metadata ObjectMeta ={}
         note string | a sentence for people
         reason string | one word for programs
         regarding ObjectReference ={} | what the event is about
         related ObjectReference | a second object
         reportingController string | who reports
         reportingInstance string | which instance reports
         series EventSeries | repetitions of the same event
         type string | Normal or Warning
        EventSeries
         count? int32 =0 | how often it was seen
         lastObservedTime? microTime null
        """
}
