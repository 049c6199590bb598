// swift-tools-version: 6.2
import PackageDescription

// Two helpers make every target, so that a module, its tests and its settings cannot drift apart:
//   shared("RPC", …)      → Shared/RPC and, where it has tests, Tests/RPCTests
//   service("ratings", …) → Services/ratings (library RatingsService) and the executable in Services/ratings/Main

let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nio = [
    product("NIOCore", "swift-nio"), product("NIOPosix", "swift-nio"), product("NIOConcurrencyHelpers", "swift-nio"),
]
let log = product("Logging", "swift-log")
let metrics = product("Metrics", "swift-metrics")
let tracing = product("Tracing", "swift-distributed-tracing")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let hummingbird = product("Hummingbird", "hummingbird")
let httpClient = product("AsyncHTTPClient", "async-http-client")

/// A module of `Shared/`; `wrapsC` turns on strict memory safety where C is touched.
func shared(
    _ name: String, _ dependencies: [Target.Dependency] = [], wrapsC: Bool = false, tests: [Target.Dependency]? = []
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
                path: "Tests/\(name)Tests", swiftSettings: house))
    }
    return targets
}

/// A service: the library that holds everything, the executable that starts it, and its tests.
func service(_ name: String, _ dependencies: [Target.Dependency] = []) -> [Target] {
    let module = name.prefix(1).uppercased() + name.dropFirst() + "Service"
    let everything: [Target.Dependency] =
        ["Contracts", "Crypto", "JSON", "Postgres", "RPC", "Runtime", log, lifecycle] + dependencies
    return [
        .target(
            name: module, dependencies: everything, path: "Services/\(name)", exclude: ["Main"],
            resources: [.embedInCode("Store/Migrations")], swiftSettings: house),
        .executableTarget(
            name: name, dependencies: [.byName(name: module), "Runtime"], path: "Services/\(name)/Main",
            swiftSettings: house),
        .testTarget(
            name: "\(module)Tests", dependencies: [.byName(name: module), "TestSupport"] + everything,
            path: "Tests/\(module)Tests", swiftSettings: house),
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
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: []
        + system("CNghttp2", "libnghttp2", "libnghttp2-dev")
        + system("CLibpq", "libpq", "libpq-dev")
        + system("COpenSSL", "libcrypto", "libssl-dev")
)
