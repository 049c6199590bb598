import Contracts
import Foundation
import JSON
import TestSupport
import Testing
import UpstreamEmulators

@testable import ScrobbleService

/// Simkl reports what changed, and, as bare ids, what is left. Tests accounts of the emulated Simkl, edited by their
/// person, and the copy made of answers that may be empty, break off or lack a group: each determined by a seed.
@Suite struct SimklMirrorTests {
    @Test("After quiet the copy is what the account has; in between nothing is taken for gone that is there")
    func seeds() {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["REELAY_SYNC_SEEDS"].flatMap { UInt64($0) } ?? 100
        let first = environment["REELAY_SYNC_SEEDS"] == nil ? 1 : UInt64.random(in: 0..<UInt64.max / 2)
        for seed in first..<first + count {
            var world = SimklMirrorWorld(seed: seed)
            if let fault = world.run() { Issue.record("seed \(seed): \(fault)") }
        }
        if environment["REELAY_SYNC_SEEDS"] != nil { print("\(count) accounts at Simkl from seed \(first)") }
    }

    @Test(
        "Whoever takes an empty answer for the news of a group, or for what is left of it, loses items",
        arguments: [true, false])
    func trusting(changes: Bool) {
        for seed in UInt64(1)...200 {
            var world = SimklMirrorWorld(seed: seed)
            world.trustsChanges = changes
            world.trustsRests = !changes
            guard let fault = world.run() else { continue }
            print("mutant trusting \(changes ? "changes" : "rests"): caught, seed \(seed): \(fault.prefix(60))")
            return
        }
        Issue.record("nothing is wrong in 200 worlds")
    }
}

struct SimklMirrorWorld {
    private static let account = "demo-mirror"
    private static let catalogue = Catalogue.standard
    private static let numbers: [Int] = Array(
        catalogue.titles.filter { $0.kind == .movie || $0.kind == .series }.compactMap(\.simkl).prefix(40))

    private var random: SeededRandom
    private let accounts = SimklAccounts(catalogue: catalogue)
    private var copy: [Int64: SimklRows.Item] = [:]
    private var stamps: SimklStamps?
    private var seconds: Int64 = 0
    /// Mutants that ignore what an empty answer leaves open.
    var trustsChanges = false
    var trustsRests = false

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private struct Failure: Error {}

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    /// Returns what is wrong in the end, or nil.
    mutating func run() -> String? {
        for _ in 0..<2 {
            for _ in 0..<25 {
                accounts.pass(seconds: Double.random(in: 2...90, using: &random))
                if oneIn(3) { read(isQuiet: false) } else { edit() }
                if let fault = falselyGone { return fault }
            }
            for _ in 0..<3 {
                accounts.pass(seconds: 10)
                read(isQuiet: true)
            }
            if let fault = difference { return fault }
        }
        return nil
    }

    /// Lists, watches or rates an item, or removes it from every list.
    private mutating func edit() {
        guard let simkl = Self.numbers.randomElement(using: &random) else { return }
        let (deed, rating) = (Int.random(in: 0..<5, using: &random), Int.random(in: 1...10, using: &random))
        if deed == 0 {
            accounts.remove(Self.account, simkl)
            return
        }
        let status = ["plantowatch", "completed", "dropped"].randomElement(using: &random) ?? ""
        accounts.change(Self.account, simkl) { item in
            if deed < 4 || item.status.isEmpty { item.status = status }
            if item.status == "completed" { item.lastWatchedAt = "2024-01-0\(1 + rating % 9)T20:00:00Z" }
            if deed == 4 { item.rating = rating }
        }
    }

    // MARK: Reading, as `SimklReader` does

