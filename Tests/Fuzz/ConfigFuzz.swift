import Cryptography

@testable import Runtime

/// Reads any text as the settings of a process. The input is separated by NUL: the settings file, the file of every
/// secret, whose lines are also the names in the folder of secrets, then `NAME=VALUE` pairs of the environment.
enum ConfigFuzz {
    private static let standard = StandardKeys(portDefault: 7_100)
    private static let url = ConfigKey<String>.url("REELAY_PUBLIC_URL", default: "http://localhost", "A place.")
    private static let origins = ConfigKey<[String]>.list("REELAY_CORS_ORIGINS", "Web pages.")
    private static let registration = ConfigKey<String>.choice(
        "REELAY_REGISTRATION", of: ["first", "open"], default: "first", "Who may come.")
    private static let proxies = ConfigKey<Bool>.flag("REELAY_TRUSTED_PROXIES", default: false, "Whether to trust.")
    private static let provider = ConfigKey<String?>.optionalText("REELAY_TMDB_CLIENT_ID", "Who asks.")

    private static let required = ConfigSchema(
        standard.definitions + [
            SharedKeys.databaseURL.definition, SharedKeys.databasePassword.definition,
            SharedKeys.serviceSecret.definition, SharedKeys.keyRing.definition, SharedKeys.peerTLSFolder.definition,
            SharedKeys.serviceAuthentication.definition,
        ])
    private static let optional = ConfigSchema(
        standard.definitions + [
            SharedKeys.databasePassword.definition, SharedKeys.metadataAddress.definition, url.definition,
            origins.definition, registration.definition, proxies.definition, provider.definition,
        ])

    static func run(_ bytes: [UInt8]) -> Int32 {
        let parts = bytes.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        for part in parts { read(part) }
        let secret = parts.count > 1 ? parts[1] : ""
        var environment = [ConfigLoader.fileSetting: "settings"]
        for entry in parts.dropFirst(2) {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            environment[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        for schema in [required, optional] {
            let loader = ConfigLoader(schema: schema, knownNames: KnownKeys.names, knownSecrets: KnownKeys.secrets) {
                path in
                if path == "settings" { return .text(parts[0]) }
                return secret.isEmpty ? .unreadable(reason: "it is not there") : .text(secret)
            } listFolder: { _ in
                .names(secret.split(whereSeparator: \.isNewline).map(String.init))
            }
            do throws(StartupError) {
                let values = try loader.load(environment: environment)
                if schema.names == required.names { readRequired(values) } else { readOptional(values) }
            } catch {
                check(!error.problems.isEmpty, "a refusal names no problem")
                check(!error.block(service: "fuzz").isEmpty, "a refusal says nothing")
            }
        }
        return 0
    }

    /// Runs the parsers of a single text.
    private static func read(_ text: String) {
        let (values, problems) = ConfigFile.parse(text, path: "settings")
        let lineCount = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).count
        check(values.count + problems.count <= lineCount, "more is read than there are lines")
        for value in [text] + values.values {
            let trimmed = ConfigText.trimmed(value[...])
            check(ConfigText.trimmed(trimmed[...]) == trimmed, "trimming twice trims more")
            let shown = ConfigText.shown(value)
            check(!shown.contains(where: \.isNewline) && shown.utf8.count <= 128, "what is shown is one short line")
            if let duration = ConfigText.duration(value) {
                check(ConfigText.duration(ConfigText.seconds(duration)) == duration, "a duration reads as itself")
            }
            if let number = ConfigText.integer(value, in: -10...10) {
                check((-10...10).contains(number), "a number out of bounds")
            }
            check(!(ConfigText.isAddress(value) && value.contains(where: \.isWhitespace)), "an address with spaces")
            check(!(ConfigText.isURL(value) && !value.utf8.allSatisfy { (33...126).contains($0) }), "a URL with others")
        }
    }

    private static func readRequired(_ values: ConfigValues) {
        readStandard(values)
        check(values[SharedKeys.databaseURL].revealed.hasPrefix("postgres"), "a database of another kind")
        check(values[SharedKeys.serviceSecret].revealed.utf8.count >= 32, "a secret that is too short")
        check(values[SharedKeys.peerTLSFolder]?.hasPrefix("/") ?? true, "a folder that is somewhere else")
        let authentication = values[SharedKeys.serviceAuthentication]
        check(["secret", SharedKeys.byCertificate].contains(authentication), "another way to authenticate")
        check(!values[SharedKeys.keyRing].revealed.isEmpty, "no keys")
        _ = values[SharedKeys.databasePassword]
        check(values.unreadNames.isEmpty, "a setting is not read")
    }

    private static func readOptional(_ values: ConfigValues) {
        readStandard(values)
        _ = values[SharedKeys.databasePassword]
        check(ConfigText.isAddress(values[SharedKeys.metadataAddress]), "no address")
        check(ConfigText.isURL(values[url]), "no URL")
        check(values[origins].allSatisfy { !$0.isEmpty }, "an empty element")
        check(["first", "open"].contains(values[registration]), "another word")
        _ = values[proxies]
        _ = values[provider]
        check(values.unreadNames.isEmpty, "a setting is not read")
    }

    private static func readStandard(_ values: ConfigValues) {
        check(!values[standard.host].contains(where: \.isWhitespace), "a host with spaces")
        check((0...65_535).contains(values[standard.port]), "a port out of bounds")
        check(values[standard.adminPort].map { (0...65_535).contains($0) } ?? true, "a port out of bounds")
        check((1...64).contains(values[standard.eventLoops]), "threads out of bounds")
        check(values[standard.drainDelay] <= .seconds(30), "a delay out of bounds")
        check(values[standard.shutdownLimit] >= .seconds(1), "a limit out of bounds")
        check(values[standard.otlpInterval] >= .milliseconds(100), "an interval out of bounds")
        check(values[standard.otlpEndpoint].map(ConfigText.isURL) ?? true, "no URL")
        _ = values[standard.logLevel]
    }
}
