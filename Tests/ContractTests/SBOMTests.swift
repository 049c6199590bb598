import Foundation
import Stack
import Testing

/// The SBOM lists every component.
@Suite struct SBOMTests {
    private static func components() async throws -> [String: Any] {
        let text = try await Command.run(Project.root.appendingPathComponent("deploy/dev/sbom").path, [])
        return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test("A CycloneDX document with every package of the manifest and of the image, each once and with a version")
    func complete() async throws {
        let document = try await Self.components()
        #expect(document["bomFormat"] as? String == "CycloneDX" && document["specVersion"] as? String == "1.5")
        let number = try #require(document["serialNumber"] as? String)
        #expect(
            number.wholeMatch(of: /urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/)
                != nil)
        let components = try #require(document["components"] as? [[String: Any]])
        let places = components.compactMap { $0["purl"] as? String }
        #expect(places.count == components.count && Set(places).count == places.count)
        for component in components {
            #expect(component["type"] as? String == "library")
            #expect((component["version"] as? String)?.isEmpty == false, "\(component)")
            #expect(component["bom-ref"] as? String == component["purl"] as? String)
        }
        let graph = try #require((document["dependencies"] as? [[String: Any]])?.first)
        #expect(Set(graph["dependsOn"] as? [String] ?? []) == Set(places))

        let manifest = try String(contentsOf: Project.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let packages = manifest.matches(of: /\.package\(url: "https:\/\/([^"]+)"/).map { String($0.1) }
        #expect(packages.count >= 10)
        for package in packages {
            #expect(places.contains { $0.hasPrefix("pkg:swift/\(package)@") }, "\(package) is not listed")
        }
        let image = try String(contentsOf: Project.root.appendingPathComponent("deploy/Dockerfile"), encoding: .utf8)
        let runtime = try #require(image.range(of: "AS runtime")).upperBound
        let line = try #require(image[runtime...].firstMatch(of: /--no-install-recommends ([^\\]+)\\/))
        let wanted = line.1.split(separator: " ").map(String.init)
        #expect(wanted.count >= 5)
        for package in wanted {
            #expect(places.contains { $0.hasPrefix("pkg:deb/debian/\(package)@") }, "\(package) is not listed")
        }
        // What is linked comes with what it needs itself.
        #expect(places.contains { $0.hasPrefix("pkg:deb/debian/libc6@") })
    }

    /// Places of Swift packages, each with its version.
    private static func packages(_ document: [String: Any]) throws -> [String: String] {
        let places = try #require(document["components"] as? [[String: Any]]).compactMap { $0["purl"] as? String }
        let parts = places.filter { $0.hasPrefix("pkg:swift/") }.map { $0.split(separator: "@").map(String.init) }
        return Dictionary(uniqueKeysWithValues: try parts.map { (try #require($0.first), try #require($0.last)) })
    }

    @Test("The list that is kept here has every package that is built in, none else, and none too old")
    func kept() async throws {
        let file = Project.root.appendingPathComponent("deploy/sbom.json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let kept = try Self.packages(document)
        let resolved = try Self.packages(try await Self.components())
        #expect(
            Set(kept.keys).symmetricDifference(resolved.keys).sorted() == [],
            "deploy/dev/sbom >deploy/sbom.json mends it")
        let manifest = try String(contentsOf: Project.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let wanted = manifest.matches(of: /\.package\(url: "https:\/\/([^"]+)", from: "([^"]+)"/)
        #expect(wanted.count >= 10)
        for package in wanted {
            let version = try #require(kept["pkg:swift/\(package.1)"], "\(package.1)")
            #expect(
                version.compare(String(package.2), options: .numeric) != .orderedAscending, "\(package.1) \(version)")
        }
    }
}
