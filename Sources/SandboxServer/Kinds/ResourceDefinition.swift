package import FoundationEssentials
package import JSON

/// A resource of the API by group and plural name, whatever the version: where its objects are stored.
package struct ResourceID: Sendable, Hashable, Comparable {
    /// The API group; empty for the core group.
    package var group: String
    /// The plural name, as `deployments`.
    package var plural: String

    /// Names a resource.
    package init(group: String, plural: String) {
        self.group = group
        self.plural = plural
    }

    /// By group, then by name.
    package static func < (left: ResourceID, right: ResourceID) -> Bool {
        (left.group, left.plural) < (right.group, right.plural)
    }

    /// As error messages name it: `deployments.apps`, or `pods` in the core group.
    package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }
}

/// Everything that the server has to know to serve a resource; of built-in kinds and of CustomResourceDefinitions alike.
package struct ResourceDefinition: Sendable {
    /// One served version.
    package struct Version: Sendable {
        /// As `v1`.
        package var name: String
        /// The shape of the objects, `apiVersion`, `kind` and `metadata` included.
        package var schema: Schema
        /// Whether there is a `/status` subresource that alone writes `status`.
        package var hasStatus = false
        /// Where `/scale` reads and writes; nil without the subresource.
        package var scale: ScalePaths?
        /// The columns of the Table, `Name` and `Age` included.
        package var columns: [PrinterColumn] = []
        /// The paths that field selectors may name beside name and namespace, as `spec.color`.
        package var selectableFields: [[String]] = []
        /// The text of the `Warning` header for a deprecated version.
        package var deprecationWarning: String?
        /// How objects become the stored form and come back; nil when nothing but `apiVersion` differs.
        package var conversion: Conversion?

        /// Names a version.
        package init(name: String, schema: Schema) {
            self.name = name
            self.schema = schema
        }
    }

    /// The way between a served version and the form in which the objects are stored; `apiVersion` is not its business.
    package struct Conversion: Sendable {
        /// From the served version to the stored form.
        package var toStorage: @Sendable (JSONValue) -> JSONValue
        /// From the stored form to the served version.
        package var fromStorage: @Sendable (JSONValue) -> JSONValue

        /// Gathers both directions.
        package init(
            toStorage: @escaping @Sendable (JSONValue) -> JSONValue,
            fromStorage: @escaping @Sendable (JSONValue) -> JSONValue
        ) {
            self.toStorage = toStorage
            self.fromStorage = fromStorage
        }
    }

    /// The paths of the scale subresource, as in a CustomResourceDefinition (`.spec.replicas`).
    package struct ScalePaths: Sendable, Hashable {
        /// Where the wanted number is.
        package var specReplicas: [String]
        /// Where the number of existing replicas is.
        package var statusReplicas: [String]
        /// Where the label selector is: a string, or for built-in kinds a LabelSelector object.
        package var selector: [String]?

        /// Gathers the paths.
        package init(specReplicas: [String], statusReplicas: [String], selector: [String]?) {
            self.specReplicas = specReplicas
            self.statusReplicas = statusReplicas
            self.selector = selector
        }
    }

    /// A column of `kubectl get`.
    package struct PrinterColumn: Sendable {
        /// The heading.
        package var name: String
        /// `string`, `integer`, `number`, `boolean` or `date`.
        package var type: String
        /// `name` or empty.
        package var format: String
        /// For people.
        package var description: String
        /// 0 is always shown, above only with `-o wide`.
        package var priority: Int
        /// The value of a cell.
        package var cell: Cell

        /// Where a cell comes from.
        package enum Cell: Sendable {
            /// A JSON path of a CustomResourceDefinition, as `.status.conditions[?(@.type=="Ready")].status`.
            case path(String)
            /// A function of the object and the current time.
            case computed(@Sendable (JSONValue, Date) -> JSONValue)
        }

        /// Describes a column.
        package init(name: String, type: String, format: String, description: String, priority: Int, cell: Cell) {
            self.name = name
            self.type = type
            self.format = format
            self.description = description
            self.priority = priority
            self.cell = cell
        }
    }

    /// The group and the plural name under which it is served.
    package var id: ResourceID
    /// Where the objects are stored: ``id``, but for Events, which both of their groups show.
    package var storage: ResourceID
    /// The singular name, as `deployment`.
    package var singular: String
    /// As `Deployment`.
    package var kind: String
    /// As `DeploymentList`.
    package var listKind: String
    /// As `deploy`.
    package var shortNames: [String] = []
    /// As `all`.
    package var categories: [String] = []
    /// Whether objects live in namespaces.
    package var isNamespaced: Bool
    /// The served versions, the preferred one first.
    package var versions: [Version]
    /// The version (of the group of ``storage``) that `apiVersion` of stored objects names.
    package var storageVersion: String
    /// Whether it comes from a CustomResourceDefinition.
    package var isCustom = false
    /// The shape of stored custom resources; nil for built-in kinds.
    package var storageSchema: Schema?
    /// Whether there may be custom resources that were stored under another definition than this one.
    package var hasChanged = false
    /// Whether a CustomResourceDefinition waits for its objects to go, and takes no new ones.
    package var isTerminating = false

    /// Describes a resource.
    package init(
        id: ResourceID,
        singular: String,
        kind: String,
        isNamespaced: Bool,
        versions: [Version],
        storageVersion: String
    ) {
        self.id = id
        self.storage = id
        self.singular = singular
        self.kind = kind
        self.listKind = kind + "List"
        self.isNamespaced = isNamespaced
        self.versions = versions
        self.storageVersion = storageVersion
    }

    /// The version of that name, when it is served.
    package func version(_ name: String) -> Version? {
        versions.first { $0.name == name }
    }

    /// `group/version`, or `version` in the core group.
    package func apiVersion(_ version: String) -> String {
        id.group.isEmpty ? version : "\(id.group)/\(version)"
    }
}
