import JSON
import MetadataService
import Testing

@Suite("Records of every provider with gaps and strangers", .enabled(if: Recordings.exist, Recordings.reason))
struct RecordedToleranceTests {
    @Test(
        "every recording is read, and by its selected members to the same facts",
        arguments: RecordedRecords.jsonProviders)
    func all(provider: String) throws {
        let files = try Recordings.all(provider)
        #expect(!files.isEmpty)
        for file in files where try !Recordings.bytes(file).isEmpty {
            let whole = RecordedRecords.all(provider, try Recordings.value(file))
            let selected = try viewJSON(keeping: RecordedRecords.members(provider), of: Recordings.bytes(file))
            #expect(RecordedRecords.all(provider, selected) == whole, "\(file)")
            #expect(whole.allSatisfy { $0.quarantined.isEmpty }, "\(file)")
            #expect(
                whole.flatMap(\.scores).allSatisfy { score in
                    score.scoreHundredths.map { $0 > 0 && $0 <= 10_000 } ?? (score.source == .tvdb)
                }, "\(file)")
        }
    }

    @Test(
        "without any one member the rest is read, and no score appears that was not there",
        arguments: RecordedRecords.jsonProviders)
    func gaps(provider: String) async throws {
        for file in try Recordings.all(provider) where try !Recordings.bytes(file).isEmpty {
            let record = try Recordings.tree(file).shortened
            let shown = Set(RecordedRecords.all(provider, try record.view).flatMap(\.scores).map(Self.shown))
            for changed in record.withoutEachMember {
                let facts = RecordedRecords.all(provider, try changed.view)
                #expect(facts.allSatisfy { $0.quarantined.isEmpty }, "\(file)")
                let strange = Set(facts.flatMap(\.scores).map(Self.shown)).subtracting(shown)
                #expect(strange.isEmpty, "\(file)")
            }
            await Task.yield()
        }
    }

    @Test("members of another type never crash and never become a score", arguments: RecordedRecords.jsonProviders)
    func strangers(provider: String) async throws {
        let strangers: [JSONValue] = [nil, "text", -1, ["x": [nil]]]
        for file in try Recordings.all(provider) where try !Recordings.bytes(file).isEmpty {
            let record = try Recordings.tree(file).shortened
            for stranger in strangers {
                await Task.yield()
                for changed in record.withEachMember(replacedBy: stranger) {
                    for score in RecordedRecords.all(provider, try changed.view).flatMap(\.scores) {
                        #expect((score.scoreHundredths ?? 1) > 0, "\(file)")
                    }
                }
            }
        }
    }

    private static func shown(_ score: OutsideScore) -> String { "\(score.source) \(score.value)" }
}
