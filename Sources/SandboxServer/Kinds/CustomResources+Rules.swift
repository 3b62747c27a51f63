internal import JSON

extension CustomResources {
    /// What CustomResourceDefinitions do beyond their own schema.
    package static var rules: KindRules {
        var rules = KindRules()
        rules.complete = { object, _ in complete(&object) }
        return rules
    }

    /// Fills in the names and the settings that the author left out.
    static func complete(_ object: inout JSONValue) {
        let names = object["spec"]?["names"] ?? .null
        if let kind = names["kind"]?.stringValue, !kind.isEmpty {
            if names["singular"]?.stringValue?.isEmpty ?? true {
                object.set(.string(kind.lowercased()), at: ["spec", "names", "singular"])
            }
            if names["listKind"]?.stringValue?.isEmpty ?? true {
                object.set(.string(kind + "List"), at: ["spec", "names", "listKind"])
            }
        }
        if object["spec"]?["conversion"] == nil {
            object.set(["strategy": "None"], at: ["spec", "conversion"])
        }
    }
}
