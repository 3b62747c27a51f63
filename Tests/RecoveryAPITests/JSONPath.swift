import JSON

/// One step into a document.
enum JSONStep: Hashable {
    case key(String)
    case index(Int)
}

extension JSONValue {
    /// The first place in the document that a schema path (`spec.list[].map.*`) leads to.
    func firstPlace(_ schemaPath: String) -> [JSONStep]? {
        let parts = schemaPath.replacing("[]", with: ".[]").split(separator: ".").map(String.init)
        return firstPlace(parts[...])
    }

    private func firstPlace(_ parts: ArraySlice<String>) -> [JSONStep]? {
        guard let part = parts.first else { return [] }
        let steps: [(JSONStep, JSONValue)]
        switch part {
        case "[]": steps = (arrayValue ?? []).enumerated().map { (.index($0.offset), $0.element) }
        case "*": steps = (objectValue ?? [:]).sorted { $0.key < $1.key }.map { (.key($0.key), $0.value) }
        default: steps = self[part].map { [(.key(part), $0)] } ?? []
        }
        for (step, value) in steps {
            if let rest = value.firstPlace(parts.dropFirst()) { return [step] + rest }
        }
        return nil
    }

    /// The value at a place.
    func value(at place: [JSONStep]) -> JSONValue? {
        place.reduce(Optional(self)) { value, step in
            switch step {
            case .key(let key): value?[key]
            case .index(let index): value?[index: index]
            }
        }
    }

    /// The document with another value at a place; nil removes a member.
    func replacing(_ place: some Collection<JSONStep>, with value: JSONValue?) -> JSONValue {
        guard let step = place.first else { return value ?? .null }
        let rest = place.dropFirst()
        switch step {
        case .key(let key):
            var members = objectValue ?? [:]
            members[key] = rest.isEmpty ? value : members[key, default: .null].replacing(rest, with: value)
            return .object(members)
        case .index(let index):
            var elements = arrayValue ?? []
            if elements.indices.contains(index) { elements[index] = elements[index].replacing(rest, with: value) }
            return .array(elements)
        }
    }
}

extension [JSONStep] {
    /// The place as violations write it; keys of maps stand in brackets.
    func path(inMap: Bool) -> String {
        enumerated().reduce(into: "") { text, item in
            switch item.element {
            case .index(let index): text += "[\(index)]"
            case .key(let key) where inMap && item.offset == count - 1: text += "[\(key)]"
            case .key(let key): text += text.isEmpty ? key : ".\(key)"
            }
        }
    }
}
