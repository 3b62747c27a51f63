internal import JSON

/// The paths of a document: what clients read from them is the kind behind a path, and what a PATCH understands.
struct OpenAPIPaths {
    /// One resource in one version.
    struct Resource: Sendable {
        var group: String
        var version: String
        var plural: String
        var kind: String
        var isNamespaced: Bool
        /// The name of the schema of the objects.
        var schema: String
        var hasStatus = false
        var hasScale = false
        /// Whether it can only be created, as the reviews.
        var isVirtual = false
        var isCustom = false
    }

    /// How to write.
    let dialect: OpenAPIDialect
    /// The path items by path.
    private(set) var items = JSONObject()

    /// Begins without any.
    init(_ dialect: OpenAPIDialect) {
        self.dialect = dialect
    }

    /// Adds the paths of a resource.
    mutating func add(_ resource: Resource) {
        let base = resource.group.isEmpty ? "/api" : "/apis/\(resource.group)"
        let namespace = resource.isNamespaced ? "/namespaces/{namespace}" : ""
        let collection = "\(base)/\(resource.version)\(namespace)/\(resource.plural)"
        if resource.isVirtual {
            items[collection] = item(resource, ["post"], path: collection)
            return
        }
        items[collection] = item(resource, ["get", "post", "delete"], path: collection, isList: true)
        items[collection + "/{name}"] = item(resource, ["get", "put", "patch", "delete"], path: collection + "/{name}")
        if resource.isNamespaced {
            let everywhere = "\(base)/\(resource.version)/\(resource.plural)"
            items[everywhere] = item(resource, ["get"], path: everywhere, isList: true)
        }
        if resource.hasStatus {
            let path = collection + "/{name}/status"
            items[path] = item(resource, ["get", "put", "patch"], path: path)
        }
        if resource.hasScale {
            var scale = resource
            (scale.group, scale.version, scale.kind) = ("autoscaling", "v1", "Scale")
            scale.schema = "io.k8s.api.autoscaling.v1.Scale"
            let path = collection + "/{name}/scale"
            items[path] = item(scale, ["get", "put", "patch"], path: path)
        }
    }

    /// Adds a path that answers GET with something that is no resource.
    mutating func add(_ path: String, describing text: String) {
        items[path] = ["get": ["description": .string(text), "responses": ["200": ["description": "OK"]]]]
    }

    private func item(_ resource: Resource, _ methods: [String], path: String, isList: Bool = false) -> JSONValue {
        var item: JSONValue = [:]
        for method in methods { item[method] = operation(resource, method, path: path, isList: isList) }
        var parameters: [JSONValue] = []
        for name in ["name", "namespace"] where path.contains("{\(name)}") {
            parameters.append(parameter(name, in: "path", type: "string"))
        }
        if !parameters.isEmpty { item["parameters"] = .array(parameters) }
        return item
    }

    private func operation(_ resource: Resource, _ method: String, path: String, isList: Bool) -> JSONValue {
        let action = Self.action(method, isList: isList)
        let isListing = action == "list"
        var operation: JSONValue = [
            "operationId": .string(Self.identifier(action, resource, path)),
            "x-kubernetes-action": .string(action),
            "x-kubernetes-group-version-kind": [
                "group": .string(resource.group), "version": .string(resource.version), "kind": .string(resource.kind),
            ],
            "responses": responses(method == "delete" ? Self.status : resource.schema + (isListing ? "List" : "")),
        ]
        var parameters = Self.options(action).map { parameter($0, in: "query", type: Self.types[$0] ?? "string") }
        let media = Self.media(method, resource)
        if method != "get", method != "delete" {
            let schema: JSONValue =
                method == "patch" ? ["type": "object"] : ["$ref": .string(dialect.prefix + resource.schema)]
            switch dialect {
            case .v2:
                parameters.insert(["name": "body", "in": "body", "required": true, "schema": schema], at: 0)
                operation["consumes"] = .array(media.map { .string($0) })
            case .v3:
                let content = JSONObject(media.map { ($0, JSONValue.object(["schema": schema])) })
                operation["requestBody"] = ["content": .object(content), "required": true]
            }
        }
        if dialect == .v2 { operation["produces"] = ["application/json"] }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        return operation
    }

    private func responses(_ schema: String) -> JSONValue {
        let reference: JSONValue = ["$ref": .string(dialect.prefix + schema)]
        return switch dialect {
        case .v2: ["200": ["description": "OK", "schema": reference]]
        case .v3: ["200": ["description": "OK", "content": ["application/json": ["schema": reference]]]]
        }
    }

    private func parameter(_ name: String, in place: String, type: String) -> JSONValue {
        var parameter: JSONValue = ["name": .string(name), "in": .string(place)]
        if place == "path" { parameter["required"] = true }
        switch dialect {
        case .v2: parameter["type"] = .string(type)
        case .v3: parameter["schema"] = ["type": .string(type)]
        }
        return parameter
    }
}

extension OpenAPIPaths {
    /// The schema of the answer to a deletion.
    static let status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"

    /// As `x-kubernetes-action` names it.
    private static func action(_ method: String, isList: Bool) -> String {
        switch method {
        case "get": isList ? "list" : "get"
        case "delete": isList ? "deletecollection" : "delete"
        default: method
        }
    }

    /// The query parameters that an action understands.
    private static func options(_ action: String) -> [String] {
        let list = ["continue", "fieldSelector", "labelSelector", "limit", "resourceVersion", "resourceVersionMatch"]
        let write = ["dryRun", "fieldManager", "fieldValidation"]
        let delete = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"]
        return switch action {
        case "list":
            (list + ["allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds", "watch"]).sorted()
        case "post", "put": write
        case "patch": write + ["force"]
        case "delete": delete
        case "deletecollection": (list + delete).sorted()
        default: []
        }
    }

    private static let types = [
        "allowWatchBookmarks": "boolean", "force": "boolean", "gracePeriodSeconds": "integer", "limit": "integer",
        "orphanDependents": "boolean", "sendInitialEvents": "boolean", "timeoutSeconds": "integer", "watch": "boolean",
    ]

    /// The media types of a request body.
    private static func media(_ method: String, _ resource: Resource) -> [String] {
        guard method == "patch" else { return ["application/json", "application/yaml"] }
        let strategic = resource.isCustom ? [] : ["application/strategic-merge-patch+json"]
        return ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
            + strategic
    }

    /// A name that occurs once in a document, as `patchAppsV1NamespacedDeploymentScale`.
    private static func identifier(_ action: String, _ resource: Resource, _ path: String) -> String {
        let parts = path.split(separator: "/").dropFirst().filter { !$0.hasPrefix("{") && $0 != "namespaces" }
        let words = parts.flatMap { $0.split { $0 == "." || $0 == "-" } }.map { capitalized($0) }
        let scope = path.contains("{namespace}") ? "Namespaced" : resource.isNamespaced ? "ForAllNamespaces" : ""
        return action + words.joined() + scope + (path.contains("{name}") ? "ByName" : "")
    }

    private static func capitalized(_ word: Substring) -> String {
        word.prefix(1).uppercased() + word.dropFirst()
    }
}
