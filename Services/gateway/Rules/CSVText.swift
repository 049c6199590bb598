/// Rows of comma-separated values (RFC 4180) that no spreadsheet takes for formulas.
struct CSVText: Sendable {
    private(set) var bytes: [UInt8] = []

    private static let quote = UInt8(ascii: "\"")

    /// Appends a row of quoted cells; a cell that a spreadsheet could run gets an apostrophe in front.
    mutating func row(_ cells: [String]) {
        for (place, cell) in cells.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(Self.quote)
            for byte in Self.neutral(cell).utf8 {
                if byte == Self.quote { bytes.append(Self.quote) }
                bytes.append(byte)
            }
            bytes.append(Self.quote)
        }
        bytes += [13, 10]
    }

    /// Appends the rows of another text.
    mutating func append(_ other: CSVText) { bytes += other.bytes }

    /// Returns the cell as it may be shown. A cell that already begins with apostrophes before such a character gets
    /// one more, so that removing exactly one restores the original.
    static func neutral(_ cell: String) -> String {
        switch cell.utf8.first(where: { $0 != UInt8(ascii: "'") }) {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 9, 13: "'" + cell
        default: cell
        }
    }
}
