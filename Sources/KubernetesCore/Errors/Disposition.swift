/// What to do about an error; nobody needs to look at its text.
public enum Disposition: Sendable, Hashable {
    /// The same request may succeed later: try again with backoff.
    case retry
    /// The server says when to try again.
    case retryAfter(Duration)
    /// The object has changed since it was read: read it again, decide again, write again.
    case conflict
    /// What the request refers to is not there: the object (404) or the version of the list (410). Start from a new
    /// read.
    case gone
    /// The same request will fail again until somebody changes something: its content, rights or the server.
    case terminal
}
