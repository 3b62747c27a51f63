/// The resources that are served without being stored.
package enum VirtualResources {
    /// One of them.
    package struct Entry: Sendable, Hashable {
        /// The API group.
        package let group: String
        /// As `v1`.
        package let version: String
        /// As `tokenreviews`.
        package let plural: String
        /// As `TokenReview`.
        package let kind: String
        /// Whether the path has a namespace.
        package var isNamespaced = false
        /// As discovery lists them.
        package var verbs = ["create"]
        /// As `cs`.
        package var shortNames: [String] = []
    }

    /// All of them, group by group.
    package static let all: [Entry] = [
        Entry(group: "", version: "v1", plural: "bindings", kind: "Binding", isNamespaced: true),
        Entry(group: authentication, version: "v1", plural: "selfsubjectreviews", kind: "SelfSubjectReview"),
        Entry(group: authentication, version: "v1", plural: "tokenreviews", kind: "TokenReview"),
        Entry(
            group: authorization,
            version: "v1",
            plural: "localsubjectaccessreviews",
            kind: "LocalSubjectAccessReview",
            isNamespaced: true
        ),
        Entry(group: authorization, version: "v1", plural: "selfsubjectaccessreviews", kind: "SelfSubjectAccessReview"),
        Entry(group: authorization, version: "v1", plural: "selfsubjectrulesreviews", kind: "SelfSubjectRulesReview"),
        Entry(group: authorization, version: "v1", plural: "subjectaccessreviews", kind: "SubjectAccessReview"),
    ]

    private static let authentication = "authentication.k8s.io"
    private static let authorization = "authorization.k8s.io"

    /// The groups that consist of them, and the core group.
    package static let groups = Set(all.map(\.group))

    /// The reviews that everybody may ask about themselves.
    static let selfReviews: Set<String> = [
        "selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews",
    ]

    /// The one that a path means.
    package static func entry(group: String, version: String, plural: String) -> Entry? {
        all.first { $0.group == group && $0.version == version && $0.plural == plural }
    }
}
