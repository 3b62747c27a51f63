/// What a watch sends before it follows the live changes: objects of a snapshot, or changes of the history.
struct WatchSource {
    private enum Content {
        case objects(OrderedObjects, next: OrderedObjects.Position, end: OrderedObjects.Position)
        case changes([ObjectStore.Change], next: Int)
        /// Lines that came while the others were being sent.
        case lines([[UInt8]], next: Int)
    }

    private var content: Content

    /// The objects of a namespace, or all, each as if it were just added.
    init(objects: OrderedObjects, in namespace: String?) {
        let (start, end) = objects.range(of: namespace)
        content = .objects(objects, next: start, end: end)
    }

    /// Changes, oldest first.
    init(changes: [ObjectStore.Change]) {
        content = .changes(changes, next: 0)
    }

    /// Lines that are ready.
    init(lines: [[UInt8]]) {
        content = .lines(lines, next: 0)
    }

    /// The next line for a watch; nil when there is no more.
    mutating func next(for request: WatchRequest, isFirst: Bool) throws -> [UInt8]? {
        switch content {
        case .objects(let objects, var position, let end):
            defer { content = .objects(objects, next: position, end: end) }
            while position < end, let object = objects[position] {
                position = objects.position(after: position)
                guard request.options.matches(object) else { continue }
                return try WatchEvent.line(.added, object, request.representation, isFirst: isFirst)
            }
            return nil
        case .changes(let changes, var index):
            defer { content = .changes(changes, next: index) }
            while index < changes.count {
                var event = WatchEvent(changes[index])
                index += 1
                guard request.namespace == nil || event.change.object.name.namespace == request.namespace,
                    let kind = event.kind(for: request.options)
                else { continue }
                return try event.line(kind, request.representation, isFirst: isFirst)
            }
            return nil
        case .lines(let lines, let index):
            guard index < lines.count else { return nil }
            content = .lines(lines, next: index + 1)
            return lines[index]
        }
    }
}
