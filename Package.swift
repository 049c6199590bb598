// swift-tools-version: 6.2
import PackageDescription

// Two helpers make every target, so that a module, its tests and its settings cannot drift apart:
//   shared("RPC", …)      → Shared/RPC and, where it has tests, Tests/RPCTests
//   service("ratings", …) → Services/ratings (library RatingsService) and the executable in Services/ratings/Main

/// Set by `deploy/dev/check --deep`, which builds the fuzz targets: they need everything instrumented.
let isFuzzing = Context.environment["REELAY_FUZZ"] == "1"

/// Set by the same for its builds with a sanitizer: they hold the modules of `Shared/` and their tests, nothing else.
let isSharedOnly = Context.environment["REELAY_SHARED_ONLY"] == "1"

let house: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ] + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address", "-enable-testing"])] : [])

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nio = [
    product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOConcurrencyHelpers", "swift-nio"),
]
let log = product("Logging", "swift-log")
let metrics = product("Metrics", "swift-metrics")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let argumentParser = product("ArgumentParser", "swift-argument-parser")
let hummingbird = product("Hummingbird", "hummingbird")
let httpClient = product("AsyncHTTPClient", "async-http-client")

/// A module of `Shared/`; `wrapsC` turns on strict memory safety where C is touched.
func shared(
    _ name: String, _ dependencies: [Target.Dependency] = [], wrapsC: Bool = false, tests: [Target.Dependency]? = [],
    testData: [String] = []
) -> [Target] {
    var targets: [Target] = [
        .target(
            name: name, dependencies: dependencies, path: "Shared/\(name)",
            swiftSettings: house + (wrapsC ? [.strictMemorySafety()] : []))
    ]
    if let tests {
        targets.append(
            .testTarget(
                name: "\(name)Tests", dependencies: [.byName(name: name), "TestSupport"] + dependencies + tests,
                path: "Tests/\(name)Tests", exclude: testData, swiftSettings: house))
    }
    return targets
}

/// A service: the library that holds everything, the executable that starts it, and its tests.
func service(
    _ name: String, _ dependencies: [Target.Dependency] = [], tests: [Target.Dependency] = []
) -> [Target] {
    guard !isSharedOnly else { return [] }
    let module = name.prefix(1).uppercased() + name.dropFirst() + "Service"
    let everything: [Target.Dependency] =
        ["Assembly", "Contracts", "Cryptography", "JSON", "Postgres", "RPC", "Runtime", "Store", log] + dependencies
    return [
        .target(
            name: module, dependencies: everything, path: "Services/\(name)", exclude: ["Main"],
            resources: [.embedInCode("Store/Migrations")], swiftSettings: house),
        .executableTarget(
            name: name, dependencies: [.byName(name: module), "Runtime"], path: "Services/\(name)/Main",
            swiftSettings: house),
        .testTarget(
            name: "\(module)Tests", dependencies: [.byName(name: module), "TestSupport"] + everything + tests,
            path: "Tests/\(module)Tests", swiftSettings: house),
    ]
}

/// The fuzz targets, in a build that is made for them.
func fuzz() -> [Target] {
    guard isFuzzing else { return [] }
    return [
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "Archive", "CSV", "Contracts", "Cryptography", "HTTP2", "JSON", "MetadataService", "RPC", "Runtime",
                "ScrobbleService",
            ] + nio, path: "Tests/Fuzz",
            exclude: ["Corpus", "Sanitizers", "tsan.supp"], swiftSettings: house,
            linkerSettings: [.unsafeFlags(["-sanitize=address"]), .linkedLibrary("stdc++")])
    ]
}

