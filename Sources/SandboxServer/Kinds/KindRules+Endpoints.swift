internal import JSON

extension KindRules {
    /// Endpoints: addresses that somebody outside of a node can reach, and ports.
    static let endpoints = checked { endpoints, _, found in
        for (index, subset) in (endpoints["subsets"]?.arrayValue ?? []).enumerated() {
            checkSubset(subset, "subsets[\(index)]", &found)
        }
    }

    private static func checkSubset(_ subset: JSONValue, _ path: String, _ found: inout Violations) {
        let lists = ["addresses", "notReadyAddresses"].map { ($0, subset[$0]?.arrayValue ?? []) }
        if lists.allSatisfy(\.1.isEmpty) {
            found.add(.required(path, "must specify `addresses` or `notReadyAddresses`"))
        }
        for (name, addresses) in lists {
            for (index, address) in addresses.enumerated() {
                checkAddress(address, "\(path).\(name)[\(index)]", &found)
            }
        }
        let ports = subset["ports"]?.arrayValue ?? []
        for (index, port) in ports.enumerated() {
            let place = "\(path).ports[\(index)]"
            if ports.count > 1 { found.present(port, place, "name") }
            found.label(port["name"], "\(place).name")
            found.port(port["port"], "\(place).port")
            guard let named = port["protocol"], !["TCP", "UDP", "SCTP"].contains(named.stringValue) else { continue }
            found.add(.notSupported("\(place).protocol", named, ["SCTP", "TCP", "UDP"]))
        }
    }

    private static func checkAddress(_ address: JSONValue, _ path: String, _ found: inout Violations) {
        found.label(address["hostname"], "\(path).hostname")
        let ip = address["ip"]?.stringValue ?? ""
        guard IPAddress.isAddress(ip) else {
            // Two rules of the server find the same.
            for example in [", (e.g. 10.9.8.7 or 2001:db8::ffff)", ""] {
                found.add(.invalid("\(path).ip", .string(ip), "must be a valid IP address\(example)"))
            }
            return
        }
        guard let why = IPAddress.specialMeaning(of: ip) else { return }
        found.add(.invalid("\(path).ip", .string(ip), why))
    }
}

extension IPAddress {
    /// Why an address does not lead to anybody from elsewhere; nil for ordinary ones.
    fileprivate static func specialMeaning(of address: String) -> String? {
        let unspecified = "may not be unspecified (\(address))"
        let loopback = "may not be in the loopback range (127.0.0.0/8, ::1/128)"
        let linkLocal = "may not be in the link-local range (169.254.0.0/16, fe80::/10)"
        let multicast = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"
        guard address.contains(":") else {
            let octets = address.split(separator: ".").compactMap { Int($0) }
            if octets.allSatisfy({ $0 == 0 }) { return unspecified }
            if octets.first == 127 { return loopback }
            if octets.starts(with: [169, 254]) { return linkLocal }
            return octets.starts(with: [224, 0, 0]) ? multicast : nil
        }
        let first = UInt16(address.prefix { $0 != ":" }, radix: 16) ?? 0
        if first & 0xffc0 == 0xfe80 { return linkLocal }
        if first & 0xff0f == 0xff02 { return multicast }
        switch address.drop(while: { $0 == "0" || $0 == ":" }) {
        case "": return unspecified
        case "1": return loopback
        default: return nil
        }
    }
}
