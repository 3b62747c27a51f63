// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    .enableUpcomingFeature("ImmutableWeakCaptures"),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
]

func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "tmc-recovery",
    products: [
        .library(
            name: "KubernetesClient",
            targets: ["KubernetesClient", "KubernetesCore", "HTTPTransport", "JSON", "Timekeeping", "Telemetry"]
        ),
        .library(name: "ControllerRuntime", targets: ["ControllerRuntime", "ProcessSignals"]),
        .executable(name: "recovery-controller", targets: ["recovery-controller"]),
        .executable(name: "recovery-sandbox", targets: ["recovery-sandbox"]),
    ],
    targets: [
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "CPosix"),
        .target(name: "CMalloc"),
        .target(name: "CYAML", linkerSettings: [.linkedLibrary("yaml")]),
        module("JSON"),
        module("YAML", ["CYAML", "JSON"]),
        module("Timekeeping"),
        module("Telemetry", ["Timekeeping"]),
        module("HTTPTransport", ["CCurl", "Timekeeping"]),
        module("HTTPServer", ["Timekeeping", "Telemetry"]),
        module("KubernetesCore", ["JSON", "YAML"]),
        module(
            "KubernetesClient",
            ["CPosix", "KubernetesCore", "HTTPTransport", "JSON", "YAML", "Timekeeping", "Telemetry"]
        ),
        module(
            "ControllerRuntime",
            [
                "CMalloc", "KubernetesClient", "KubernetesCore", "HTTPTransport", "HTTPServer", "JSON", "Timekeeping",
                "Telemetry",
            ]
        ),
        module("RecoveryAPI", ["KubernetesCore", "JSON", "YAML"]),
        module(
            "RecoveryDecision",
            ["RecoveryAPI", "KubernetesCore", "JSON", "YAML", "Timekeeping"],
            resources: [.embedInCode("Catalogue/errors.yaml")]
        ),
        module(
            "RecoveryEngine",
            [
                "RecoveryDecision", "RecoveryAPI", "ControllerRuntime", "KubernetesClient", "KubernetesCore",
                "HTTPTransport", "HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry",
            ]
        ),
        module("CommandLineFlags"),
        module("ProcessSignals", ["Timekeeping"]),
        module("SandboxServer", ["HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry"]),
        .executableTarget(
            name: "recovery-controller",
            dependencies: [
                "RecoveryEngine", "RecoveryAPI", "ControllerRuntime", "KubernetesClient", "KubernetesCore",
                "HTTPTransport", "HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry", "CommandLineFlags",
                "ProcessSignals",
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "recovery-sandbox",
            dependencies: [
                "SandboxServer", "CommandLineFlags", "ProcessSignals", "HTTPServer", "JSON", "YAML", "Timekeeping",
                "Telemetry",
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: [
                "SandboxServer", "HTTPServer", "HTTPTransport", "KubernetesClient", "KubernetesCore", "JSON", "YAML",
                "Timekeeping", "Telemetry",
            ],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .target(
            name: "RecoveryTestSupport",
            dependencies: ["RecoveryAPI", "RecoveryDecision", "KubernetesCore"],
            path: "Tests/RecoveryTestSupport",
            swiftSettings: strict
        ),
        tests("JSONTests", ["JSON"]),
        tests("YAMLTests", ["YAML", "JSON"]),
        tests("TimekeepingTests", ["Timekeeping", "TestSupport"]),
        tests("ProcessSignalsTests", ["ProcessSignals", "Timekeeping"]),
        tests("CommandLineFlagsTests", ["CommandLineFlags"]),
        tests("TelemetryTests", ["Telemetry", "Timekeeping", "JSON", "TestSupport"]),
        tests("HTTPTransportTests", ["HTTPTransport", "CCurl", "Timekeeping", "TestSupport"]),
        tests("HTTPServerTests", ["HTTPServer", "HTTPTransport", "Timekeeping", "Telemetry", "TestSupport"]),
        tests("KubernetesCoreTests", ["KubernetesCore", "JSON", "YAML"], resources: [.copy("Fixtures")]),
        tests(
            "KubernetesClientTests",
            ["KubernetesClient", "KubernetesCore", "HTTPTransport", "JSON", "Timekeeping", "Telemetry", "TestSupport"],
            resources: [.copy("Fixtures")]
        ),
        tests(
            "ControllerRuntimeTests",
            [
                "ControllerRuntime", "KubernetesClient", "KubernetesCore", "HTTPTransport", "HTTPServer", "JSON",
                "Timekeeping", "Telemetry", "TestSupport",
            ]
        ),
        tests("RecoveryAPITests", ["RecoveryAPI", "KubernetesCore", "JSON", "YAML"]),
        tests("RecoveryDecisionTests", ["RecoveryDecision", "RecoveryAPI", "KubernetesCore", "JSON", "Timekeeping"]),
        tests(
            "RecoveryEngineTests",
            [
                "RecoveryEngine", "RecoveryDecision", "RecoveryAPI", "ControllerRuntime", "KubernetesClient",
                "KubernetesCore", "HTTPTransport", "HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry",
                "TestSupport",
            ]
        ),
        tests(
            "SimulationTests",
            [
                "RecoveryEngine", "RecoveryDecision", "RecoveryAPI", "ControllerRuntime", "KubernetesClient",
                "KubernetesCore", "HTTPTransport", "JSON", "Timekeeping", "Telemetry", "TestSupport",
                "RecoveryTestSupport",
            ]
        ),
        tests(
            "SandboxServerTests",
            ["SandboxServer", "HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry"],
            resources: [.copy("Fixtures")]
        ),
        .testTarget(
            name: "ContractTests",
            dependencies: [
                "SandboxServer", "HTTPTransport", "HTTPServer", "JSON", "YAML", "Timekeeping", "Telemetry",
                "TestSupport",
            ],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ClusterTests",
            dependencies: [
                "RecoveryEngine", "RecoveryDecision", "RecoveryAPI", "ControllerRuntime", "KubernetesClient",
                "KubernetesCore", "HTTPTransport", "JSON", "YAML", "Timekeeping", "Telemetry", "TestSupport",
                "RecoveryTestSupport", "recovery-controller",
            ],
            exclude: ["Fixtures"],
            swiftSettings: strict
        ),
    ]
)
