internal import FoundationEssentials
internal import JSON

extension KindRules {
    private static let largest = 1_048_576

    /// ConfigMaps: keys, size, and that immutable ones stay so.
    static let configMaps: KindRules = {
        var rules = KindRules()
        rules.validate = { map, old in
            Violations.collect { found in
                validateKeys(of: map["data"], "data", &found)
                validateKeys(of: map["binaryData"], "binaryData", &found)
                for (key, _) in map["binaryData"]?.objectValue ?? [:] where map["data"]?[key] != nil {
                    let text = "duplicate of key present in data"
                    found.add(.invalid("data[\(key)]", .string(key), text))
                }
                validateSize([map["data"], map["binaryData"]], "", &found)
                validateImmutable(map, old, ["data", "binaryData"], &found)
            }
        }
        return rules
    }()

    /// Secrets: `stringData`, what each type has to contain, and that type and immutable ones stay.
    static let secrets: KindRules = {
        var rules = KindRules()
        rules.setDefaults = { secret in
            for (key, value) in secret["stringData"]?.objectValue ?? [:] {
                guard let text = value.stringValue else { continue }
                secret.set(.string(Data(text.utf8).base64EncodedString()), at: ["data", key])
            }
            secret["stringData"] = nil
        }
        rules.complete = { secret, _ in
            if (secret["type"]?.stringValue ?? "").isEmpty { secret["type"] = "Opaque" }
        }
        rules.validate = { secret, old in
            Violations.collect { found in
                validateKeys(of: secret["data"], "data", &found)
                validateSize([secret["data"]], "data", &found)
                validateContent(of: secret, &found)
                found.unchanged(secret, old, "type")
                validateImmutable(secret, old, ["data"], &found)
            }
        }
        return rules
    }()

    private static func validateKeys(of data: JSONValue?, _ path: String, _ found: inout Violations) {
        for (key, _) in data?.objectValue ?? [:] {
            let isPlain = key.utf8.allSatisfy { byte in
                Character(UnicodeScalar(byte)).isLetter && byte < 128 || Character(UnicodeScalar(byte)).isNumber
                    || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains(byte)
            }
            if !isPlain || key.isEmpty {
                found.add(
                    .invalid(
                        "\(path)[\(key)]",
                        .string(key),
                        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  "
                            + "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                    )
                )
            } else if key.utf8.count > 253 {
                found.add(.invalid("\(path)[\(key)]", .string(key), "must be no more than 253 characters"))
            } else if key == "." || key == ".." || key.hasPrefix("..") {
                let text = key.count > 2 ? "must not start with '..'" : "must not be '\(key)'"
                found.add(.invalid("\(path)[\(key)]", .string(key), text))
            }
        }
    }

    private static func validateSize(_ data: [JSONValue?], _ path: String, _ found: inout Violations) {
        let size = data.compactMap { $0?.objectValue }.flatMap(\.values)
            .map { $0.stringValue?.utf8.count ?? 0 }.reduce(0, +)
        guard size > largest else { return }
        found.add(.tooLong(path, maximum: Int64(largest)))
    }

    private static func validateImmutable(
        _ object: JSONValue,
        _ old: JSONValue?,
        _ fields: [String],
        _ found: inout Violations
    ) {
        guard let old, old["immutable"]?.boolValue == true else { return }
        let text = "field is immutable when `immutable` is set"
        if object["immutable"]?.boolValue != true { found.add(.forbidden("immutable", text)) }
        for field in fields where (object[field] ?? [:]) != (old[field] ?? [:]) { found.add(.forbidden(field, text)) }
    }

    private static func validateContent(of secret: JSONValue, _ found: inout Violations) {
        func need(_ key: String) {
            if secret["data"]?[key] == nil { found.add(.required("data[\(key)]")) }
        }
        switch secret["type"]?.stringValue {
        case "kubernetes.io/tls":
            need("tls.crt")
            need("tls.key")
        case "kubernetes.io/dockerconfigjson": need(".dockerconfigjson")
        case "kubernetes.io/dockercfg": need(".dockercfg")
        case "kubernetes.io/ssh-auth": need("ssh-privatekey")
        case "kubernetes.io/basic-auth":
            if secret["data"]?["username"] == nil, secret["data"]?["password"] == nil {
                need("username")
                need("password")
            }
        case "kubernetes.io/service-account-token":
            let name = secret["metadata"]?["annotations"]?["kubernetes.io/service-account.name"]?.stringValue
            if (name ?? "").isEmpty {
                found.add(.required("metadata.annotations[kubernetes.io/service-account.name]"))
            }
        default: break
        }
    }
}
