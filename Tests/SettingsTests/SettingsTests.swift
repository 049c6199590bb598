import Foundation
import Logging
import NIOPosix
@testable import Outbound
@testable import Runtime
import Testing

@testable import GatewayService
@testable import MetadataService
@testable import RatingsService
@testable import ScrobbleService

/// The settings of all four services together.
@Suite struct SettingsTests {
    static let definitions = [
        GatewayService.definition, MetadataService.definition, RatingsService.definition, ScrobbleService.definition,
    ]

    @Test("A service that finds another's settings in its environment takes none for a mistake")
    func knownKeys() {
        for definition in Self.definitions {
            #expect(KnownKeys.missing(from: definition.schema) == [], "\(definition.name)")
        }
    }

    @Test(
        "Outgoing calls of the gateway may lead to no port of the deployment, its own internal and admin ports included"
    )
    func ownPorts() {
        let values = ConfigValues(
            schema: GatewayService.definition.schema,
            texts: [
                "REELAY_DATABASE_URL": "postgres://reelay@db:6432/reelay", "REELAY_ADMIN_PORT": "9999",
                "REELAY_SCROBBLE_ADDRESS": "scrobble:7203",
            ])
        let ports: Set = [8_080, 9_080, 6_432, 7_101, 8_101, 7_102, 8_102, 7_203, 8_203, 7_100, 9_999]
        #expect(OutboundGuard.ownPorts(values, port: 8_080) == ports)
    }

    @Test("The gateway may have a loop for each processor, the others for every second")
    func eventLoops() {
        for definition in Self.definitions {
            #expect(definition.eventLoopsMax(8) == (definition.name == "gateway" ? 8 : 4), "\(definition.name)")
        }
    }

    @Test("Certificates alone need certificates: without their folder no service starts, and it says what is missing")
    func certificatesAlone() async throws {
        for definition in Self.definitions {
            let values = ConfigValues(
                schema: definition.schema,
                texts: [
                    "REELAY_SERVICE_SECRET": String(repeating: "s", count: 32),
                    "REELAY_SERVICE_AUTHENTICATION": "certificate",
                ])
            let runtime = ServiceRuntime(
                name: definition.name, version: "1", host: "127.0.0.1", port: 0,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                group: MultiThreadedEventLoopGroup.singleton, readiness: Readiness(), metrics: MetricsRegistry())
            let missing = StartupError.setting(
                "REELAY_SERVICE_AUTHENTICATION", "certificate requires REELAY_PEER_TLS_FOLDER, which is not set")
            await #expect(throws: missing, "\(definition.name)") { _ = try await definition.build(values, runtime) }
        }
    }

    @Test("A default is a value that would be taken")
    func defaults() {
        // "none" stands for an empty list.
        let lists = [
            "REELAY_CORS_ORIGINS", "REELAY_OUTBOUND_NETWORKS", "REELAY_PROVIDERS_OFF", "REELAY_TRUSTED_PROXIES",
        ]
        for definition in Self.definitions {
            for setting in definition.schema.definitions where setting.name != "REELAY_ADMIN_PORT" {
                if let text = setting.defaultText, !text.isEmpty, !lists.contains(setting.name) {
                    #expect(setting.accepts(text), "\(definition.name) \(setting.name)")
                }
            }
        }
    }

    @Test(
        "docs/configuration.md has every setting as --config-docs prints it, with the services that read it, and no other"
    )
    func document() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/configuration.md")
        let documented = Set(
            try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `REELAY_") }
                .map(String.init))
        var services: [String: [String]] = [:]
        for definition in Self.definitions {
            for row in definition.schema.markdown().split(separator: "\n") where row.hasPrefix("| `REELAY_") {
                services[String(row), default: []].append(definition.name)
            }
        }
        let expected = Set(services.map { row, names in "\(row) \(names.joined(separator: ", ")) |" })
        #expect(documented.subtracting(expected).sorted() == [], "documented, but not so")
        #expect(expected.subtracting(documented).sorted() == [], "not documented; run deploy/dev/generate")
    }
}