    private mutating func read(isQuiet: Bool) {
        // A reading that fails halfway keeps nothing.
        do {
            guard let now = SimklStamps(ask("/sync/activities")) else { return }
            // A day if quiet, which a group that several items have left requires.
            seconds += isQuiet ? 86_400 : 600
            let moment = Timestamp(clampingMicrosecondsSinceEpoch: seconds * 1_000_000)
            guard let before = stamps, !before.all.isEmpty else {
                var items: [SimklRows.Item] = []
                for group in SimklRows.groups {
                    items += try library(
                        "/sync/all-items/\(group)", ["extended": "full", "include_all_episodes": "original"], isQuiet)
                }
                switch now.whole(items, doubtedAt: stamps?.doubtedAt, now: moment) {
                case .shown: break
                case .untrue: return
                case .doubtful:
                    stamps = SimklStamps(doubtedAt: stamps?.doubtedAt ?? moment)
                    return
                }
                keep(items, [:], now)
                return
            }
            guard now != before else { return }
            let items = try library(
                "/sync/all-items", ["date_from": before.all, "extended": "full", "include_all_episodes": "original"],
                isQuiet)
            var rests: [String: SimklStamps.Rest] = [:]
            for group in SimklRows.groups where before.removals[group] != now.removals[group] {
                let path = "/sync/all-items/\(group)"
                let left = Set(try library(path, ["extended": "simkl_ids_only"], isQuiet).map(\.simkl))
                let known = copy.values.filter { $0.group == group && !$0.isGone }.map(\.simkl)
                rests[group] = SimklStamps.Rest(left: left, known: Set(known))
            }
            let proven = trustsRests ? rests : now.believed(rests, since: before, items, at: moment)
            let doubted = Set(rests.keys).subtracting(proven.keys)
            let reached = now.reached(since: before, items, proven, doubted: doubted, at: moment)
            keep(items, proven, trustsChanges ? now : reached)
        } catch {}
    }

    /// What `SimklMirrorStore` does in a single transaction.
    private mutating func keep(
        _ items: [SimklRows.Item], _ rests: [String: SimklStamps.Rest], _ reached: SimklStamps
    ) {
        for item in items { copy[item.simkl] = item }
        for (number, item) in copy {
            guard let rest = rests[item.group] else { continue }
            copy[number] = SimklRows.Item(
                group: item.group, simkl: number, row: item.row, isGone: !rest.left.contains(number))
        }
        stamps = reached
    }

    private func ask(_ path: String, _ query: [String: String] = [:]) -> JSONValue {
        let request = UpstreamRequest(
            provider: .simkl, method: "GET", path: path, query: query.map { WireField($0.key, $0.value) },
            headers: [WireField("authorization", "Bearer \(Self.account)")], body: [])
        return accounts.answer(request).flatMap { try? decodeJSON(JSONValue.self, from: $0.body) } ?? .null
    }

    private mutating func library(
        _ path: String, _ query: [String: String], _ isQuiet: Bool
    ) throws -> [SimklRows.Item] {
        guard let (items, _) = SimklRows.items(ask(path, query)) else { throw Failure() }
        // In doubt, no second empty answer in a row either, since that would be believed.
        guard !isQuiet, stamps?.doubtedAt == nil, stamps?.doubts.isEmpty ?? true else { return items }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: throw Failure()
        case 1: return []
        case 2: return items.filter { $0.group != "movies" }
        default: return items
        }
    }

    // MARK: What must hold

    private var falselyGone: String? {
        let there = accounts.items(of: Self.account)
        let gone = copy.values.filter(\.isGone).first { item in
            // An item that was restored since it was read does not count.
            there[Int(item.simkl)].map { $0.status == item.row["status"].string && isRead(item.simkl) } ?? false
        }
        return gone.map { "taken for gone: \($0.simkl)" }
    }

    private func isRead(_ simkl: Int64) -> Bool {
        SimklStamps(ask("/sync/activities")).map { $0 == stamps } ?? false
    }

    private var difference: String? {
        let there = accounts.items(of: Self.account)
        let here = copy.values.filter { !$0.isGone }
        if Set(here.map { Int($0.simkl) }) != Set(there.keys) {
            return "the copy has \(here.map(\.simkl).sorted()), the account \(there.keys.sorted())"
        }
        for item in here {
            guard let real = there[Int(item.simkl)] else { continue }
            let isEqual =
                item.row["status"].string == real.status && item.row["user_rating"].int == real.rating
                && item.row["last_watched_at"].string == real.lastWatchedAt
            if !isEqual { return "\(item.row) is an old copy of \(real)" }
        }
        return nil
    }
}
