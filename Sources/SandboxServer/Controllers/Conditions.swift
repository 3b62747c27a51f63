internal import JSON

extension JSONValue {
    /// The condition of that type in a status.
    func condition(_ type: String) -> JSONValue? {
        self["conditions"]?.arrayValue?.first { $0["type"]?.stringValue == type }
    }

    /// Whether the condition of that type in a status is `True`.
    func isTrue(_ type: String) -> Bool {
        condition(type)?["status"]?.stringValue == "True"
    }

    /// Sets a condition of a status; its transition time moves only when its status does.
    ///
    /// With update time, it also keeps `lastUpdateTime`, which moves with every change.
    mutating func setCondition(
        _ type: String,
        _ status: String,
        reason: String? = nil,
        message: String? = nil,
        withUpdateTime: Bool = false,
        _ context: ReconcileContext
    ) {
        var conditions = self["conditions"]?.arrayValue ?? []
        let index = conditions.firstIndex { $0["type"]?.stringValue == type }
        let old = index.map { conditions[$0] }
        var condition = old ?? ["type": .string(type)]
        condition["status"] = .string(status)
        condition["reason"] = reason.map { .string($0) }
        condition["message"] = message.map { .string($0) }
        guard condition != old else { return }
        if withUpdateTime { condition["lastUpdateTime"] = context.timestamp }
        if old?["status"]?.stringValue != status { condition["lastTransitionTime"] = context.timestamp }
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        self["conditions"] = .array(conditions)
    }
}
