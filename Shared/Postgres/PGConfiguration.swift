internal import CLibpq

/// Where the database is and how its sessions are set up.
package struct PGConfiguration: Sendable {
    /// libpq's keywords and their values, from the URL.
    private(set) var keywords: [String: String]
    /// The name shown in `pg_stat_activity`.
    package var applicationName: String
    /// The only schema searched for unqualified names; nil keeps the role's own `search_path`.
    package let schema: String?
    package var limits: PGLimits

    /// Parses `postgres://user:password@host:port/database?key=value`, with a Unix socket given as `host=` or
    /// percent-encoded. Throws `configuration` for a URL that libpq does not understand and for a schema that is not a
    /// plain name.
    package init(
        url: String, applicationName: String, schema: String? = nil, limits: PGLimits = PGLimits()
    ) throws(PGError) {
        if let schema, !Self.isPlainName(schema) {
            throw PGError(.configuration, "schema name may contain only a-z, 0-9 and _")
        }
        self.keywords = try Self.parse(url)
        self.applicationName = applicationName
        self.schema = schema
        self.limits = limits
    }

    /// Sets the password if the URL has none.
    package mutating func usePassword(_ password: String) {
        if keywords["password"] == nil { keywords["password"] = password }
    }

    static func isPlainName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
        let isLetter = { (byte: UInt8) in (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == 0x5f }
        return isLetter(first)
            && name.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func parse(_ url: String) throws(PGError) -> [String: String] {
        var complaint: UnsafeMutablePointer<CChar>?
        guard let options = unsafe PQconninfoParse(url, &complaint) else {
            unsafe PQfreemem(complaint)
            // libpq's message may quote the URL, and with it the password.
            throw PGError(.configuration, "database URL is malformed")
        }
        defer { unsafe PQconninfoFree(options) }
        var found: [String: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe found[String(cString: keyword)] = String(cString: value)
            }
            unsafe option += 1
        }
        return found
    }

    /// The host names that must be resolved before libpq can connect without blocking; empty for sockets and addresses.
    var namesToResolve: [String] {
        guard keywords["hostaddr"] == nil, let host = keywords["host"] else { return [] }
        let hosts = host.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return hosts.allSatisfy(Self.needsNoLookUp) ? [] : hosts
    }

    /// Whether `host` is a socket directory or a numeric address.
    private static func needsNoLookUp(_ host: String) -> Bool {
        let isSocket = host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@")
        return isSocket || host.contains(":")
            || host.utf8.allSatisfy { $0 == 0x2e || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The keywords for `PQconnectStartParams`; `addresses` are the resolved hosts.
    func connectionKeywords(addresses: [PGHostAddress]) -> [(String, String)] {
        var all = keywords
        if !addresses.isEmpty {
            all["host"] = addresses.map(\.host).joined(separator: ",")
            all["hostaddr"] = addresses.map(\.address).joined(separator: ",")
            all["port"] = addresses.map(\.port).joined(separator: ",")
        }
        all["application_name"] = applicationName
        all["client_encoding"] = "UTF8"
        all["keepalives_idle"] = all["keepalives_idle"] ?? "30"
        all["keepalives_interval"] = all["keepalives_interval"] ?? "10"
        all["keepalives_count"] = all["keepalives_count"] ?? "3"
        all["tcp_user_timeout"] = all["tcp_user_timeout"] ?? "30000"
        var options = all["options"].map { $0 + " " } ?? ""
        options += "-c statement_timeout=\(limits.statementTimeout.wholeMilliseconds)"
        options += " -c idle_in_transaction_session_timeout=\(limits.idleInTransactionTimeout.wholeMilliseconds)"
        // Statements are prepared once and written for an index. By default Postgres replans for the values of each
        // call whenever that looks cheaper, which takes longer than most of our statements run.
        options += " -c plan_cache_mode=force_generic_plan"
        // A plan made before the tables were analyzed looks expensive; compiling one took 0.4 s for each call of a
        // statement that ran for 5 ms.
        options += " -c jit=off"
        if let schema { options += " -c search_path=\(schema)" }
        all["options"] = options
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The port of the host at `index`; libpq takes one port for all hosts or one for each.
    func port(at index: Int) -> String {
        let ports = (keywords["port"] ?? "5432").split(separator: ",", omittingEmptySubsequences: false)
        let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
        return port.isEmpty ? "5432" : String(port)
    }
}

extension Duration {
    /// Rounded up, so that a positive duration never becomes zero, which Postgres reads as "none".
    var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}

/// Shows the host, port, database and user, never the password.
extension PGConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String {
        let place = ["host", "port", "dbname", "user"].compactMap { key in keywords[key].map { "\(key)=\($0)" } }
        return "PGConfiguration(\(place.joined(separator: " ")))"
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["place": description]) }
}
