/// How soon a password is guessed: roughly the decimal digits of the number of guesses, over the cheapest way to
/// compose it from what attackers try – words, runs, dates, earlier parts of it – and single characters.
struct PasswordGuess {
    /// The points of each kind of part.
    enum Points {
        static let word = 3
        static let turnedWord = 4
        static let run = 2
        /// A run right after another one: people who type two type four.
        static let nextRun = 1
        static let wandering = 4
        static let year = 2
        static let day = 4
        static let copy = 1
        static let doubling = 1
        /// An ASCII digit or mark; repeating it adds nothing.
        static let mark = 1
        static let letter = 2
    }

    /// The fewest points in which some place in the password is reached.
    private struct Way {
        var least = Int.max / 2
        /// The same if the last part is a run.
        var byRun = Int.max / 2
    }

    /// The longest run or repetition, and the longest copy, in characters; longer ones count as several.
    private static let runMax = 64
    private static let copyMax = 24

    private let characters: [Character]
    private let words: [Character: [PasswordWords.Word]]
    /// The steps on keys from each character to the next one, and to the one after that.
    private let steps: [PasswordKeys.Steps]
    private let longSteps: [PasswordKeys.Steps]
    /// By place; the last one is the end.
    private var ways: [Way]

    /// Returns the points of `password`, in lower case; `names` are the person's own.
    static func points(of password: String, names: Set<String>) -> Int {
        let characters = Array(password)
        var words = PasswordWords.all
        for name in names { PasswordWords.add(name, to: &words) }
        let whole = PasswordGuess(characters, words).points
        guard let single = undoubled(characters) else { return whole }
        return min(whole, PasswordGuess(single, words).points + Points.doubling)
    }

    /// Whether `password` contains `word`, both in lower case, as it is or with digits and marks for letters.
    static func holds(_ word: String, _ password: String) -> Bool {
        let (letters, characters) = (Array(word), Array(password))
        return characters.indices.contains { PasswordWords.stands(letters, in: characters, at: $0) }
    }

    private init(_ characters: [Character], _ words: [Character: [PasswordWords.Word]]) {
        self.characters = characters
        self.words = words
        steps = Self.steps(characters, by: 1)
        longSteps = Self.steps(characters, by: 2)
        ways = Array(repeating: Way(), count: characters.count + 1)
        ways[0].least = 0
        for start in characters.indices {
            weighCharacter(at: start)
            weighWords(at: start)
            weighDates(at: start)
            weighRuns(at: start)
            weighCopies(at: start)
        }
    }

    private var points: Int { ways[characters.count].least }

    /// Returns the characters without repetitions if each stands at least twice in a row; nil otherwise.
    private static func undoubled(_ characters: [Character]) -> [Character]? {
        var single: [Character] = []
        var isAlone = false
        for character in characters {
            if single.last == character {
                isAlone = false
                continue
            }
            if isAlone { return nil }
            single.append(character)
            isAlone = true
        }
        return isAlone ? nil : single
    }

    private static func steps(_ characters: [Character], by gap: Int) -> [PasswordKeys.Steps] {
        zip(characters, characters.dropFirst(gap)).map { PasswordKeys.steps(from: $0, to: $1) }
    }

    private mutating func reach(from start: Int, _ length: Int, _ points: Int) {
        ways[start + length].least = min(ways[start + length].least, ways[start].least + points)
    }

    private mutating func reachByRun(from start: Int, _ length: Int) {
        let points = min(ways[start].least + Points.run, ways[start].byRun + Points.nextRun)
        ways[start + length].byRun = min(ways[start + length].byRun, points)
        ways[start + length].least = min(ways[start + length].least, points)
    }

    private mutating func weighCharacter(at start: Int) {
        let character = characters[start]
        let points = character.isASCII && !character.isLetter ? Points.mark : Points.letter
        for end in start..<min(characters.count, start + Self.runMax) {
            guard characters[end] == character else { return }
            reach(from: start, end - start + 1, points)
        }
    }

    private mutating func weighWords(at start: Int) {
        let character = characters[start]
        for first in [character] + PasswordWords.letters(for: character) {
            for word in words[first] ?? [] where PasswordWords.stands(word.letters, in: characters, at: start) {
                reach(from: start, word.letters.count, word.points)
            }
        }
    }

    private mutating func weighDates(at start: Int) {
        for (length, points) in [(4, Points.year), (6, Points.day), (8, Points.day)] {
            guard start + length <= characters.count else { return }
            if Self.isDate(characters[start..<start + length]) { reach(from: start, length, points) }
        }
    }

    /// Whether four digits are a year of this century or the last one, six a day and a month followed by two more
    /// digits, eight a day and a month before or after a year.
    private static func isDate(_ characters: ArraySlice<Character>) -> Bool {
        let digits = characters.compactMap { $0.isASCII ? $0.wholeNumberValue : nil }
        guard digits.count == characters.count else { return false }
        func number(_ place: Int) -> Int { digits[place] * 10 + digits[place + 1] }
        func isYear(_ place: Int) -> Bool { [19, 20].contains(number(place)) }
        func isDay(_ place: Int) -> Bool {
            let (one, other) = (number(place), number(place + 2))
            return (1...12).contains(min(one, other)) && max(one, other) <= 31
        }
        switch digits.count {
        case 4: return isYear(0)
        case 6: return isDay(0)
        default: return isDay(0) && isYear(4) || isYear(0) && isDay(4)
        }
    }

    private mutating func weighRuns(at start: Int) {
        for length in stride(from: 3, through: straight(from: start, by: 1), by: 1) { reachByRun(from: start, length) }
        // Two interleaved runs: q1w2e3r4.
        let (one, other) = (straight(from: start, by: 2), straight(from: start + 1, by: 2))
        for length in stride(from: 7, through: min(2 * one, 2 * other + 1), by: 1) { reachByRun(from: start, length) }
        for length in stride(from: 6, through: wandering(from: start), by: 1) {
            reach(from: start, length, Points.wandering)
        }
    }

    /// Returns how many characters from `start` on, every `gap`th, continue by one and the same step.
    private func straight(from start: Int, by gap: Int) -> Int {
        guard start < characters.count else { return 0 }
        let gone = gap == 1 ? steps : longSteps
        var (place, length, common) = (start, 1, PasswordKeys.Steps.max)
        while length < Self.runMax, place < gone.count, common & gone[place] != 0 {
            common &= gone[place]
            place += gap
            length += 1
        }
        return length
    }

    /// Returns how many characters from `start` on are beside the one before on one keyboard, or the same.
    private func wandering(from start: Int) -> Int {
        var boards = PasswordKeys.boards
        var length = 1
        while length < Self.runMax, start + length < characters.count {
            let step = steps[start + length - 1]
            boards = boards.filter { step & ($0 | PasswordKeys.staying) != 0 }
            if boards.isEmpty { break }
            length += 1
        }
        return length
    }

    private mutating func weighCopies(at start: Int) {
        for length in stride(from: 3, through: min(Self.copyMax, start, characters.count - start), by: 1)
        where characters[start - length..<start] == characters[start..<start + length] {
            reach(from: start, length, Points.copy)
        }
    }
}
