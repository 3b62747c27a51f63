internal import CMalloc

/// What glibc's allocator does with memory that is free.
public enum ProcessMemory {
    /// Keeps the allocator to two arenas; to be called first thing in `main`.
    ///
    /// By default every thread gets its own, and memory that was freed in one is not used by the others.
    public static func limitArenas() {
        _ = cmalloc_limit_arenas(2)
    }

    /// Gives free memory back to the operating system; worth it after something large, such as a long list.
    public static func trim() {
        _ = cmalloc_trim()
    }
}
