import Foundation
import Stack
import Testing

extension FaultTests {
    /// Both metadata copies are killed repeatedly while they ask the providers.
    struct EnrichmentCrashTests {
        private struct Count: Equatable {
            var titles = 0
            var enriched = 0
            var leased = 0
        }

        @Test(
            "Enrichment: both copies killed in the middle of it: no title lost, no score doubled, every provider asked")
        func crashes() async throws {
            var plan = StackPlan()
            plan.copies["metadata"] = 2
            plan.settingsOf["metadata"] = ["REELAY_REFRESH": "true"]
            try await Stack.running(plan) { stack in
                let copies = try #require(stack.copies["metadata"])
                try await Self.slow(stack, milliseconds: 200)
                let wanted = try await Self.keepTitles(stack)
                var rounds = 0
                var killedAt: [Count] = []
                for _ in 0..<Form.choose(3, full: 10) {
                    // Waits until some turns are done and others under way, unless all are done by now.
                    _ = try await holds(within: .seconds(20)) {
                        let count = try await Self.count(stack)
                        return count.enriched == wanted || (count.leased > 0 && count.enriched > rounds)
                    }
                    for copy in copies { await copy.kill() }
                    killedAt.append(try await Self.count(stack))
                    rounds += 1
                    // Expires the leases of the killed copies, instead of waiting two minutes for it.
                    _ = try await stack.database.query(
                        """
                        UPDATE metadata.title_refresh SET lease_until = now() - interval '1 second'
                        WHERE lease_until IS NOT NULL
                        """)
                    for copy in copies { try copy.start() }
                    for copy in copies { try await copy.awaitReady() }
                }
                try await Self.slow(stack, milliseconds: 0)
                let isDone = try await holds(within: .seconds(60)) { try await Self.count(stack).enriched == wanted }
                let wrong = try await Self.faults(stack)
                let last = try await Self.count(stack)
                let cut = killedAt.map(\.leased).reduce(0, +)
                let isHeld = isDone && last.titles == wanted && wrong.isEmpty && (cut > 0 || Form.mutant == "kill")
                report(
                    "Enrichment crashes", isHeld: isHeld,
                    "\(rounds) rounds, \(cut) turns cut off, \(last.enriched) of \(wanted) titles enriched, "
                        + "faults \(wrong)"
                )
                #expect(isHeld)
            }
        }

