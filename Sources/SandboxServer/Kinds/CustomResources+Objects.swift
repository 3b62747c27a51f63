package import JSON

extension CustomResources {
    /// What is wrong with a custom resource, in the words of the API server; `old` is nil when it is created.
    ///
    /// A write to `/status` is not held responsible for what is outside of the status. CEL rules are not run; where
    /// other violations would keep the server from running them, it says so, and so does this.
    package static func violations(
        by object: JSONValue,
        old: JSONValue?,
        in version: ResourceDefinition.Version,
        subresource: String = ""
    ) -> [APIFailure.Cause] {
        let schema = version.schema
        var causes: [APIFailure.Cause] = []
        if subresource == "status" {
            if let status = object["status"], let part = schema.properties["status"] {
                causes = part.validate(status, old: old?["status"], field: "status")
            }
            if let scale = version.scale { causes += scale.violations(ofStatusOf: object) }
        } else {
            causes = schema.validate(object, old: old)
            if let scale = version.scale {
                causes += scale.violations(ofSpecOf: object) + scale.violations(ofStatusOf: object)
            }
            causes += EmbeddedResources.causes(of: object, schema, at: "")
        }
        let lists = ListInvariants.causes(of: object, schema)
        // Lists that were wrong before may stay so.
        if lists.isEmpty || old.map({ ListInvariants.causes(of: $0, schema).isEmpty }) ?? true { causes += lists }
        return causes + noteOnRules(of: schema, after: causes)
    }

    private static let blocking: Set = [
        "FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
        "FieldValueTypeInvalid",
    ]

    private static func noteOnRules(of schema: Schema, after causes: [APIFailure.Cause]) -> [APIFailure.Cause] {
        guard causes.contains(where: { blocking.contains($0.reason) }), schema.hasRules else { return [] }
        let text =
            "some validation rules were not checked because the object was invalid; correct the existing errors to"
            + " complete validation"
        return [.invalid("<nil>", .null, text)]
    }
}

extension ResourceDefinition.ScalePaths {
    fileprivate func violations(ofSpecOf object: JSONValue) -> [APIFailure.Cause] {
        violations(of: specReplicas, in: object)
    }

    fileprivate func violations(ofStatusOf object: JSONValue) -> [APIFailure.Cause] {
        var causes = violations(of: statusReplicas, in: object)
        if let selector, let value = object.value(at: selector), value.stringValue == nil {
            causes.append(accessFailure(selector, value, wanted: "string", shown: ""))
        }
        return causes
    }

    /// The number of replicas is a whole one of 32 bits and not negative.
    private func violations(of path: [String], in object: JSONValue) -> [APIFailure.Cause] {
        guard let value = object.value(at: path) else { return [] }
        let place = "." + path.joined(separator: ".")
        guard case .number(let number) = value, number.isGoInteger, let replicas = number.int64 else {
            return [accessFailure(path, value, wanted: "int64", shown: 0)]
        }
        if replicas < 0 { return [.invalid(place, value, "should be a non-negative integer")] }
        guard replicas > Int32.max else { return [] }
        return [.invalid(place, value, "should be less than or equal to \(Int32.max)")]
    }

    private func accessFailure(
        _ path: [String],
        _ value: JSONValue,
        wanted: String,
        shown: JSONValue
    ) -> APIFailure.Cause {
        let place = "." + path.joined(separator: ".")
        let type =
            switch value {
            case .null: "<nil>"
            case .bool: "bool"
            case .number(let number): number.isGoInteger ? "int64" : "float64"
            case .string: "string"
            case .array: "[]interface {}"
            case .object: "map[string]interface {}"
            }
        let detail = "\(place) accessor error: \(value.goText) is of the type \(type), expected \(wanted)"
        return .invalid(place, shown, detail)
    }
}
