extension Duration {
    /// This duration in seconds, as metrics want it.
    @usableFromInline var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
