package import Cryptography

/// A setting without its type, for the documentation and the check at start.
package struct ConfigDefinition: Sendable {
    /// `REELAY_…`.
    package let name: String
    /// The form of a value, with unit and bounds: "an integer from 1 to 64".
    package let form: String
    /// The default value as text; nil if there is none.
    package let defaultText: String?
    /// Whether the service refuses to start without a value.
    package let isRequired: Bool
    /// Whether the value is never shown, and may come from the file named by `<name>_FILE` or from the folder of secrets.
    package let isSecret: Bool
    /// One sentence for the documentation.
    package let purpose: String
    let accepts: @Sendable (String) -> Bool
}

/// A typed setting: declared as data, read from `ConfigValues`.
package struct ConfigKey<Value: Sendable>: Sendable {
    package let definition: ConfigDefinition
    let parse: @Sendable (String) -> Value?
    /// The value if nothing is set; nil if one is required.
    let absent: Value?

    package var name: String { definition.name }

    /// Creates a key of any type; the factories below cover the usual ones. `absent` is the typed default, nil if
    /// required.
    package init(
        _ name: String, form: String, defaultText: String? = nil, absent: Value?, isSecret: Bool = false,
        purpose: String, parse: @escaping @Sendable (String) -> Value?
    ) {
        definition = ConfigDefinition(
            name: name, form: form, defaultText: defaultText, isRequired: absent == nil, isSecret: isSecret,
            purpose: purpose, accepts: { parse($0) != nil })
        self.parse = parse
        self.absent = absent
    }
}

/// What a number counts.
package enum ConfigUnit: String, Sendable {
    case count = ""
    case bytes = " of bytes"
    case percent = " of percent"
}

extension ConfigKey where Value == Int {
    /// A whole number within bounds; required unless it has a default.
    package static func integer(
        _ name: String, unit: ConfigUnit = .count, default defaultValue: Int? = nil, in bounds: ClosedRange<Int>,
        _ purpose: String
    ) -> ConfigKey {
        ConfigKey(
            name, form: "an integer\(unit.rawValue) from \(bounds.lowerBound) to \(bounds.upperBound)",
            defaultText: defaultValue.map(String.init), absent: defaultValue, purpose: purpose,
            parse: { ConfigText.integer($0, in: bounds) })
    }

    /// A TCP port.
    package static func port(_ name: String, default defaultValue: Int, _ purpose: String) -> ConfigKey {
        ConfigKey(
            name, form: "a port from 0 to 65535 (0: any free one)", defaultText: String(defaultValue),
            absent: defaultValue, purpose: purpose, parse: { ConfigText.integer($0, in: 0...65_535) })
    }
}

extension ConfigKey where Value == Int? {
    /// A TCP port that is derived from other settings if absent; `defaultText` says how.
    package static func optionalPort(_ name: String, defaultText: String, _ purpose: String) -> ConfigKey {
        ConfigKey(
            name, form: "a port from 0 to 65535 (0: any free one)", defaultText: defaultText, absent: .some(nil),
            purpose: purpose, parse: { ConfigText.integer($0, in: 0...65_535).map(Optional.some) })
    }
}

extension ConfigKey where Value == Duration {
    /// A duration in seconds, with up to three decimals; the name ends in `_SECONDS`.
    package static func seconds(
        _ name: String, default defaultValue: Duration, in bounds: ClosedRange<Duration>, _ purpose: String
    ) -> ConfigKey {
        let (least, most) = (ConfigText.seconds(bounds.lowerBound), ConfigText.seconds(bounds.upperBound))
        return ConfigKey(
            name, form: "a number of seconds from \(least) to \(most)", defaultText: ConfigText.seconds(defaultValue),
            absent: defaultValue, purpose: purpose,
            parse: { text in ConfigText.duration(text).flatMap { bounds.contains($0) ? $0 : nil } })
    }
}

extension ConfigKey where Value == Bool {
    /// `true` or `false`.
    package static func flag(_ name: String, default defaultValue: Bool, _ purpose: String) -> ConfigKey {
        ConfigKey(
            name, form: "true or false", defaultText: String(defaultValue), absent: defaultValue, purpose: purpose,
            parse: { Bool($0) })
    }
}

extension ConfigKey where Value == String {
    /// A text of up to 4,096 bytes; required unless it has a default. `form` and `accepts` restrict it.
    package static func text(
        _ name: String, form: String = "a text", default defaultValue: String? = nil, _ purpose: String,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ConfigKey {
        ConfigKey(
            name, form: form, defaultText: defaultValue, absent: defaultValue, purpose: purpose,
            parse: { accepts($0) ? $0 : nil })
    }

    /// One of a few words.
    package static func choice(
        _ name: String, of words: [String], default defaultValue: String, _ purpose: String
    ) -> ConfigKey {
        text(name, form: "one of \(words.joined(separator: ", "))", default: defaultValue, purpose) {
            words.contains($0)
        }
    }

    /// An http or https URL without user, query and fragment; required unless it has a default.
    package static func url(_ name: String, default defaultValue: String? = nil, _ purpose: String) -> ConfigKey {
        text(
            name, form: "an http or https URL without user, query and fragment", default: defaultValue, purpose,
            accepts: ConfigText.isURL)
    }

    /// A peer as `host:port`, or several of its copies; required unless it has a default.
    package static func address(_ name: String, default defaultValue: String? = nil, _ purpose: String) -> ConfigKey {
        text(name, form: "host:port, or several separated by commas", default: defaultValue, purpose) {
            $0.split(separator: ",", omittingEmptySubsequences: false).allSatisfy { ConfigText.isAddress(String($0)) }
        }
    }
}

extension ConfigKey where Value == String? {
    /// An optional text.
    package static func optionalText(
        _ name: String, form: String = "a text", _ purpose: String,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ConfigKey {
        ConfigKey(name, form: form, absent: .some(nil), purpose: purpose, parse: { accepts($0) ? .some($0) : nil })
    }
}

extension ConfigKey where Value == [String] {
    /// Texts separated by commas; spaces around each are dropped; empty if absent.
    package static func list(
        _ name: String, form: String = "texts separated by commas", _ purpose: String,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ConfigKey {
        ConfigKey(name, form: form, defaultText: "none", absent: [], purpose: purpose) { text in
            let parts = text.split(separator: ",").map { ConfigText.trimmed($0) }
            return parts.allSatisfy { !$0.isEmpty && accepts($0) } ? parts : nil
        }
    }
}

extension ConfigKey {
    /// A required secret, given as `name`, in the file of `name_FILE`, or in the folder of secrets.
    package static func secret(
        _ name: String, form: String = "a secret text", _ purpose: String,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ConfigKey<Secret> where Value == Secret {
        ConfigKey<Secret>(
            name, form: form, absent: nil, isSecret: true, purpose: purpose,
            parse: { accepts($0) ? Secret($0) : nil })
    }

    /// An optional secret, given as `name`, in the file of `name_FILE`, or in the folder of secrets.
    package static func optionalSecret(
        _ name: String, form: String = "a secret text", _ purpose: String,
        accepts: @escaping @Sendable (String) -> Bool = { _ in true }
    ) -> ConfigKey<Secret?> where Value == Secret? {
        ConfigKey<Secret?>(
            name, form: form, absent: .some(nil), isSecret: true, purpose: purpose,
            parse: { accepts($0) ? .some(Secret($0)) : nil })
    }
}
