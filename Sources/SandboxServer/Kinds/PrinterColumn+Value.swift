package import FoundationEssentials
package import JSON

extension ResourceDefinition.PrinterColumn {
    /// The cell of an object.
    package func value(of object: JSONValue, now: Date) -> JSONValue {
        switch cell {
        case .computed(let compute): return compute(object, now)
        case .path(let path):
            return object.value(at: path.split(separator: ".").map(String.init)) ?? .null
        }
    }
}
