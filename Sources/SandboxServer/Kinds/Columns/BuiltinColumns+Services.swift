internal import FoundationEssentials
internal import JSON

extension BuiltinColumns {
    static let service: [Column] = [
        name,
        text("Type", "how the service is reached") { $0.text("spec", "type") },
        text("Cluster-IP", "the address inside the cluster") { service in
            let first = service.list("spec", "clusterIPs").first?.stringValue ?? ""
            return first.isEmpty ? "<none>" : first
        },
        text("External-IP", "the address outside the cluster") { externalAddress($0) },
        text("Port(s)", "the ports, with those of the nodes") { service in
            let ports = service.list("spec", "ports").map { port in
                let node = port["nodePort"]?.intValue ?? 0
                let number = "\(port["port"]?.intValue ?? 0)" + (node > 0 ? ":\(node)" : "")
                return "\(number)/\(port["protocol"]?.stringValue ?? "")"
            }
            return ports.isEmpty ? "<none>" : ports.joined(separator: ",")
        },
        age,
        text("Selector", "the pods of the service", wide: true) {
            CellSource.labels($0.object.value(at: ["spec", "selector"]))
        },
    ]

    static let endpoints: [Column] = [
        name,
        text("Endpoints", "addresses and ports that are ready") { endpoints in
            guard !endpoints.list("subsets").isEmpty else { return "<none>" }
            return CellSource.joined(endpoints.list("subsets").flatMap { addresses($0) }, atMost: 3, none: "")
        },
        age,
    ]

    static let endpointSlice: [Column] = [
        name,
        text("AddressType", "IPv4, IPv6 or FQDN") { $0.text("addressType") },
        text("Ports", "the ports of the endpoints") { slice in
            let ports = slice.list("ports").map { port in
                port["port"]?.intValue.map { "\($0)" } ?? port["name"]?.stringValue ?? "*"
            }
            return CellSource.joined(ports, atMost: 3, none: "<unset>")
        },
        text("Endpoints", "the addresses of the endpoints") { slice in
            let endpoints = slice.list("endpoints").flatMap { $0["addresses"]?.arrayValue ?? [] }
            return CellSource.joined(endpoints.compactMap(\.stringValue), atMost: 3, none: "<unset>")
        },
        age,
    ]

    static let ingress: [Column] = [
        name,
        text("Class", "the IngressClass") { $0.text("spec", "ingressClassName", or: "<none>") },
        text("Hosts", "the hosts of the rules") { ingress in
            let hosts = ingress.list("spec", "rules").compactMap { $0["host"]?.stringValue }.filter { !$0.isEmpty }
            return CellSource.joined(hosts, atMost: 3, none: "*")
        },
        text("Address", "where the ingress is reached") { loadBalancerAddresses($0) },
        text("Ports", "80, and 443 with certificates") { $0.list("spec", "tls").isEmpty ? "80" : "80, 443" },
        age,
    ]

    static let ingressClass: [Column] = [
        name,
        text("Controller", "who serves the class") { $0.text("spec", "controller") },
        text("Parameters", "the object with more settings") { source in
            guard let parameters = source.object.value(at: ["spec", "parameters"]) else { return "<none>" }
            let group = parameters["apiGroup"]?.stringValue.map { ".\($0)" } ?? ""
            return "\(parameters["kind"]?.stringValue ?? "")\(group)/\(parameters["name"]?.stringValue ?? "")"
        },
        age,
    ]

    static let networkPolicy: [Column] = [
        name,
        text("Pod-Selector", "the pods that the policy is about") { policy in
            let text = CellSource.selector(policy.object.value(at: ["spec", "podSelector"]))
            return text.isEmpty ? "<none>" : text
        },
        age,
    ]

    private static func addresses(_ subset: JSONValue) -> [String] {
        (subset["ports"]?.arrayValue ?? []).flatMap { port in
            (subset["addresses"]?.arrayValue ?? []).map { address in
                let host = address["ip"]?.stringValue ?? ""
                return "\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port["port"]?.intValue ?? 0)"
            }
        }
    }

    private static func externalAddress(_ service: CellSource) -> String {
        let given = service.list("spec", "externalIPs").compactMap(\.stringValue)
        switch service.text("spec", "type") {
        case "ClusterIP", "NodePort": return given.isEmpty ? "<none>" : given.joined(separator: ",")
        case "ExternalName": return service.text("spec", "externalName")
        case "LoadBalancer":
            let found = loadBalancerAddresses(service)
            let all = (found.isEmpty ? [] : [found]) + given
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        default: return "<unknown>"
        }
    }

    private static func loadBalancerAddresses(_ source: CellSource) -> String {
        let addresses = source.list("status", "loadBalancer", "ingress").compactMap { ingress -> String? in
            let address = ingress["ip"]?.stringValue ?? ""
            return address.isEmpty ? ingress["hostname"]?.stringValue : address
        }
        return Set(addresses).filter { !$0.isEmpty }.sorted().joined(separator: ",")
    }
}
