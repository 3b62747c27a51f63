/// Which parts of a document are built when it is parsed; the rest is skipped byte-wise and never allocated.
///
/// Paths are object keys; `*` stands for every element of an array and for every key that is not named beside it.
/// Of dropped parts only strings and nesting are looked at, so mistakes inside them go unnoticed.
///
/// ```swift
/// let projection = JSONProjection.kubernetes.dropping("status", "images")
/// ```
public struct JSONProjection: Sendable, Hashable {
    /// What the rules say about one place of a document and those below it.
    struct Node: Sendable, Hashable {
        /// Whether values from here on are kept; nil: as above.
        var isKept: Bool?
        var children: [String: Node] = [:]

        /// Whether something below is kept although this place is not.
        var keepsSomethingBelow: Bool {
            children.values.contains { $0.isKept == true || $0.keepsSomethingBelow }
        }
    }

    /// The rules for the whole document; nil: everything is kept.
    private(set) var root: Node?

    /// Keeps everything.
    public static let all = JSONProjection()

    /// Drops `metadata.managedFields` of an object, of a list's items and of a watch event's object.
    public static let kubernetes = JSONProjection.all
        .dropping("metadata", "managedFields")
        .dropping("items", "*", "metadata", "managedFields")
        .dropping("object", "metadata", "managedFields")

    /// Also drops the value at a path, whatever is inside it.
    public func dropping(_ path: String...) -> JSONProjection {
        var changed = self
        changed.root = (root ?? Node()).marking(path[...]) { _ in Node(isKept: false) }
        return changed
    }

    /// Keeps only the values at these paths, with all that is inside them, less what is dropped.
    ///
    /// Containers on the way to a path are built with what is kept in them. Further calls add paths.
    public func keeping(_ paths: [String]...) -> JSONProjection {
        var node = root ?? Node()
        node.isKept = false
        for path in paths {
            node = node.keeping(path[...])
        }
        var changed = self
        changed.root = node
        return changed
    }

    /// This projection for a value that is found at a path, such as `"object"` of a watch event; the rest is kept.
    public func nested(under path: String...) -> JSONProjection {
        guard let root else { return self }
        var changed = self
        changed.root = Node().marking(path[...]) { _ in root }
        return changed
    }
}

extension JSONProjection.Node {
    /// This node with a path below it kept, unless something on the way is dropped.
    fileprivate func keeping(_ path: ArraySlice<String>) -> Self {
        var node = self
        guard let key = path.first else {
            node.isKept = true
            return node
        }
        let child = children[key] ?? Self()
        if child.isKept != false { node.children[key] = child.keeping(path.dropFirst()) }
        return node
    }

    /// This node with the one at a path changed; nodes on the way are made.
    fileprivate func marking(_ path: ArraySlice<String>, _ change: (Self) -> Self) -> Self {
        guard let key = path.first else { return change(self) }
        var node = self
        node.children[key] = (children[key] ?? Self()).marking(path.dropFirst(), change)
        return node
    }
}
