import AsyncHTTPClient
import Contracts
import Cryptography
import Logging
import RPC
import Runtime
import TestSupport
import Testing
import UpstreamEmulators

@testable import GatewayService

/// What is asked about new passwords, over real connections to an emulated Pwned Passwords.
@Suite struct BreachedPasswordTests {
    /// The emulator, and a gateway that asks it.
    private struct Asked: Sendable {
        let upstreams: RunningUpstreams
        let breaches: BreachedPasswords
        let metrics: MetricsRegistry
        let notebook: LogNotebook

        /// What the emulator was asked.
        var questions: [UpstreamRequest] { upstreams.server.desk.book(provider: .pwned).entries.map(\.request) }

        func add(_ kind: Fault.Kind, status: Int? = nil) {
            _ = upstreams.server.desk.add(Fault(provider: .pwned, kind: kind, times: 1, status: status))
        }

        func outcome(
            of password: String, within time: Duration = .seconds(20)
        ) async -> BreachedPasswords.Outcome { await breaches.outcome(of: password, until: .now + time) }

        /// The value of the counter for each outcome.
        var counts: [String: Int] {
            let text = String(decoding: metrics.exposition(), as: UTF8.self)
            var counts: [String: Int] = [:]
            for match in text.matches(of: /breached_password_checks_total\{outcome="(\w+)"\} ([0-9.]+)/) {
                counts[String(match.1)] = Double(match.2).map { Int($0) }
            }
            return counts
        }
    }

    /// `url` replaces the emulator's.
    private static func asking(
        _ limits: BreachLimits = BreachLimits(), url: String? = nil, ending: String = "",
        _ body: @escaping @Sendable (Asked) async throws -> Void
    ) async throws {
        try await RunningUpstreams.run { upstreams in
            let client = HTTPClient(configuration: BreachedPasswords.configuration(limits))
            let metrics = MetricsRegistry()
            let notebook = LogNotebook()
            let breaches = BreachedPasswords(
                url: (url ?? upstreams.url(.pwned)) + ending, userAgent: "Reelay/test", client: client, limits: limits,
                logger: notebook.logger, factory: metrics)
            do {
                try await body(Asked(upstreams: upstreams, breaches: breaches, metrics: metrics, notebook: notebook))
            } catch {
                try await client.shutdown()
                throw error
            }
            try await client.shutdown()
        }
    }

    private static func register(
        _ home: Household, _ name: String, _ password: String, invite: String? = nil
    ) async -> RegistryError? {
        await Household.refusal { () async throws(RPCError) in
            _ = try await Register(accounts: home.accounts).run(
                RegisterInput(body: Registration(username: name, password: password, invite: invite)),
                Household.context())
        }
    }

    @Test("A breached password is refused at registration and at a change; one that is not, or that pads, is taken")
    func refused() async throws {
        try await Self.asking { asked in
            try await Household.live(breaches: asked.breaches) { home async throws in
                for password in PwnedPasswordsEmulator.breached {
                    #expect(PasswordPolicy.fault(password, username: Username("alice")) == nil, "\(password)")
                    #expect(await Self.register(home, "alice", password) == .weakPassword, "\(password)")
                }
                let grant = try await home.register("alice")
                #expect(await Self.register(home, "bob", PwnedPasswordsEmulator.padded) == nil)
                #expect(asked.counts == ["clean": 2, "breached": 3, "unasked": 0])
                let found = try await home.caller(grant)
                let caller = try #require(found)
                for password in PwnedPasswordsEmulator.breached {
                    let refusal = await Household.refusal { () async throws(RPCError) in
                        try await home.changePassword(caller, from: Household.phrase, to: password)
                    }
                    #expect(refusal == .weakPassword, "\(password)")
                }
                try await home.changePassword(caller, from: Household.phrase, to: PwnedPasswordsEmulator.padded)
                _ = try await home.logIn("alice", PwnedPasswordsEmulator.padded)
                #expect(asked.counts == ["clean": 3, "breached": 6, "unasked": 0])
                #expect(asked.notebook.lines == [])
            }
        }
    }

    @Test("Five digits of the hash leave, with a request for padding, and nothing else of the password anywhere")
    func fiveDigits() async throws {
        try await Self.asking { asked in
            let passwords = PwnedPasswordsEmulator.breached + [PwnedPasswordsEmulator.padded, Household.phrase]
            for password in passwords { _ = await asked.outcome(of: password) }
            let questions = asked.questions
            #expect(questions.count == passwords.count)
            for (question, password) in zip(questions, passwords) {
                let digits = Hex.encode(SHA1.hash(password))
                #expect(question.method == "GET" && question.body.isEmpty && question.query.isEmpty)
                #expect(question.path == "/range/\(digits.prefix(5).uppercased())")
                #expect(question.header("add-padding") == "true" && question.header("user-agent") == "Reelay/test")
                let sent = question.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n").lowercased()
                // The sixth digit together with those before it would be one too many, wherever it stands.
                for secret in [password, String(digits.prefix(6)), String(digits.dropFirst(5).prefix(6))] {
                    #expect(!sent.contains(secret) && !question.path.lowercased().contains(secret))
                }
                let names = Set(question.headers.map(\.name))
                #expect(names.subtracting(["host", "add-padding", "user-agent", "connection", "content-length"]) == [])
            }
        }
    }

