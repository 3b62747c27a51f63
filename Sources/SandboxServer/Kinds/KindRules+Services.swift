internal import JSON

extension KindRules {
    /// Services: addresses, ports and what belongs to each type.
    static let services: KindRules = {
        var rules = KindRules()
        rules.setDefaults = { service in
            var spec = service["spec"] ?? [:]
            setDefaults(&spec)
            service["spec"] = spec
        }
        rules.complete = { service, old in completeService(&service, old) }
        rules.validate = { service, old in
            Violations.collect { found in
                validatePorts(of: service, &found)
                validateAddresses(of: service, old, &found)
            }
        }
        return rules
    }()

    private static func setDefaults(_ spec: inout JSONValue) {
        func set(_ name: String, _ value: JSONValue) {
            if spec[name] == nil { spec[name] = value }
        }
        set("type", "ClusterIP")
        set("sessionAffinity", "None")
        let type = spec["type"]?.stringValue
        if type != "ExternalName" { set("internalTrafficPolicy", "Cluster") }
        if type == "NodePort" || type == "LoadBalancer" { set("externalTrafficPolicy", "Cluster") }
        if type == "LoadBalancer" { set("allocateLoadBalancerNodePorts", true) }
        guard var ports = spec["ports"]?.arrayValue else { return }
        for index in ports.indices {
            if ports[index]["protocol"] == nil { ports[index]["protocol"] = "TCP" }
            if ports[index]["targetPort"] == nil { ports[index]["targetPort"] = ports[index]["port"] }
        }
        spec["ports"] = .array(ports)
    }

    private static func completeService(_ service: inout JSONValue, _ old: JSONValue?) {
        var spec = service["spec"] ?? [:]
        let type = spec["type"]?.stringValue ?? "ClusterIP"
        if type == "ExternalName" {
            for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] { spec[name] = nil }
        } else {
            completeAddresses(&spec, old?["spec"], seed: "\(service.objectName.namespace)/\(service.objectName.name)")
        }
        completePorts(&spec, old?["spec"], seed: service.uid)
        service["spec"] = spec
        if service["status"]?["loadBalancer"] == nil { service.set([:], at: ["status", "loadBalancer"]) }
    }

    private static func completeAddresses(_ spec: inout JSONValue, _ old: JSONValue?, seed: String) {
        if (spec["clusterIP"]?.stringValue ?? "").isEmpty {
            // An update without the address keeps it.
            let kept = old?["clusterIP"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
            spec["clusterIP"] = .string(kept ?? clusterAddress(seed))
        }
        if spec["clusterIPs"] == nil { spec["clusterIPs"] = [spec["clusterIP"] ?? ""] }
        if spec["ipFamilies"] == nil { spec["ipFamilies"] = ["IPv4"] }
        if spec["ipFamilyPolicy"] == nil { spec["ipFamilyPolicy"] = "SingleStack" }
    }

    private static func completePorts(_ spec: inout JSONValue, _ old: JSONValue?, seed: String) {
        guard let ports = spec["ports"]?.arrayValue else { return }
        let type = spec["type"]?.stringValue
        let needsNodePorts = type == "NodePort" || type == "LoadBalancer"
        let oldPorts = old?["ports"]?.arrayValue ?? []
        spec["ports"] = .array(
            ports.map { port in
                var port = port
                let before = oldPorts.first { $0["port"] == port["port"] && $0["protocol"] == port["protocol"] }
                if needsNodePorts, (port["nodePort"]?.intValue ?? 0) == 0 {
                    let number = 30_000 + Int(spread(seed + (port["port"]?.text ?? "")) % 2768)
                    port["nodePort"] = before?["nodePort"] ?? .number(number)
                }
                return port
            }
        )
    }

    /// An address of 10.96.0.0/12 that follows from the name: no state has to be kept, and two Services hardly ever
    /// share one.
    private static func clusterAddress(_ seed: String) -> String {
        let number = spread(seed) % 0xF_0000 + 0x100
        return "10.\(96 + number >> 16).\(number >> 8 & 0xFF).\(max(1, number & 0xFF))"
    }

    private static func spread(_ text: String) -> UInt32 {
        text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    private static func validatePorts(of service: JSONValue, _ found: inout Violations) {
        let spec = service["spec"]
        let type = spec?["type"]?.stringValue ?? "ClusterIP"
        let ports = spec?["ports"]?.arrayValue ?? []
        if ports.isEmpty, type != "ExternalName", spec?["clusterIP"]?.stringValue != "None" {
            found.add(.required("spec.ports"))
        }
        var names: Set<String> = []
        var numbers: Set<JSONValue> = []
        for (index, port) in ports.enumerated() {
            let path = "spec.ports[\(index)]"
            let name = port["name"]?.stringValue ?? ""
            if name.isEmpty {
                if ports.count > 1 { found.add(.required("\(path).name")) }
            } else {
                found.label(port["name"], "\(path).name")
                if !names.insert(name).inserted { found.add(.duplicate("\(path).name", .string(name))) }
            }
            if port["port"] == nil { found.add(.invalid("\(path).port", 0, "must be between 1 and 65535, inclusive")) }
            found.port(port["port"], "\(path).port")
            if port["targetPort"]?.stringValue == nil { found.port(port["targetPort"], "\(path).targetPort") }
            let key: JSONValue = ["port": port["port"] ?? .null, "protocol": port["protocol"] ?? .null]
            if !numbers.insert(key).inserted { found.add(.duplicate(path, key)) }
            if type == "ClusterIP", let nodePort = port["nodePort"], nodePort.intValue != 0 {
                found.add(.forbidden("\(path).nodePort", "may not be used when `type` is 'ClusterIP'"))
            }
            if let number = port["nodePort"]?.intValue, number != 0, !(30_000...32_767).contains(number) {
                let text = "provided port is not in the valid range. The range of valid ports is 30000-32767"
                found.add(.invalid("\(path).nodePort", .number(number), text))
            }
        }
    }

    private static func validateAddresses(of service: JSONValue, _ old: JSONValue?, _ found: inout Violations) {
        let spec = service["spec"]
        if spec?["type"]?.stringValue == "ExternalName" { found.present(spec, "spec", "externalName") }
        let address = spec?["clusterIP"]?.stringValue ?? ""
        let before = old?["spec"]?["clusterIP"]?.stringValue ?? ""
        if !address.isEmpty, address != "None", !isAddress(address) {
            let text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            found.add(.invalid("spec.clusterIPs[0]", .string(address), text))
        }
        guard !before.isEmpty, address != before, spec?["type"]?.stringValue != "ExternalName" else { return }
        found.add(.invalid("spec.clusterIPs[0]", .array([.string(address)]), "may not change once set"))
    }

    private static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.contains(":") || parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
