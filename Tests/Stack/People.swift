import Foundation

/// People with an account and a session, for tests that each need one of their own.
///
/// Hashing a password is meant to cost a third of a second of CPU time. So one person registers as usual, and the
/// others are copies of that person's rows with their own names, ids and tokens, made many at a time.
///
/// An actor, so that a caller that finds nobody left makes more for all.
package actor People {
    package struct Person: Sendable {
        package let name: String
        package let token: String
    }

    /// The password of every person.
    package static let password = "an odd phrase of mine"
    private static let batch = 32

    private let gateway: StackProcess
    private let database: StackDatabase
    private var founding: Task<String, any Error>?
    private var members: [Person] = []
    private var administrators: [Person] = []

    init(gateway: StackProcess, database: StackDatabase) {
        self.gateway = gateway
        self.database = database
    }

    /// A person who has done nothing yet. The first person registered, the administrator, is never returned.
    package func next(asAdministrator: Bool = false) async throws -> Person {
        let founder = try await founder()
        if asAdministrator {
            if administrators.isEmpty { administrators += try await copies(of: founder, role: "admin") }
            return administrators.removeLast()
        }
        if members.isEmpty { members += try await copies(of: founder, role: "member") }
        return members.removeLast()
    }

    private func founder() async throws -> String {
        let task =
            founding
            ?? Task { [gateway] in
                let name = Self.name()
                let answer = try await Wire.send(
                    "POST", "http://127.0.0.1:\(gateway.port)/api/v1/auth/register",
                    headers: ["content-type": "application/json"],
                    body: #"{"username":"\#(name)","password":"\#(Self.password)"}"#)
                guard answer.status == 201 else { throw StackError("nobody could register: \(answer.text)") }
                return name
            }
        founding = task
        return try await task.value
    }

    private func copies(of founder: String, role: String) async throws -> [Person] {
        let people = (0..<Self.batch).map { _ in Person(name: Self.name(), token: Self.token()) }
        let values = people.map { "('\($0.name)', '\($0.token)')" }.joined(separator: ", ")
        let made = try await database.query(
            """
            WITH newcomer (name, token) AS (VALUES \(values)),
            made AS (
                INSERT INTO gateway.users
                SELECT copy.* FROM gateway.users founder, newcomer,
                    jsonb_populate_record(NULL::gateway.users, to_jsonb(founder) || jsonb_build_object(
                        'id', gen_random_uuid(), 'username', newcomer.name, 'username_key', newcomer.name,
                        'role', '\(role)')) AS copy
                WHERE founder.username_key = '\(founder)'
                RETURNING id, username_key
            )
            INSERT INTO gateway.sessions
            SELECT copy.* FROM gateway.users founder JOIN gateway.sessions session ON session.user_id = founder.id,
                newcomer JOIN made ON made.username_key = newcomer.name,
                jsonb_populate_record(NULL::gateway.sessions, to_jsonb(session) || jsonb_build_object(
                    'id', gen_random_uuid(), 'user_id', made.id, 'authenticated_at', now(),
                    'token_hash', sha256(convert_to(newcomer.token, 'UTF8')),
                    'refresh_hash', sha256(convert_to('refresh ' || newcomer.token, 'UTF8')))) AS copy
            WHERE founder.username_key = '\(founder)'
            RETURNING id
            """)
        guard made.count == people.count else { throw StackError("\(made.count) of \(people.count) people were made") }
        return people
    }

    private static func name() -> String { "p" + UUID().uuidString.prefix(12).lowercased() }

    /// A token in the gateway's format: 256 random bits after the prefix of session tokens.
    private static func token() -> String {
        let bits = Data((0..<32).map { _ in UInt8.random(in: .min ... .max) }).base64EncodedString()
        let text = bits.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        return "reelay_st_" + text
    }
}