        @Test("Pace: two copies together stay within what every provider allows, as the providers measure it")
        func pace() async throws {
            // Calls arrive late on a busy machine, so each pace is kept below what a provider allows. Copies that did
            // not share it would ask twice as fast.
            let (calls, milliseconds) = (40, 1_500)
            var plan = StackPlan()
            plan.copies["metadata"] = 2
            plan.settingsOf["metadata"] = [
                "REELAY_REFRESH": "true", "REELAY_PROVIDER_CALLS_PER_SECOND": "20",
                "REELAY_PROVIDER_PACE_PERCENT": Form.mutant == "pace" ? "200" : "100",
            ]
            try await Stack.running(plan) { stack in
                let control = "http://127.0.0.1:\(stack.upstreams.port)/control"
                for provider in Self.providers {
                    _ = try await Wire.send(
                        "POST", control + "/limits",
                        body: #"{"provider":"\#(provider)","calls":\#(calls),"milliseconds":\#(milliseconds)}"#)
                }
                let wanted = try await Self.keepTitles(stack)
                let isDone = try await holds(within: .seconds(60)) { try await Self.count(stack).enriched == wanted }
                let readings = try await Self.readings(control)
                let refused = readings.compactMap { $0["refused"] as? Int }.reduce(0, +)
                let peak = readings.compactMap { $0["limit_peak"] as? Int }.max() ?? 0
                let asked = readings.compactMap { $0["calls"] as? Int }.reduce(0, +)
                let isHeld = isDone && refused == 0 && peak <= calls && readings.count == 11
                report(
                    "Pace", isHeld: isHeld,
                    "\(wanted) titles, \(asked) calls of two copies to \(readings.count) providers, at most \(peak) of "
                        + "\(calls) in any 1.5 seconds, \(refused) refused")
                #expect(isHeld)
            }
        }

        private static let providers = [
            "tmdb", "tvdb", "tvmaze", "omdb", "trakt", "letterboxd", "simkl", "anilist", "anidb", "myanimelist",
            "kitsu",
        ]

        private static func readings(_ control: String) async throws -> [[String: Any]] {
            let answer = try await Wire.send("GET", control + "/pace")
            let json = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
            return json?["pace"] as? [[String: Any]] ?? []
        }

        private static func slow(_ stack: Stack, milliseconds: Int) async throws {
            _ = try await Wire.send(
                "POST", "http://127.0.0.1:\(stack.upstreams.port)/control/latency",
                body: #"{"milliseconds":\#(milliseconds)}"#)
        }

        /// Keeps every film and series of the catalogue as a local title that is due now; returns how many.
        private static func keepTitles(_ stack: Stack) async throws -> Int {
            let answer = try await Wire.send("GET", "http://127.0.0.1:\(stack.upstreams.port)/control/catalogue")
            let list = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
            let queries = (list?["titles"] as? [[String: Any]] ?? []).compactMap { title -> String? in
                guard let kind = title["kind"] as? String, kind != "game", let imdb = title["imdb"] as? String else {
                    return nil
                }
                return #"{"kind":"\#(kind)","ids":{"imdb":"\#(imdb)"}}"#
            }
            let kept = try await Wire.call(
                try stack.service("metadata"), "metadata.resolveTitles",
                params: #"{"queries":[\#(queries.joined(separator: ","))],"missing":"create"}"#)
            guard kept.text.contains("created") else { throw StackError("not kept: \(kept.text.prefix(300))") }
            return queries.count
        }

        private static func count(_ stack: Stack) async throws -> Count {
            let row = try await stack.database.query(
                """
                SELECT count(*), count(*) FILTER (WHERE t.enriched_at IS NOT NULL),
                    count(*) FILTER (WHERE r.lease_until IS NOT NULL)
                FROM metadata.titles t JOIN metadata.title_refresh r ON r.title_id = t.id
                WHERE t.kind IN ('movie', 'series')
                """)
            let numbers = (row.first ?? "").split(separator: "|").compactMap { Int($0) }
            guard numbers.count == 3 else { throw StackError("no counts: \(row)") }
            return Count(titles: numbers[0], enriched: numbers[1], leased: numbers[2])
        }

        /// Lists what must not happen: a score twice in the history, a score without history, a provider that was not
        /// asked. AniDB is an exception: by its own rule, what it was asked for when a copy died is asked again a day
        /// later.
        private static func faults(_ stack: Stack) async throws -> [String] {
            try await stack.database.query(
                """
                SELECT 'doubled ' || t.name || ' ' || h.source FROM metadata.rating_history h
                    JOIN metadata.titles t ON t.id = h.title_id
                    GROUP BY t.name, h.title_id, h.source, h.value HAVING count(*) > 1
                UNION ALL
                SELECT 'without history ' || t.name || ' ' || (s ->> 'source')
                FROM metadata.titles t, jsonb_array_elements(t.external_ratings) s
                WHERE t.kind IN ('movie', 'series') AND NOT EXISTS (
                    SELECT FROM metadata.rating_history h WHERE h.title_id = t.id AND h.source = s ->> 'source')
                UNION ALL
                SELECT o.outcome || ' ' || t.name || ' ' || o.provider FROM metadata.provider_outcomes o
                    JOIN metadata.titles t ON t.id = o.title_id
                    WHERE o.outcome = 'error' OR (o.outcome = 'quota' AND o.provider <> 'anidb')
                UNION ALL
                SELECT 'not all asked ' || t.name FROM metadata.titles t
                WHERE t.kind IN ('movie', 'series') AND (
                    SELECT count(*) FROM metadata.provider_outcomes o WHERE o.title_id = t.id
                ) < CASE t.kind WHEN 'movie' THEN 10 ELSE 11 END
                """)
        }
    }
}
