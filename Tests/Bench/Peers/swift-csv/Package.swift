// swift-tools-version: 6.2
import PackageDescription

// A separate package, to keep the peer's dependencies out of ours.
let package = Package(
    name: "bench-swift-csv",
    dependencies: [.package(url: "https://github.com/swiftcsv/SwiftCSV", from: "0.10.0")],
    targets: [
        .executableTarget(
            name: "bench-swift-csv", dependencies: [.product(name: "SwiftCSV", package: "SwiftCSV")],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
