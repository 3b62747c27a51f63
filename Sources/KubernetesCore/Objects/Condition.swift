public import FoundationEssentials

/// One observed aspect of an object's state (meta/v1 Condition).
public struct Condition: Codable, Sendable, Hashable {
    /// What is known about the aspect.
    public enum Status: String, CaseIterable, Codable, Sendable, Hashable {
        /// It holds.
        case `true` = "True"
        /// It does not hold.
        case `false` = "False"
        /// Nobody can tell, or nobody has looked yet.
        case unknown = "Unknown"
    }

    /// The aspect, in CamelCase; unique within an object.
    public var type: String
    /// Whether it holds.
    public var status: Status
    /// For programs: why, in CamelCase.
    public var reason: String
    /// For people: why.
    public var message: String
    /// When `status` last changed; some older kinds leave it out.
    public var lastTransitionTime: Date?
    /// The generation of the object that was judged.
    public var observedGeneration: Int64?

    /// Makes a condition; leave the time to ``Swift/Array/set(_:now:)``.
    public init(
        type: String,
        status: Status,
        reason: String,
        message: String = "",
        lastTransitionTime: Date? = nil,
        observedGeneration: Int64? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
        self.observedGeneration = observedGeneration
    }

    /// Reads a condition of any kind of object: only type and status are common to all.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        type = try container.decode(String.self, forKey: .type)
        status = try container.decode(Status.self, forKey: .status)
        reason = try container.decodeIfPresent(String.self, forKey: .reason) ?? ""
        message = try container.decodeIfPresent(String.self, forKey: .message) ?? ""
        lastTransitionTime = try container.decodeIfPresent(Date.self, forKey: .lastTransitionTime)
        observedGeneration = try container.decodeIfPresent(Int64.self, forKey: .observedGeneration)
    }
}

extension Array where Element == Condition {
    /// The condition of a type.
    public subscript(type type: String) -> Condition? {
        first { $0.type == type }
    }

    /// Whether the condition of a type is True.
    public func isTrue(_ type: String) -> Bool { self[type: type]?.status == .true }

    /// Puts a condition in its place, or at the end.
    ///
    /// `lastTransitionTime` moves only when the status changes: then to the condition's own time, else to `now`,
    /// which is cut to the second as the wire form is, so that a value read back compares equal.
    ///
    /// - Returns: whether anything has changed, so that the caller can leave out a useless write.
    @discardableResult
    public mutating func set(_ condition: Condition, now: Date) -> Bool {
        var updated = condition
        let seconds = now.timeIntervalSinceReferenceDate.rounded(.down)
        let transition = condition.lastTransitionTime ?? Date(timeIntervalSinceReferenceDate: seconds)
        guard let index = firstIndex(where: { $0.type == condition.type }) else {
            updated.lastTransitionTime = transition
            append(updated)
            return true
        }
        let current = self[index]
        let keepsTime = current.status == condition.status && current.lastTransitionTime != nil
        updated.lastTransitionTime = keepsTime ? current.lastTransitionTime : transition
        self[index] = updated
        return updated != current
    }

    /// Removes the condition of a type.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    public mutating func remove(type: String) -> Bool {
        let before = count
        removeAll { $0.type == type }
        return count != before
    }
}
