public import KubernetesCore

/// What a handler is told about one object, in the order in which it happened to that object.
///
/// In between states may be missing: two changes may arrive as one, and an object that was deleted and made again may
/// arrive as one update whose uids differ.
public enum InformerEvent<Object: Sendable>: Sendable {
    /// The object is new to the handler.
    ///
    /// `isInInitialList`: it was there when the handler started to listen; give its work a low priority.
    case added(Object, isInInitialList: Bool)
    /// The object has changed; or it has not (the resourceVersions are equal) and this is a resync.
    case updated(old: Object, new: Object)
    /// The object is gone; this is its final state.
    case deleted(Object)
    /// The object is gone, which was only noticed later: `last` is the last state that was seen, if any, and may be
    /// older than the final one.
    case deletedFinalStateUnknown(ObjectKey, last: Object?)
    /// The object was added or changed to something that cannot be decoded; `last` is what was known before.
    case undecodable(UndecodableObject, last: Object?)
}

extension InformerEvent: Equatable where Object: Equatable {}
