/// The place of a sealed value, bound to it as associated data, so that it cannot be opened anywhere else.
package struct SealContext: Sendable, Hashable {
    package let service: String
    package let table: String
    package let column: String
    package let rowID: String
    package let userID: String?
    package let provider: String?

    package init(
        service: String, table: String, column: String, rowID: String, userID: String? = nil, provider: String? = nil
    ) {
        self.service = service
        self.table = table
        self.column = column
        self.rowID = rowID
        self.userID = userID
        self.provider = provider
    }

    /// The associated data: a label, then each field as a presence byte and, if present, a 32-bit big-endian length
    /// with its UTF-8 bytes. No two contexts share an encoding.
    func associatedData(keyID: String) -> [UInt8] {
        var bytes = Array("reelay.seal.v1".utf8)
        for field in [service, table, column, rowID, userID, provider, keyID] {
            guard let field else {
                bytes.append(0)
                continue
            }
            let content = Array(field.utf8)
            bytes.append(1)
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: content.count >> shift)) }
            bytes.append(contentsOf: content)
        }
        return bytes
    }
}
