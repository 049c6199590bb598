import Foundation
import MetadataService

/// Evaluates the matching rules on a real export: `match-eval CATALOGUE.csv EXPORT-FOLDER LABELS.txt [SEED]`.
@main
enum Main {
    /// The size of the random sample, in which every film is labelled by hand.
    private static let sampleCount = 300

    static func main() {
        do {
            try run(Array(CommandLine.arguments.dropFirst()))
        } catch {
            FileHandle.standardError.write(Data("match-eval: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run(_ arguments: [String]) throws {
        guard arguments.count >= 3 else {
            throw EvaluationError(description: "wanted: CATALOGUE.csv EXPORT-FOLDER LABELS.txt [SEED]")
        }
        let seed = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
        let free = try Files.freeFilms(arguments[0])
        let rows = try Files.exportRows(arguments[1])
        let labels = try Files.labels(arguments[2])
        let films = Set(rows).map { (key: $0.key, film: $0) }.sorted { $0.key < $1.key }
        let sample = films.prefix(sampleCount)
        let unlabelled = sample.count { labels[$0.key] == nil }
        guard unlabelled == 0 else {
            throw EvaluationError(
                description: "\(unlabelled) of the sample's rows have no label: is this another export?")
        }
        let before = residentKilobytes()
        let catalogue = Catalogue(free: free, films: films.map(\.film), labels: labels, seed: seed)
        let after = residentKilobytes()
        print("seed \(seed); \(rows.count) rows, \(films.count) films, \(labels.count) of them labelled by hand")
        print(
            "catalogue: \(catalogue.entries.count) titles = \(free.count) of the CC0 set and the export's, "
                + "\(catalogue.decoyCount) of them decoys, without \(films.count - catalogue.truth.count) absent films; "
                + "\(catalogue.neighboursPer100k) of 100 000 films have a namesake a year apart")

        print("\nsample, labelled by hand:")
        let tally = Tally(sample.map(\.film), catalogue)
        tally.report(showsFailures: true)
        print("\nall labelled by hand (the sample and what resembles something else):")
        Tally(films.filter { labels[$0.key] != nil }.map(\.film), catalogue).report(showsFailures: false)
        print("\nall films (the rest by equal spelling and year):")
        Tally(films.map(\.film), catalogue).report(showsFailures: true)
        print("\nall rows:")
        Tally(rows, catalogue).report(showsFailures: false)

        let clock = ContinuousClock()
        let time = clock.measure { _ = Tally(rows, catalogue) }
        let microseconds = Double(time.components.attoseconds) / 1e12 + Double(time.components.seconds) * 1e6
        print(
            "\ntime: \((microseconds / Double(rows.count)).formatted(.number.precision(.fractionLength(2)))) µs a row; "
                + "memory of the catalogue and its index: \((after - before) / 1_024) MB, process \(after / 1_024) MB")
        if !tally.isGoodEnough { throw EvaluationError(description: "the sample's figures miss the bars") }
    }

    private static func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}

/// The matcher's results for some rows, compared with the truth.
struct Tally {
    static let precisionWanted = 0.995
    static let recallWanted = 0.98

    private var right = 0
    private var wrong: [String] = []
    private var missed: [String] = []
    private var absent = 0
    private var absentAccepted = 0
    private var offered = 0

    init(_ rows: [ExportFilm], _ catalogue: Catalogue) {
        for row in rows {
            let wanted = TitleTraits(names: [TitleName(row.name)], kind: .movie, year: row.year)
            let candidates = catalogue.candidates(wanted.names)
            let outcome = TitleMatcher.decide(wanted, among: candidates.map { catalogue.entries[Int($0)].traits })
            let truth = catalogue.truth[row]
            if truth == nil { absent += 1 }
            guard case .matched(let index) = outcome.verdict else {
                guard let truth else { continue }
                if outcome.offers.contains(where: { Int(candidates[$0.index]) == truth }) { offered += 1 }
                missed.append("\(row.name) (\(row.yearText)) is \(catalogue.entries[truth].shown): \(outcome.verdict)")
                continue
            }
            let entry = Int(candidates[index])
            if entry == truth {
                right += 1
            } else {
                if truth == nil { absentAccepted += 1 }
                let shown = truth.map { catalogue.entries[$0].shown } ?? "absent"
                wrong.append("\(row.name) (\(row.yearText)) is \(shown), taken for \(catalogue.entries[entry].shown)")
            }
        }
    }

    private var precision: Double { Double(right) / Double(max(right + wrong.count, 1)) }
    private var presentCount: Int { right + missed.count + wrong.count - absentAccepted }
    private var recall: Double { Double(right) / Double(max(presentCount, 1)) }
    var isGoodEnough: Bool { precision >= Self.precisionWanted && recall >= Self.recallWanted }

    func report(showsFailures: Bool) {
        print(
            "  precision \(percent(precision)) (\(right) right of \(right + wrong.count) accepted), "
                + "recall \(percent(recall)) (\(right) of \(presentCount) present; \(missed.count) missed, "
                + "\(offered) of them offered to choose), \(absent) absent, \(absentAccepted) of them accepted")
        guard showsFailures else { return }
        for failure in wrong.sorted() { print("  wrong: \(failure)") }
        for failure in missed.sorted() { print("  missed: \(failure)") }
    }

    private func percent(_ share: Double) -> String { share.formatted(.percent.precision(.fractionLength(2))) }
}
