internal import JSON

/// The types of the built-in API as facts, read from a compact text of our own.
///
/// `# PREFIX` begins the types of one API version. A line that starts with a letter begins a type, the indented lines
/// below it are its fields:
///
/// ```
/// # io.k8s.api.core.v1
/// ContainerPort | a port of a container
///  containerPort! int32 | 1 to 65535
///  protocol string ="TCP" | TCP, UDP or SCTP
/// ```
///
/// After the name of a type come `kind` for those with `apiVersion` and `kind`, `atomic` for objects that server-side
/// apply does not divide, and `like(TYPE)` for the fields of another type as well.
///
/// A field is its name, its type, its properties, and after `|` a description. The type is a scalar (see
/// ``Scalar``), the name of another type of the same version, the core group or the metadata, `[T]` for a list or `{T}`
/// for a map from strings. After the name, `!` says that the server insists on the field, `?` that documents list it as
/// required while the server does without. `*` after a type says that zero is a value of its own; without it, zero,
/// empty text, lists and maps are as good as absent. The properties are:
///
/// - `=VALUE`, a JSON value without spaces: what the server fills in;
/// - `null`: the server shows null where nothing is set;
/// - `set`, `atomic`, `map(KEY,KEY)`: how server-side apply merges a list (or, `atomic`, an object);
/// - `merge(KEY)` or `merge`: how strategic merge patch merges a list; `retainKeys` goes with it or stands alone;
/// - `enum(A,B)`: the only values.
struct TypeTable: Sendable {
    /// The types without structure of their own.
    enum Scalar: String, Sendable {
        case string, bytes, time, microTime, quantity, int32, int64, double, bool, intOrString, any, object
    }

    /// The type of a field.
    indirect enum TypeName: Sendable, Hashable {
        case scalar(Scalar)
        /// The full name of an ``Object``.
        case named(String)
        case list(TypeName)
        case map(TypeName)
    }

    /// A field of a type.
    struct Field: Sendable {
        var name: String
        var type: TypeName
        /// Whether documents list it as required.
        var isRequired = false
        /// Whether the server refuses objects without it.
        var isEnforced = false
        /// Whether zero differs from absent.
        var keepsZero = false
        /// Whether the server shows null where nothing is set.
        var showsNull = false
        var defaultValue: JSONValue?
        var listType: Schema.ListType?
        var mapKeys: [String] = []
        var mergeKey: String?
        var mergeStrategies: [String] = []
        var values: [String] = []
        var description: String?
    }

    /// A type with fields.
    struct Object: Sendable {
        /// As `io.k8s.api.core.v1.Pod`.
        var name: String
        /// Whether objects of it carry `apiVersion` and `kind`.
        var isKind = false
        var isAtomic = false
        /// The short name of the type whose fields it has, too.
        var base: String?
        var description: String?
        /// In alphabetical order.
        var fields: [Field] = []
    }

    /// The types by full name.
    private(set) var objects: [String: Object] = [:]
    /// The lines that are not understood and the names that are not declared; empty for a table that is right.
    private(set) var problems: [String] = []

    /// Reads texts; what does not fit goes to ``problems``.
    init(_ texts: [String]) {
        var reader = TypeTableReader()
        for text in texts { reader.read(text) }
        reader.finish()
        problems = reader.problems
        for (version, types) in reader.types {
            for object in types.values { add(object, version, reader.types) }
        }
    }

    /// Adds a type, with the names in its fields made full.
    private mutating func add(_ object: Object, _ version: String, _ types: [String: [String: Object]]) {
        var object = object
        object.name = "\(version).\(object.name)"
        if let base = object.base {
            let inherited = types[version]?[base]?.fields ?? []
            if inherited.isEmpty { problems.append("\(object.name): no type \(base)") }
            object.fields = (object.fields + inherited).sorted { $0.name < $1.name }
        }
        for index in object.fields.indices {
            let field = object.fields[index]
            if let type = Self.resolve(field.type, version, types) {
                object.fields[index].type = type
            } else {
                problems.append("\(object.name).\(field.name): no type \(field.type)")
            }
        }
        objects[object.name] = object
    }

    /// Where names are looked for after the type's own version.
    private static let common = ["io.k8s.api.core.v1", "io.k8s.apimachinery.pkg.apis.meta.v1"]

    private static func resolve(
        _ type: TypeName,
        _ version: String,
        _ types: [String: [String: Object]]
    ) -> TypeName? {
        switch type {
        case .scalar: type
        case .list(let element): resolve(element, version, types).map { .list($0) }
        case .map(let element): resolve(element, version, types).map { .map($0) }
        case .named(let name):
            ([version] + common).first { types[$0]?[name] != nil }.map { .named("\($0).\(name)") }
        }
    }
}
