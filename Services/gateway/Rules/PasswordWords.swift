/// The words at the top of every leaked list, and how people spell them. What a rule finds needs no word here: runs on
/// keys, years, doubled or reversed words, digits and marks at either end.
enum PasswordWords {
    struct Word: Sendable {
        let letters: [Character]
        let points: Int
    }

    /// By first letter.
    static let all: [Character: [Word]] = {
        var words: [Character: [Word]] = [:]
        for word in Set(list.split(whereSeparator: \.isWhitespace)) { add(String(word), to: &words) }
        return words
    }()

    /// Adds a word in lower case, and its reversal.
    static func add(_ word: String, to words: inout [Character: [Word]]) {
        let letters = Array(word)
        guard let first = letters.first, let last = letters.last else { return }
        words[first, default: []].append(Word(letters: letters, points: PasswordGuess.Points.word))
        words[last, default: []].append(Word(letters: letters.reversed(), points: PasswordGuess.Points.turnedWord))
    }

    /// Whether `letters` stand in `characters` from `start` on; digits and marks may stand for letters.
    static func stands(_ letters: [Character], in characters: [Character], at start: Int) -> Bool {
        guard start + letters.count <= characters.count else { return false }
        return zip(characters[start...], letters).allSatisfy { character, letter in
            character == letter || self.letters(for: character).contains(letter)
        }
    }

    /// Returns the letters that a digit or mark stands for: `p4ssw0rd` is `password` to an attacker.
    static func letters(for character: Character) -> [Character] { spellings[character] ?? [] }

    private static let spellings: [Character: [Character]] = [
        "0": ["o"], "1": ["i", "l"], "2": ["z"], "3": ["e"], "4": ["a"], "5": ["s"], "6": ["b", "g"], "7": ["t"],
        "8": ["b"], "9": ["g"], "@": ["a"], "$": ["s"], "!": ["i", "l"], "|": ["i", "l"], "+": ["t"], "(": ["c"],
        "€": ["e"],
    ]

    /// Secrets and accounts, common phrases, months, days and seasons, games and teams, animals, sweets and colours,
    /// heroes, names, brands, and this service with its neighbours.
    private static let list = """
        access account admin administrator changeme contrasena default enter geheim guest haslo heslo letmein login
        master motdepasse open parol parola pass passphrase passwd password passwort root secret secure security
        senha server service system temp test testing user wachtwoord пароль
        angel asshole baby babygirl bienvenue blessed bonjour christ ciao forever freedom fuckyou hallo heaven hello
        hola honey iloveyou jesus love lovely loveme loveyou lucky magic money nothing please sorry sweet sweetheart
        sweetie thank trustno welcome whatever willkommen привет
        april august autumn december dezember dienstag donnerstag fall februar february freitag friday frühling
        herbst invierno januar january juli july june juni mai march may mittwoch monday montag märz november
        october oktober printemps samstag saturday september sommer sonntag spring summer sunday thursday tuesday
        verano wednesday winter
        arsenal barca barcelona baseball basketball bayern broncos camaro celtic chelsea corvette cowboys cricket
        dodgers dortmund eagles everton ferrari fishing football fussball futbol gamer golf harley hockey honda
        juventus lakers liverpool manchester mercedes milan mustang packers patriots player porsche racing rangers
        realmadrid redsox rugby schalke skate soccer steelers surfing tennis toyota united yamaha yankees
        banana bear black blue butterfly candy cheese cherry chocolate cookie diamond doggy dolphin dragon eagle
        falcon flower ginger golden green horse kitten kitty lemon lion monkey orange panther peanut pepper phoenix
        puppy purple rainbow red rose silver spider sugar sunshine tiger turtle white wolf yellow
        batman fortnite gandalf hacker harrypotter hogwarts hunter ironman killer king legend matrix merlin
        minecraft naruto ninja phantom pikachu pirate pokemon prince princess queen ranger shadow soldier spiderman
        starcraft startrek starwars superman warcraft warrior wizard
        alex alexander amanda andrea andrew angela anna anthony ashley austin bailey benjamin brandon buster charlie
        chris christian cooper daniel david dennis eminem george hannah heather james jasmine jason jennifer jessica
        john jonathan jordan joseph joshua justin laura lauren maggie maria mark martin matthew maverick max melissa
        michael michelle nicholas nicole nikita oliver patrick paul peter rachel rebecca richard robert samantha
        samuel sandra sarah scooter smokey snoopy sophie stephanie steven taylor thomas tigger vanessa victoria
        william
        amazon android apple cinema company computer emby facebook film films google home imdb instagram internet
        jellyfin kodi laptop letterboxd linkedin microsoft movie movies netflix office plex private reelay samsung
        simkl trakt twitter windows work youtube
        """
}
