internal import JSON

/// What a cluster contains before anybody has created anything.
enum BootstrapObjects {
    /// The objects in the order of their creation.
    static func all(_ configuration: Controllers.Configuration) -> [(ResourceID, JSONValue)] {
        ["default", "kube-system", "kube-public", "kube-node-lease"].map { (Builtin.namespaces, namespace($0)) }
            + BootstrapRoles.all
            + [(Builtin.services, service)]
            + (configuration.simulatesWorkloads ? Array(1...max(1, configuration.nodeCount)) : [])
            .map { (Builtin.nodes, NodeSimulation.node($0)) }
    }

    private static func namespace(_ name: String) -> JSONValue {
        var namespace: JSONValue = [
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)], "spec": [:],
        ]
        KindRules.namespaces.complete(&namespace, nil)
        return namespace
    }

    private static let labels: JSONValue = ["component": "apiserver", "provider": "kubernetes"]

    private static let service: JSONValue = [
        "apiVersion": "v1", "kind": "Service",
        "metadata": ["name": "kubernetes", "namespace": "default", "labels": labels],
        "spec": [
            "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "ports": [["name": "https", "port": 443, "protocol": "TCP", "targetPort": 443]],
            "sessionAffinity": "None", "type": "ClusterIP",
        ],
        "status": ["loadBalancer": [:]],
    ]

    /// Where the Service `kubernetes` leads to.
    static func endpoints(address: String, port: Int) -> [(ResourceID, JSONValue)] {
        let ports: JSONValue = [["name": "https", "port": .number(port), "protocol": "TCP"]]
        let endpoints: JSONValue = [
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": [
                "name": "kubernetes", "namespace": "default",
                "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
            ],
            "subsets": [["addresses": [["ip": .string(address)]], "ports": ports]],
        ]
        let slice: JSONValue = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": [
                "name": "kubernetes", "namespace": "default",
                "labels": ["kubernetes.io/service-name": "kubernetes"],
            ],
            "endpoints": [["addresses": [.string(address)], "conditions": ["ready": true]]], "ports": ports,
        ]
        return [(Builtin.endpoints, endpoints), (Builtin.endpointSlices, slice)]
    }
}
