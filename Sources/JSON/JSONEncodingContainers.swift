// In each container one generic function stands for the fifteen requirements, one per primitive type.

/// Takes the members of an object.
struct JSONKeyedEncodingContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: JSONEncodingNode
    let path: CodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }

    func encodeNil(forKey key: Key) throws {
        node.set(.value(.null), for: key.stringValue)
    }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        let boxed = try JSONValueEncoder(path: CodingPath(path, key)).box(value)
        node.set(.value(boxed), for: key.stringValue)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        child(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        child(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        child(JSONCodingKey.parent)
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        child(key)
    }

    /// An encoder that fills a member later.
    private func child(_ key: any CodingKey) -> JSONValueEncoder {
        let encoder = JSONValueEncoder(path: CodingPath(path, key))
        node.set(.node(encoder.node), for: key.stringValue)
        return encoder
    }
}

/// Takes the elements of an array.
struct JSONUnkeyedEncodingContainer: UnkeyedEncodingContainer {
    let node: JSONEncodingNode
    let path: CodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }
    var count: Int { node.count }

    func encodeNil() throws {
        node.append(.value(.null))
    }

    func encode<T: Encodable>(_ value: T) throws {
        node.append(.value(try JSONValueEncoder(path: elementPath).box(value)))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        child().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        child().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        child()
    }

    private var elementPath: CodingPath {
        CodingPath(path, JSONCodingKey(intValue: count))
    }

    /// An encoder that fills an element later.
    private func child() -> JSONValueEncoder {
        let encoder = JSONValueEncoder(path: elementPath)
        node.append(.node(encoder.node))
        return encoder
    }
}

/// Takes the one value that a type stands for.
struct JSONSingleValueEncodingContainer: SingleValueEncodingContainer {
    let node: JSONEncodingNode
    let path: CodingPath?

    var codingPath: [any CodingKey] { path?.keys ?? [] }

    func encodeNil() throws {
        node.content = .single(.null)
    }

    func encode<T: Encodable>(_ value: T) throws {
        node.content = .single(try JSONValueEncoder(path: path).box(value))
    }
}
