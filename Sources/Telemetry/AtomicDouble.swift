import Synchronization

/// A Double that many threads change without a lock.
final class AtomicDouble: Sendable {
    /// The bits of the value: there is no atomic Double.
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func add(_ amount: Double) {
        update { $0 + amount }
    }

    /// Sets `value` unless the present one is as high.
    func raise(to value: Double) {
        update { value > $0 ? value : $0 }
    }

    private func update(_ change: (Double) -> Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = change(Double(bitPattern: old)).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
