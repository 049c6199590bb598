import Foundation
import MetadataService
import TestSupport
import Testing

@Suite("Names of titles, folded")
struct TitleNameTests {
    @Test(
        "case, accents, widths and punctuation do not count",
        arguments: [
            ("The Cartographer's Daughter", "the cartographers daughter"), ("Ember & Ash", "ember and ash"),
            ("Kröniken", "kroniken"), ("AMÉLIE", "amelie"), ("冬の標識", "冬の標識"), ("A", "a"), ("Łódź", "lodz"),
            ("Ægir’s Þing", "aegirs thing"), ("Straße", "strasse"), ("İstanbul", "istanbul"), ("Đêm Tối", "dem toi"),
            ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"), ("L'Orage", "l orage"), ("Ёлки", "елки"), ("Ὀδύσσεια", "οδυσσεια"),
            ("S.W.A.T.", "swat"), ("Dr.Who", "dr who"), ("M*A*S*H", "mash"), ("Part  Two: II", "part two ii"),
            ("9½ Weeks", "9 1 2 weeks"), ("9 1/2 Weeks", "9 1 2 weeks"), ("Lander³", "lander 3"), ("Ⅳ", "4"),
            ("Harbour, The", "the harbour"), ("Harbour (1998)", "harbour"), ("(1998)", "1998"),
            ("Zero\u{AD}Hour", "zerohour"),
            ("أحلام", "احلام"), ("…", "…"), ("& Co", "co"), ("", ""),
        ])
    func plain(name: String, expected: String) {
        #expect(TitleName(name).plain == expected)
    }

    @Test(
        "names that mean the same have one key",
        arguments: [
            ["The Harbour", "Harbour", "Harbour, The", "HARBOR"], ["L'Orage", "Orage", "L’orage"],
            ["Der Himmel", "Himmel"],
            ["Iron Fox: Part II", "Iron Fox Part 2", "Iron Fox Part Two", "Iron Fox 2", "Iron-Fox II"],
            ["Fox & Owl", "Fox and Owl", "Fox + Owl", "Fox und Owl", "Fox Owl"],
            ["Night Train", "Nighttrain", "Night-Train"],
            ["Sixty Two Miles", "62 Miles"], ["Zwölf Sommer", "12 Sommer"], ["Lander³", "Lander 3", "Lander III"],
            ["Ash Vol. 1", "Ash: Volume 1", "Ash 1", "Ash - Chapter One"], ["Doctor Finch", "Dr. Finch"],
            ["Grey Colours", "Gray Colors"], ["Fox vs. Owl", "Fox versus Owl"], ["Deep Rising 3D", "Deep Rising"],
        ])
    func oneKey(names: [String]) {
        #expect(Set(names.map { TitleName($0).key }).count == 1, "\(names.map { TitleName($0).key })")
    }

    @Test(
        "names that mean something else have not",
        arguments: [
            ("Fox", "Fox 2"), ("Malcolm", "Malcolm X"), ("I, Fox", "Fox"), ("Lander", "Lander 3"), ("Me and I", "Me"),
            ("X", "Ten"), ("か", "が"), ("कत", "क्त"), ("Ash 1", "Ash 2"), ("The", "A"), ("★", "…"),
        ])
    func twoKeys(left: String, right: String) {
        #expect(TitleName(left).key != TitleName(right).key)
    }

    @Test(
        "a name is kept under its whole and its parts",
        arguments: [
            ("Starfall: Episode V – The Long Return", ["starfall5thelongreturn", "starfall", "longreturn"]),
            ("Dr. Finch or: How It Went", ["doctorfinchorhowitwent", "doctorfinch", "howitwent"]),
            ("Ada Quill's Harbour", ["adaquillsharbor", "harbor"]), ("Plain", ["plain"]),
            ("Fox (and the Bright Escape)", ["foxthebrightescape", "fox", "andthebrightescape"]), ("", []),
        ])
    func parts(name: String, expected: [String]) {
        #expect(TitleKeys.keys(name) == expected)
    }

    @Test("a name of any length has a bounded key")
    func bounded() {
        for name in [String(repeating: "é冬", count: 5_000), String(repeating: "★", count: 5_000)] {
            let key = TitleName(name).key
            #expect(key.utf8.count <= 120 && !key.isEmpty)
        }
    }

    @Test("folding a folded name changes nothing", arguments: [UInt64.random(in: 0..<UInt64.max)])
    func idempotent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<3_000 {
            let name = Names.random(&random)
            let plain = TitleName(name).plain
            #expect(TitleName(plain).plain == plain, "seed \(seed): \(name.debugDescription)")
        }
    }

    @Test("composed and decomposed letters fold to the same")
    func normalForms() {
        let letters = [0xC0..<0x250, 0x386..<0x530, 0x622..<0x627, 0x1E00..<0x2000, 0x3041..<0x30FB, 0xAC00..<0xD7A4]
            .flatMap { $0.compactMap(Unicode.Scalar.init) }.filter(\.properties.isAlphabetic)
        let different = letters.filter {
            let text = "x\($0)y"
            return TitleName(text.decomposedStringWithCanonicalMapping).plain
                != TitleName(text.precomposedStringWithCanonicalMapping).plain
        }
        #expect(different.isEmpty)
    }
}

/// Names for property tests.
enum Names {
    private static let words = [
        "fox", "Owl", "the", "a", "L'", "Part", "II", "2", "two", "and", "&", "Ash", "Kröniken", "冬", "½", "or", ":",
        " - ",
        "(", ")", ",", "the", "vol.", "X", "'s", "I", "★", "é", "e\u{301}", "S.W.", "1998", "(1998)", "Die", "3D", "…",
    ]

    static func random(_ random: inout SeededRandom) -> String {
        let count = Int.random(in: 0...7, using: &random)
        return (0..<count).map { _ in
            words[Int.random(in: words.indices, using: &random)] + (Bool.random(using: &random) ? " " : "")
        }
        .joined()
    }
}
