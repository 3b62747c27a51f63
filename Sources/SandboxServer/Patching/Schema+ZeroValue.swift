internal import JSON

extension Schema {
    /// What an object of a built-in kind looks like when nothing in it is set.
    ///
    /// Nobody becomes the manager of these values, only of what is put in their place.
    var zeroValue: JSONValue {
        var members = JSONObject()
        for (name, property) in properties {
            if property.kind == .array, property.isShownUnset || required.contains(name) {
                members[name] = []
            } else if property.isShownUnset {
                members[name] = property.properties.isEmpty ? property.defaultValue : property.zeroValue
            }
        }
        return .object(members)
    }
}
