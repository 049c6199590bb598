import JSON
import Testing
import UpstreamEmulators

@testable import MetadataService

/// Providers with validators are asked whether anything has changed.
@Suite("Asking whether anything changed")
struct ValidatorTests {
    @Test(
        "TMDb and Trakt: unchanged is one short answer, changed a whole one",
        arguments: [UpstreamName.tmdb, .trakt])
    func unchanged(name: UpstreamName) async throws {
        try await EmulatedClients.run { clients in
            let client: any ProviderClient = name == .tmdb ? clients.tmdb : clients.trakt
            let subject = ProviderSubject(
                kind: .movie, ids: SubjectIDs(tmdb: 910_001, trakt: 500_100_001), name: "The Lighthouse Keeper's Clock")
            var described = ProviderFacts(provider: client.provider, kind: .movie, fetchedAtMilliseconds: 0)
            described.ids = subject.ids
            described.name = subject.name
            let first = try #require(await client.facts(subject, kept: described))
            #expect(first.validator != nil && !first.scores.isEmpty)
            clients.clock.advance(by: 1_000)
            // As it is read back from storage.
            let kept = try #require(ProviderFacts(decodeJSON(JSONValue.self, from: encodeJSON(first))))
            let second = try #require(await client.facts(subject, kept: kept))
            #expect(second == first.confirmed(atMilliseconds: EmulatedClients.now + 1_000).withoutChildren)
            var changed = kept
            changed.validator = "W/\"another\""
            let third = try #require(await client.facts(subject, kept: changed))
            #expect(third.scoreLines == first.scoreLines && third.validator == first.validator)
            let statuses = clients.upstreams.server.desk.book(provider: name).entries.map(\.status)
            #expect(statuses == [200, 304, 200])
        }
    }

    @Test("facts of another title or kind, and of an older reading, are not asked about")
    func others() async throws {
        try await EmulatedClients.run { clients in
            let subject = ProviderSubject(kind: .movie, ids: SubjectIDs(tmdb: 910_001))
            var kept = try #require(await clients.tmdb.facts(subject))
            kept.ids.tmdb = 910_002
            _ = try await clients.tmdb.facts(subject, kept: kept)
            _ = try await clients.tmdb.facts(ProviderSubject(kind: .series, ids: SubjectIDs(tmdb: 910_001)), kept: kept)
            #expect(clients.asked(.tmdb).allSatisfy { $0.header("if-none-match") == nil })
            let old = String(decoding: encodeJSON(kept), as: UTF8.self).replacing(
                "\"reading\":1", with: "\"reading\":0")
            let read = try #require(ProviderFacts(decodeJSON(JSONValue.self, from: Array(old.utf8))))
            #expect(read.validator == nil && read.scores == kept.scores)
        }
    }
}

extension ProviderFacts {
    /// The facts as they are stored.
    fileprivate var withoutChildren: ProviderFacts {
        var facts = self
        facts.children = []
        return facts
    }
}
