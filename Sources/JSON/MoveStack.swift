/// A stack whose elements are moved in and out, never copied.
///
/// The parser keeps what its open containers hold here. An array would count references twice for each element that
/// goes from it into the finished container, which is most of the cost of parsing small values.
///
/// Memory: `base[0..<count]` is initialised, the rest up to `capacity` is not; every method keeps it so and checks its
/// indices.
@safe struct MoveStack<Element>: ~Copyable {
    private var base: UnsafeMutablePointer<Element>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 32
        unsafe base = .allocate(capacity: capacity)
    }

    deinit {
        unsafe base.deinitialize(count: count)
        unsafe base.deallocate()
    }

    subscript(index: Int) -> Element {
        @inline(__always)
        get {
            precondition(index >= 0 && index < count)
            return unsafe base[index]
        }
    }

    @inline(__always)
    mutating func push(_ element: consuming Element) {
        if count == capacity { grow() }
        unsafe (base + count).initialize(to: element)
        count += 1
    }

    /// Puts an element below those from `index` on.
    mutating func insert(_ element: consuming Element, at index: Int) {
        precondition(index >= 0 && index <= count)
        if count == capacity { grow() }
        unsafe (base + index + 1).moveInitialize(from: base + index, count: count - index)
        unsafe (base + index).initialize(to: element)
        count += 1
    }

    @inline(__always)
    mutating func replace(at index: Int, with element: consuming Element) {
        precondition(index >= 0 && index < count)
        unsafe base[index] = element
    }

    /// Takes all elements from `first` on off the stack, lowest first.
    @inline(__always)
    mutating func take<Result>(from first: Int, _ transform: (consuming Element) -> Result) -> [Result] {
        precondition(first >= 0 && first <= count)
        var taken: [Result] = []
        taken.reserveCapacity(count - first)
        // Nothing in between can throw, so each of them is moved out once.
        for index in first..<count {
            taken.append(transform(unsafe (base + index).move()))
        }
        count = first
        return taken
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        unsafe larger.moveInitialize(from: base, count: count)
        unsafe base.deallocate()
        unsafe base = larger
        capacity *= 2
    }
}