/// A C library from Debian, found by pkg-config.
func system(_ name: String, _ pkgConfig: String, _ debian: String) -> [Target] {
    [.systemLibrary(name: name, path: "Shared/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])]
}

let package = Package(
    name: "reelay",
    products: [],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: []
        + system("CNghttp2", "libnghttp2", "libnghttp2-dev")
        + system("CLibpq", "libpq", "libpq-dev")
        + system("COpenSSL", "libcrypto", "libssl-dev")
        + system("CZlib", "zlib", "zlib1g-dev")
        + system("CLibzip", "libzip", "libzip-dev")
        + shared("JSON")
        + shared("CSV")
        + shared("Cryptography", ["COpenSSL"], wrapsC: true)
        + shared("GZip", ["CZlib"], wrapsC: true)
        + shared("Archive", ["CLibzip"], wrapsC: true, tests: ["GZip"])
        + shared(
            "Admission",
            [
                product("NIOCore", "swift-nio"), product("NIOSSL", "swift-nio-ssl"), product("NIOTLS", "swift-nio"),
            ])
        + shared(
            "HTTP2",
            ["Admission", "CNghttp2", product("NIOSSL", "swift-nio-ssl"), product("NIOTLS", "swift-nio")] + nio,
            wrapsC: true)
        + shared(
            "RPC", ["JSON", "HTTP2"] + nio, tests: [product("NIOSSL", "swift-nio-ssl")], testData: ["Conformance"])
        + shared("Postgres", ["CLibpq"], wrapsC: true)
        + shared("Contracts", ["JSON", "RPC"], tests: nil)
        + shared("RatingScales", ["Contracts", "JSON"])
        + shared(
            "OTLP", ["JSON", httpClient, product("NIOCore", "swift-nio"), product("NIOHTTP1", "swift-nio")],
            tests: [product("NIOPosix", "swift-nio")])
        + shared(
            "Outbound", ["Cryptography", "Runtime", httpClient, log, metrics, product("NIOCore", "swift-nio")],
            tests: [product("NIOHTTP1", "swift-nio"), product("NIOPosix", "swift-nio")])
        + shared("Reloading", [product("NIOPosix", "swift-nio")])
        + shared("Store", ["Contracts", "Cryptography", "JSON", "Postgres", "RPC"])
        + shared(
            "Edge",
            [
                "Contracts", "Cryptography", "GZip", "HTTP2", "JSON", "OTLP", "RPC", "Reloading", hummingbird,
                product("HummingbirdCore", "hummingbird"), log, metrics,
                product("HTTPTypes", "swift-http-types"), product("NIOCore", "swift-nio"),
                product("NIOHTTP1", "swift-nio"), product("NIOHTTP2", "swift-nio-http2"),
                product("NIOHTTPTypes", "swift-nio-extras"), product("NIOHTTPTypesHTTP1", "swift-nio-extras"),
                product("NIOHTTPTypesHTTP2", "swift-nio-extras"), product("NIOPosix", "swift-nio"),
                product("NIOSSL", "swift-nio-ssl"), product("NIOTLS", "swift-nio"),
            ], tests: [lifecycle, product("NIOEmbedded", "swift-nio")])
        + shared(
            "Assembly",
            [
                "Cryptography", "HTTP2", "OTLP", "Postgres", "RPC", "Runtime", "Store", log, metrics,
                product("NIOCore", "swift-nio"),
            ], tests: nil)
        + shared(
            "Runtime",
            [
                "Admission", "Cryptography", "OTLP", "Reloading", log, metrics,
                product("CoreMetrics", "swift-metrics"), lifecycle, product("UnixSignals", "swift-service-lifecycle"),
                hummingbird, product("HummingbirdCore", "hummingbird"), argumentParser,
                product("Configuration", "swift-configuration"), product("NIOSSL", "swift-nio-ssl"),
            ] + nio)
        + service(
            "metadata",
            [
                "GZip", "Outbound", httpClient, product("CoreMetrics", "swift-metrics"),
                product("NIOCore", "swift-nio"), product("NIOHTTP1", "swift-nio"),
            ], tests: ["UpstreamEmulators"])
        + service("ratings", ["RatingScales"])
        + service(
            "scrobble",
            [
                "Archive", "CSV", "OTLP", "Outbound", httpClient, metrics, product("NIOCore", "swift-nio"),
                product("NIOPosix", "swift-nio"), product("NIOHTTP1", "swift-nio"),
            ], tests: ["UpstreamEmulators"])
        + service(
            "gateway",
            [
                "Archive", "Edge", "HTTP2", "Outbound", "RatingScales", httpClient,
                product("CoreMetrics", "swift-metrics"), product("NIOCore", "swift-nio"),
                product("NIOHTTP1", "swift-nio"),
            ], tests: ["UpstreamEmulators", product("NIOPosix", "swift-nio")])
        + fuzz()
        + [
            .target(
                name: "TestSupport", dependencies: ["Postgres", log], path: "Tests/Support", swiftSettings: house),
            .target(
                name: "UpstreamEmulators",
                dependencies: [
                    "Archive", "CSV", "Cryptography", "GZip", "JSON", product("HTTPTypes", "swift-http-types"),
                    hummingbird,
                    lifecycle, log,
                ] + nio,
                path: "Tests/Upstreams", exclude: ["Main"], swiftSettings: house),
            .executableTarget(
                name: "upstreams", dependencies: ["UpstreamEmulators", hummingbird, argumentParser, log],
                path: "Tests/Upstreams/Main", swiftSettings: house),
            .target(
                name: "ContractGenCore", dependencies: ["JSON", product("Yams", "Yams")], path: "Shared/ContractGen",
                exclude: ["Main"], swiftSettings: house),
            .executableTarget(
                name: "contractgen", dependencies: ["ContractGenCore", argumentParser], path: "Shared/ContractGen/Main",
                swiftSettings: house),
            .testTarget(
                name: "ContractGenTests", dependencies: ["ContractGenCore", "Contracts", "JSON", "RPC"],
                path: "Tests/ContractGenTests", swiftSettings: house),
            .testTarget(name: "TidyTests", path: "Tests/TidyTests", swiftSettings: house),
            .testTarget(
                name: "SettingsTests",
                dependencies: [
                    "GatewayService", "MetadataService", "Outbound", "RatingsService", "Runtime", "ScrobbleService",
                    log, product("NIOPosix", "swift-nio"),
                ], path: "Tests/SettingsTests", swiftSettings: house),
            .testTarget(
                name: "UpgradeTests",
                dependencies: [
                    "Cryptography", "GatewayService", "MetadataService", "Postgres", "RatingsService",
                    "ScrobbleService", "Stack",
                ], path: "Tests/UpgradeTests", exclude: ["Release"], swiftSettings: house),
            .target(
                name: "Stack",
                dependencies: [product("NIOHTTP2", "swift-nio-http2"), product("NIOHPACK", "swift-nio-http2")] + nio,
                path: "Tests/Stack", swiftSettings: house),
            .testTarget(
                name: "ContractTests", dependencies: ["Cryptography", "Stack", product("Yams", "Yams")],
                path: "Tests/ContractTests", exclude: ["osv.py"], swiftSettings: house),
            .testTarget(
                name: "EndToEndTests",
                dependencies: [
                    "Archive", "CSV", "Cryptography", "HTTP2", "Stack", product("NIOCore", "swift-nio"),
                    product("NIOPosix", "swift-nio"),
                ],
                path: "Tests/EndToEndTests",
                exclude: ["abuse.py", "collector.py"],
                swiftSettings: house),
            .executableTarget(
                name: "bench-rpc",
                dependencies: ["Contracts", "HTTP2", "RPC", product("UnixSignals", "swift-service-lifecycle")] + nio,
                path: "Tests/Bench/RPC", swiftSettings: house),
            .executableTarget(
                name: "queue-worker",
                dependencies: [
                    "Contracts", "Cryptography", "Postgres", "ScrobbleService", "Store", httpClient,
                    product("NIOPosix", "swift-nio"),
                ], path: "Tests/QueueWorker", swiftSettings: house),
            .executableTarget(
                name: "bench-queue", dependencies: ["Contracts", "Postgres", "ScrobbleService", "Store"],
                path: "Tests/Bench/Queue", swiftSettings: house),
            .executableTarget(
                name: "bench-json", dependencies: ["Contracts", "JSON"], path: "Tests/Bench/JSON", swiftSettings: house),
            .executableTarget(name: "bench-csv", dependencies: ["CSV"], path: "Tests/Bench/CSV", swiftSettings: house),
            .executableTarget(
                name: "bench-decode", dependencies: ["JSON", "MetadataService", "UpstreamEmulators"],
                path: "Tests/Bench/Decode", swiftSettings: house),
            .executableTarget(
                name: "bench-match", dependencies: ["MetadataService", "TestSupport"], path: "Tests/Bench/Match",
                swiftSettings: house),
            .executableTarget(
                name: "match-eval", dependencies: ["CSV", "Cryptography", "MetadataService", "TestSupport"],
                path: "Tests/MatchEval",
                exclude: ["labels.txt", "catalogue.py"], swiftSettings: house),
            .executableTarget(
                name: "bench-load", dependencies: ["HTTP2", "JSON"], path: "Tests/Bench/Load", swiftSettings: house),
            .executableTarget(
                name: "bench-hummingbird", dependencies: [hummingbird, log], path: "Tests/Bench/Hummingbird",
                swiftSettings: house),
            .executableTarget(
                name: "bench-ratings",
                dependencies: [
                    "Assembly", "Contracts", "HTTP2", "JSON", "RPC", "Runtime", log, metrics,
                    product("UnixSignals", "swift-service-lifecycle"),
                ] + nio, path: "Tests/Bench/Ratings", swiftSettings: house),
            .testTarget(
                name: "FaultTests",
                dependencies: [
                    "Archive", "Contracts", "JSON", "Postgres", "ScrobbleService", "Stack", "Store", "TestSupport",
                    "UpstreamEmulators",
                ], path: "Tests/FaultTests", exclude: ["load.py"],
                swiftSettings: house),
        ].filter { !isSharedOnly || $0.name == "TestSupport" }
)
