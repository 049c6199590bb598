/// Names accepted by Prometheus.
enum MetricName {
    /// Lowercase letters, digits and underscores; every other character becomes an underscore.
    static func valid(_ label: String) -> String {
        var name = ""
        for byte in label.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                name.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                name.append("_")
            }
        }
        guard let first = name.utf8.first else { return "_" }
        return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) ? "_" + name : name
    }

    static func counter(_ label: String) -> String { suffixed(valid(label), "_total") }

    static func timer(_ label: String) -> String { suffixed(valid(label), "_seconds") }

    private static func suffixed(_ name: String, _ suffix: String) -> String {
        name.hasSuffix(suffix) ? name : name + suffix
    }
}

/// Lines of the Prometheus text format, written without a formatter.
enum MetricText {
    /// Bytes of the longest label value; the rest is truncated.
    private static let labelBytesMax = 128

    static func appendHead(name: String, kind: MetricKind, help: String?, to text: inout [UInt8]) {
        let meaning = (help ?? name.replacing("_", with: " ") + ".")
            .replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        text.append(contentsOf: "# HELP \(name) \(meaning)\n# TYPE \(name) \(kind.rawValue)\n".utf8)
    }

    static func appendLine(_ name: String, labels: String, _ value: Double, to text: inout [UInt8]) {
        text.append(contentsOf: name.utf8)
        if !labels.isEmpty {
            text.append(UInt8(ascii: "{"))
            text.append(contentsOf: labels.utf8)
            text.append(UInt8(ascii: "}"))
        }
        text.append(UInt8(ascii: " "))
        text.append(contentsOf: number(value).utf8)
        text.append(UInt8(ascii: "\n"))
    }

    static func appendSingle(
        _ name: String, _ kind: MetricKind, _ value: Double, help: String, to text: inout [UInt8]
    ) {
        appendHead(name: name, kind: kind, help: help, to: &text)
        appendLine(name, labels: "", value, to: &text)
    }

    /// Returns `a="b",c="d"`, sorted by name; the last of two equal names wins.
    static func labels(_ dimensions: [(String, String)]) -> String {
        guard !dimensions.isEmpty else { return "" }
        var values: [String: String] = [:]
        for (name, value) in dimensions {
            let valid = MetricName.valid(name)
            // Prometheus reserves names that start with two underscores, and `le`.
            values[valid.hasPrefix("__") || valid == "le" ? "label" + valid : valid] = value
        }
        return values.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(escaped($0.value))\"" }.joined(separator: ",")
    }

    static func number(_ value: Double) -> String {
        if let whole = Int64(exactly: value) { return String(whole) }
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.description
    }

    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            if text.utf8.count >= labelBytesMax { break }
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