    @Test("Nobody is asked at a login, nor before it is known who asks and what the local rules say")
    func lastOfAll() async throws {
        try await Self.asking { asked in
            try await Household.live(breaches: asked.breaches) { home async throws in
                let grant = try await home.register("alice")
                _ = try await home.logIn("alice")
                let found = try await home.caller(grant)
                let caller = try #require(found)
                let invite = "reelay_in_" + String(repeating: "A", count: 43)
                #expect(await Self.register(home, "bob", "a fresh odd phrase", invite: invite) == .invalidInvite)
                #expect(await Self.register(home, "bob", "password1") == .weakPassword)
                for (current, new) in [("not my phrase", "a fresh odd phrase"), (Household.phrase, "password1")] {
                    let refusal = await Household.refusal { () async throws(RPCError) in
                        try await home.changePassword(caller, from: current, to: new)
                    }
                    #expect(refusal == (new == "password1" ? .weakPassword : .wrongPassword))
                }
                #expect(asked.questions.count == 1, "the first registration")
            }
        }
    }

    @Test("Whatever Pwned Passwords does instead of answering, the password is taken, in time, and that is counted")
    func faults() async throws {
        var limits = BreachLimits()
        limits.questionTimeout = .milliseconds(500)
        limits.pause = .zero
        try await Self.asking(limits) { asked in
            try await Household.live(breaches: asked.breaches) { home async throws in
                let faults: [(kind: Fault.Kind, status: Int?, cause: BreachedPasswords.Cause)] = [
                    (.status, 500, .status), (.status, 302, .status), (.rateLimited, nil, .status),
                    (.html, 200, .malformed), (.oversized, nil, .tooLarge), (.hang, nil, .late), (.drip, nil, .late),
                    (.drop, nil, .unreachable),
                ]
                for (number, fault) in faults.enumerated() {
                    asked.add(fault.kind, status: fault.status)
                    let begun = ContinuousClock.now
                    // Breached, which nobody can know now.
                    let password = PwnedPasswordsEmulator.breached[0]
                    #expect(await Self.register(home, "person\(number)", password) == nil, "\(fault)")
                    #expect(begun.duration(to: .now) < .seconds(10), "\(fault)")
                    asked.add(fault.kind, status: fault.status)
                    #expect(await asked.outcome(of: password) == .unasked(fault.cause), "\(fault)")
                    #expect(
                        asked.questions.count == 2 * (number + 1), "a redirect was followed, or a question repeated")
                }
                #expect(asked.counts == ["clean": 0, "breached": 0, "unasked": 2 * faults.count])
                #expect(await asked.outcome(of: PwnedPasswordsEmulator.breached[0]) == .breached, "it recovers")
            }
        }
    }

    @Test("After a question without an answer nobody is asked for a moment")
    func pause() async throws {
        var limits = BreachLimits()
        limits.pause = .milliseconds(300)
        try await Self.asking(limits) { asked in
            asked.add(.drop, status: nil)
            #expect(await asked.outcome(of: Household.phrase) == .unasked(.unreachable))
            let count = asked.questions.count
            #expect(await asked.outcome(of: Household.phrase) == .unasked(.paused))
            #expect(asked.questions.count == count)
            try await Task.sleep(for: .milliseconds(400))
            #expect(await asked.outcome(of: Household.phrase) == .clean)
            // An answer that is late for one request alone says nothing about the service.
            asked.upstreams.server.desk.setLatency(.milliseconds(900), of: .pwned)
            #expect(await asked.outcome(of: Household.phrase, within: .milliseconds(3_300)) == .unasked(.late))
            #expect(await asked.outcome(of: Household.phrase) == .clean, "others still ask")
        }
    }

    @Test("The address of the service may end in slashes")
    func slashes() async throws {
        try await Self.asking(ending: "//") { asked in
            #expect(await asked.outcome(of: PwnedPasswordsEmulator.breached[0]) == .breached)
        }
    }

    @Test("Where nobody listens there is no answer either")
    func away() async throws {
        try await Self.asking(url: "http://127.0.0.1:1") { asked in
            #expect(await asked.outcome(of: Household.phrase) == .unasked(.unreachable))
        }
    }

    @Test("Nobody is asked where a request has to be answered soon, and few at a time are")
    func bounds() async throws {
        var limits = BreachLimits()
        limits.questionsMax = 2
        try await Self.asking(limits) { asked in
            #expect(await asked.outcome(of: Household.phrase, within: .seconds(3)) == .unasked(.noTime))
            #expect(asked.questions.isEmpty)
            asked.upstreams.server.desk.setLatency(.seconds(1), of: .pwned)
            await withTaskGroup(of: BreachedPasswords.Outcome.self) { group in
                for _ in 0..<5 { group.addTask { await asked.outcome(of: Household.phrase) } }
                var counts: [BreachedPasswords.Outcome: Int] = [:]
                for await outcome in group { counts[outcome, default: 0] += 1 }
                #expect(counts == [.clean: 2, .unasked(.busy): 3])
            }
            #expect(asked.questions.count == 2)
            asked.upstreams.server.desk.setLatency(.zero, of: .pwned)
            #expect(await asked.outcome(of: Household.phrase) == .clean, "places are given back")
        }
    }

    @Test("Of many questions without an answer one is logged, with the cause and nothing of the password")
    func logged() async throws {
        try await Self.asking { asked in
            for _ in 0..<5 {
                asked.add(.status, status: 503)
                _ = await asked.outcome(of: Household.phrase)
            }
            #expect(asked.counts["unasked"] == 5)
            let line = try #require(asked.notebook.lines.first)
            #expect(asked.notebook.lines.count == 1)
            #expect(line.hasPrefix("warning new passwords were not compared with breached ones"), "\(line)")
            #expect(line.contains(BreachedPasswords.Cause.status.rawValue), "\(line)")
            let digits = Hex.encode(SHA1.hash(Household.phrase))
            #expect(!line.lowercased().contains(digits.prefix(5)) && !line.contains(Household.phrase))
        }
    }
}
