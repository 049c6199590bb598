import Cryptography
import Foundation
import Testing

@testable import Runtime

@Suite struct ConfigTests {
    private static let port = ConfigKey<Int>.port("REELAY_PORT", default: 7102, "Port.")
    private static let batch = ConfigKey<Int>.integer("REELAY_BATCH", default: 10, in: 1...100, "Batch.")
    private static let wait = ConfigKey<Duration>.seconds(
        "REELAY_WAIT_SECONDS", default: .milliseconds(1500), in: .zero ... .seconds(60), "Wait.")
    private static let isOpen = ConfigKey<Bool>.flag("REELAY_OPEN", default: false, "Open.")
    private static let url = ConfigKey<String>.url("REELAY_TMDB_URL", default: "https://api.example/3", "Where.")
    private static let peer = ConfigKey<String>.address("REELAY_PEER_ADDRESS", default: "127.0.0.1:7101", "Peer.")
    private static let origins = ConfigKey<[String]>.list("REELAY_CORS_ORIGINS", "Origins.")
    private static let name = ConfigKey<String?>.optionalText("REELAY_NAME", "Name | nick.")
    private static let token = ConfigKey<Secret>.secret("REELAY_TOKEN", "Token.") { $0.utf8.count >= 4 }
    private static let spare = ConfigKey<Secret?>.optionalSecret("REELAY_SPARE", "Spare.")
    private static let schema = ConfigSchema([
        port.definition, batch.definition, wait.definition, isOpen.definition, url.definition, peer.definition,
        origins.definition, name.definition, token.definition, spare.definition,
    ])

    /// `files` are all that can be read; `folders` have further names, of what cannot.
    private static func load(
        _ environment: [String: String], files: [String: String] = [:], folders: [String: [String]] = [:],
        isTokenGiven: Bool = true
    ) throws(StartupError) -> ConfigValues {
        let loader = ConfigLoader(
            schema: schema, knownNames: ["REELAY_OTHERS_KEY", "REELAY_OTHERS_URL"], knownSecrets: ["REELAY_OTHERS_KEY"]
        ) { path in
            files[path].map { .text($0) } ?? .unreadable(reason: "No such file or directory")
        } listFolder: { path in
            guard let further = folders[path] else { return .unreadable(reason: "No such file or directory") }
            return .names(
                further + files.keys.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) })
        }
        let token = isTokenGiven ? ["REELAY_TOKEN": "secret-token"] : [:]
        return try loader.load(environment: token.merging(environment) { _, new in new })
    }

    private static func problems(
        _ environment: [String: String], files: [String: String] = [:], folders: [String: [String]] = [:],
        isTokenGiven: Bool = true
    ) -> [String] {
        do throws(StartupError) {
            _ = try load(environment, files: files, folders: folders, isTokenGiven: isTokenGiven)
            return []
        } catch {
            #expect(error.exitCode == 78)
            return error.problems.map { "\($0.subject): \($0.reason)" }
        }
    }

    @Test func `defaults stand where nothing is set`() throws {
        let values = try Self.load([:])
        #expect(values[Self.port] == 7102)
        #expect(values[Self.batch] == 10)
        #expect(values[Self.wait] == .milliseconds(1500))
        #expect(values[Self.isOpen] == false)
        #expect(values[Self.url] == "https://api.example/3")
        #expect(values[Self.peer] == "127.0.0.1:7101")
        #expect(values[Self.origins] == [])
        #expect(values[Self.name] == nil)
        #expect(values[Self.token] == Secret("secret-token"))
        #expect(values[Self.spare] == nil)
        #expect(values.unreadNames == [])
    }

    @Test(arguments: [
        "ftp://127.0.0.1:4318", "file:///run/otlp", "unix:///run/otlp", "127.0.0.1:4318",
        "http://somebody@127.0.0.1:4318",
        "http://127.0.0.1:4318/?to=10.0.0.1", "http://127.0.0.1:4318/#v1",
    ])
    func `a collector is an http or https URL that names a place and nothing else`(url: String) {
        let loader = ConfigLoader(
            schema: ConfigSchema(StandardKeys(portDefault: 7101).definitions), knownNames: [], knownSecrets: [],
            readFile: { _ in .unreadable(reason: "No such file or directory") },
            listFolder: { _ in .unreadable(reason: "No such file or directory") })
        do throws(StartupError) {
            _ = try loader.load(environment: ["REELAY_OTLP_ENDPOINT": url])
            Issue.record("\(url) is taken")
        } catch {
            #expect(error.problems.map(\.subject) == ["REELAY_OTLP_ENDPOINT"])
        }
    }

    @Test func `the environment wins over the file and the file over defaults`() throws {
        let file = "# settings\n\nREELAY_BATCH = 20\r\nREELAY_PORT=1\nREELAY_NAME=a=b # c\nREELAY_OPEN=true\n"
        let values = try Self.load(
            ["REELAY_CONFIG_FILE": "/etc/r", "REELAY_PORT": "2", "REELAY_OPEN": "", "HOME": "/"],
            files: ["/etc/r": file])
        #expect(values[Self.batch] == 20)
        #expect(values[Self.port] == 2)
        #expect(values[Self.name] == "a=b # c")
        #expect(values[Self.isOpen] == true)
        #expect(values.unreadNames.contains("REELAY_WAIT_SECONDS"))
    }

    @Test func `values are read exactly`() throws {
        let values = try Self.load([
            "REELAY_WAIT_SECONDS": "0.25", "REELAY_CORS_ORIGINS": "https://a.example, https://b.example",
            "REELAY_PEER_ADDRESS": "[::1]:7101,b.example:7102", "REELAY_TMDB_URL": "http://127.0.0.1:7900/tmdb/3",
        ])
        #expect(values[Self.wait] == .milliseconds(250))
        #expect(values[Self.origins] == ["https://a.example", "https://b.example"])
        #expect(values[Self.peer] == "[::1]:7101,b.example:7102")
        #expect(values[Self.url] == "http://127.0.0.1:7900/tmdb/3")
    }

    @Test(arguments: [
        ("REELAY_PORT", "x"), ("REELAY_PORT", "-1"), ("REELAY_PORT", "65536"), ("REELAY_PORT", "80 "),
        ("REELAY_PORT", "+80"), ("REELAY_PORT", "0x50"), ("REELAY_PORT", "99999999999999999999"),
        ("REELAY_BATCH", "0"), ("REELAY_BATCH", "101"), ("REELAY_WAIT_SECONDS", "60.001"),
        ("REELAY_WAIT_SECONDS", "1."), ("REELAY_WAIT_SECONDS", ".5"), ("REELAY_WAIT_SECONDS", "1e1"),
        ("REELAY_WAIT_SECONDS", "1.0000"), ("REELAY_WAIT_SECONDS", "-1"), ("REELAY_OPEN", "yes"),
        ("REELAY_OPEN", "TRUE"), ("REELAY_TMDB_URL", "ftp://x"), ("REELAY_TMDB_URL", "https://"),
        ("REELAY_TMDB_URL", "https://u:p@x/"), ("REELAY_TMDB_URL", "https://x/?a=b"),
        ("REELAY_TMDB_URL", "https://x/ y"), ("REELAY_TMDB_URL", "https://x:0/"),
        ("REELAY_PEER_ADDRESS", "host"), ("REELAY_PEER_ADDRESS", ":80"), ("REELAY_PEER_ADDRESS", "h:0"),
        ("REELAY_PEER_ADDRESS", "::1:80"), ("REELAY_PEER_ADDRESS", "h:80,"), ("REELAY_PEER_ADDRESS", "h:80, i:80"),
        ("REELAY_CORS_ORIGINS", "a, ,b"),
        ("REELAY_NAME", String(repeating: "x", count: 4097)),
    ])
    func `a bad value names the key and what was expected`(name: String, value: String) throws {
        let problems = Self.problems([name: value])
        #expect(problems.count == 1)
        let problem = try #require(problems.first)
        #expect(problem.hasPrefix("\(name): expected "))
        #expect(problem.utf8.count < 300)
    }

    @Test func `all problems are told at once`() {
        let problems = Self.problems(
            [
                "REELAY_PORT": "x\u{1B}[31m", "REELAY_BATCH": "0", "REELAY_PROT": "1", "REELAY_OTHERS_KEY": "fine",
                "REELAY_OTHERS_KEY_FILE": "fine", "REELAY_OTHERS_URL": "fine", "REELAY_OTHERS_URL_FILE": "wrong",
            ],
            isTokenGiven: false)
        #expect(
            problems == [
                "REELAY_OTHERS_URL_FILE: no setting has this name (in the environment)",
                "REELAY_PROT: no setting has this name (in the environment)",
                #"REELAY_PORT: expected a port from 0 to 65535 (0: any free one), got "x\u001b[31m""#,
                #"REELAY_BATCH: expected an integer from 1 to 100, got "0""#,
                "REELAY_TOKEN: is required (or REELAY_TOKEN_FILE): expected a secret text",
            ])
    }

    @Test func `a faulty file names its lines`() {
        let file = "REELAY_PORT\nREELAY_BATCH=1\nREELAY_BATCH=2\nREELAY_WRONG=1\nREELAY_CONFIG_FILE=x\n"
        let problems = Self.problems(["REELAY_CONFIG_FILE": "/f"], files: ["/f": file])
        #expect(
            problems == [
                "/f, line 1: expected KEY=VALUE", "/f, line 3: REELAY_BATCH is already given above",
                "REELAY_CONFIG_FILE: no setting has this name (in /f)",
                "REELAY_WRONG: no setting has this name (in /f)",
            ])
        #expect(
            Self.problems(["REELAY_CONFIG_FILE": "/none"]) == [
                "REELAY_CONFIG_FILE: cannot read /none: No such file or directory"
            ])
    }

    @Test func `a secret may come from a file`() throws {
        let values = try Self.load(
            ["REELAY_TOKEN_FILE": "/s", "REELAY_SPARE_FILE": "/s"], files: ["/s": "from-file\n"], isTokenGiven: false)
        #expect(values[Self.token] == Secret("from-file"))
        #expect(values[Self.spare] == Secret("from-file"))
    }

    @Test func `a secret of the environment, in a file too, wins over the settings file`() throws {
        let values = try Self.load(
            ["REELAY_TOKEN_FILE": "/s", "REELAY_CONFIG_FILE": "/c"],
            files: ["/s": "from-file", "/c": "REELAY_TOKEN=from-settings"], isTokenGiven: false)
        #expect(values[Self.token] == Secret("from-file"))
    }

    @Test func `faulty secrets show nothing of themselves`() {
        #expect(
            Self.problems(["REELAY_TOKEN_FILE": "/s"], files: ["/s": "canary"]) == [
                "REELAY_TOKEN: both it and REELAY_TOKEN_FILE are set: set only one"
            ])
        #expect(
            Self.problems(["REELAY_TOKEN_FILE": "/none"], isTokenGiven: false) == [
                "REELAY_TOKEN_FILE: cannot read /none: No such file or directory"
            ])
        #expect(
            Self.problems(["REELAY_TOKEN_FILE": "/s"], files: ["/s": " \n"], isTokenGiven: false) == [
                "REELAY_TOKEN_FILE: /s is empty"
            ])
        #expect(
            Self.problems(["REELAY_TOKEN_FILE": "/s"], files: ["/s": "can"], isTokenGiven: false) == [
                "REELAY_TOKEN_FILE: expected a secret text in /s"
            ])
        #expect(Self.problems(["REELAY_TOKEN": "can"]) == ["REELAY_TOKEN: expected a secret text"])
        #expect(
            Self.problems(["REELAY_PORT_FILE": "/s"], files: ["/s": "1"]).isEmpty == false,
            "only secrets come from files")
    }

    struct Place: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let environment: [String: String]
        let files: [String: String]
        /// The token then; nil if none is found.
        let token: String?
    }

    static let places = [
        Place(testDescription: "the folder", environment: [:], files: ["/f/REELAY_TOKEN": "folder"], token: "folder"),
        Place(
            testDescription: "the folder, with spaces and a line break", environment: [:],
            files: ["/f/REELAY_TOKEN": " folder\r\n"], token: "folder"),
        Place(
            testDescription: "the environment before the folder", environment: ["REELAY_TOKEN": "variable"],
            files: ["/f/REELAY_TOKEN": "folder"], token: "variable"),
        Place(
            testDescription: "an empty variable is none", environment: ["REELAY_TOKEN": "", "REELAY_TOKEN_FILE": ""],
            files: ["/f/REELAY_TOKEN": "folder"], token: "folder"),
        Place(
            testDescription: "a file that the environment names before the folder",
            environment: ["REELAY_TOKEN_FILE": "/s"], files: ["/s": "file", "/f/REELAY_TOKEN": "folder"], token: "file"),
        Place(
            testDescription: "the settings file before the folder", environment: ["REELAY_CONFIG_FILE": "/c"],
            files: ["/c": "REELAY_TOKEN=settings", "/f/REELAY_TOKEN": "folder"], token: "settings"),
        Place(
            testDescription: "a file that the settings file names before the folder",
            environment: ["REELAY_CONFIG_FILE": "/c"],
            files: ["/c": "REELAY_TOKEN_FILE=/s", "/s": "file", "/f/REELAY_TOKEN": "folder"], token: "file"),
        Place(
            testDescription: "what is not read is not checked", environment: ["REELAY_TOKEN": "variable"],
            files: ["/f/REELAY_TOKEN": "x"], token: "variable"),
        Place(testDescription: "an empty file is none", environment: [:], files: ["/f/REELAY_TOKEN": ""], token: nil),
        Place(
            testDescription: "a file of spaces is none", environment: [:], files: ["/f/REELAY_TOKEN": " \n\t\n"],
            token: nil),
        Place(testDescription: "nothing anywhere", environment: [:], files: [:], token: nil),
    ]

    @Test(arguments: places)
    func `a secret that is given nowhere else comes from the folder of secrets`(place: Place) throws {
        let environment = place.environment.merging(["REELAY_SECRETS_FOLDER": "/f"]) { _, new in new }
        let folders: [String: [String]] = ["/f": []]
        guard let token = place.token else {
            let problems = Self.problems(environment, files: place.files, folders: folders, isTokenGiven: false)
            #expect(
                problems == [
                    "REELAY_TOKEN: is required (or REELAY_TOKEN_FILE, or the file /f/REELAY_TOKEN): "
                        + "expected a secret text"
                ])
            return
        }
        let values = try Self.load(environment, files: place.files, folders: folders, isTokenGiven: false)
        #expect(values[Self.token] == Secret(token))
        #expect(values[Self.spare] == nil, "an optional one that is not there is absent")
    }

    @Test func `an optional secret comes from the folder of secrets, and an empty file is none`() throws {
        let environment = ["REELAY_SECRETS_FOLDER": "/f"]
        let given = try Self.load(environment, files: ["/f/REELAY_SPARE": "spare\n"], folders: ["/f": []])
        #expect(given[Self.spare] == Secret("spare"))
        let empty = try Self.load(environment, files: ["/f/REELAY_SPARE": "\n"], folders: ["/f": []])
        #expect(empty[Self.spare] == nil)
        let without = try Self.load([:], files: ["/f/REELAY_SPARE": "spare"], folders: ["/f": []])
        #expect(without[Self.spare] == nil, "the folder is not named")
    }

    @Test func `faults of the folder of secrets name setting and file, and show nothing of what is in them`() {
        let environment = ["REELAY_SECRETS_FOLDER": "/f"]
        #expect(
            Self.problems(environment, folders: ["/f": ["REELAY_SPARE"]]) == [
                "REELAY_SPARE: cannot read /f/REELAY_SPARE: No such file or directory"
            ])
        #expect(
            Self.problems(
                environment, files: ["/f/REELAY_TOKEN": "can"], folders: ["/f": []], isTokenGiven: false) == [
                    "REELAY_TOKEN: expected a secret text in /f/REELAY_TOKEN"
                ])
        #expect(
            Self.problems(environment) == [
                "REELAY_SECRETS_FOLDER: cannot read /f: No such file or directory"
            ])
        for path in ["f", "./f", " /f"] {
            #expect(
                Self.problems(["REELAY_SECRETS_FOLDER": path], folders: [path: []]) == [
                    "REELAY_SECRETS_FOLDER: expected an absolute path, got \"\(path)\""
                ])
        }
        #expect(
            Self.problems(
                ["REELAY_CONFIG_FILE": "/c"], files: ["/c": "REELAY_SECRETS_FOLDER=/f"], folders: ["/f": []]) == [
                    "REELAY_SECRETS_FOLDER: no setting has this name (in /c)"
                ], "only the environment names it")
    }

    @Test func `names in the folder of secrets are those of secrets, of any service, or not ours`() {
        let names = [
            "REELAY_TOKNE", "REELAY_PORT", "REELAY_TOKEN_FILE", "REELAY_OTHERS_KEY", "REELAY_OTHERS_URL", ".gitkeep",
            "README", "reelay_token", "REELAY_CONFIG_FILE", "REELAY_TOKEN.new",
        ]
        #expect(
            Self.problems(["REELAY_SECRETS_FOLDER": "/f"], folders: ["/f": names]) == [
                "REELAY_CONFIG_FILE: no secret has this name (in /f)",
                "REELAY_OTHERS_URL: no secret has this name (in /f)",
                "REELAY_PORT: no secret has this name (in /f)",
                "REELAY_TOKEN.new: no secret has this name (in /f)",
                "REELAY_TOKEN_FILE: no secret has this name (in /f)",
                "REELAY_TOKNE: no secret has this name (in /f)",
            ])
    }

    @Test func `real folders are listed, within bounds`() throws {
        #expect(ConfigFile.list("/nonexistent") == .unreadable(reason: "No such file or directory"))
        #expect(ConfigFile.list("/dev/null") == .unreadable(reason: "Not a directory"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("folder-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(ConfigFile.list(folder.path) == .names([]))
        func add(_ name: String) { _ = FileManager.default.createFile(atPath: folder.path + "/" + name, contents: nil) }
        let long = String(repeating: "n", count: 255)
        for name in [".hidden", "REELAY_TOKEN", long] { add(name) }
        guard case .names(let names) = ConfigFile.list(folder.path) else {
            Issue.record("it is not listed")
            return
        }
        #expect(names.sorted() == [".hidden", "REELAY_TOKEN", long])
        for number in names.count..<ConfigFile.folderNamesMax { add("\(number)") }
        guard case .names(let most) = ConfigFile.list(folder.path) else {
            Issue.record("the largest folder is not listed")
            return
        }
        #expect(most.count == ConfigFile.folderNamesMax)
        add("more")
        #expect(ConfigFile.list(folder.path) == .unreadable(reason: "it has more than 1024 files"))
    }

    @Test func `real files are read whole, within bounds`() {
        #expect(ConfigFile.read("/nonexistent/x") == .unreadable(reason: "No such file or directory"))
        #expect(ConfigFile.read("/") == .unreadable(reason: "Is a directory"))
        #expect(ConfigFile.read("/dev/zero") == .unreadable(reason: "it is larger than 65536 bytes"))
        guard case .text(let text) = ConfigFile.read("/proc/self/comm") else {
            Issue.record("the process has no name")
            return
        }
        #expect(!text.isEmpty)
    }

    @Test func `the documentation has a row per key`() {
        let table = Self.schema.markdown()
        #expect(table.split(separator: "\n").count == 2 + Self.schema.definitions.count)
        #expect(table.contains("| `REELAY_BATCH` | an integer from 1 to 100 | `10` | Batch. |"))
        #expect(table.contains("| `REELAY_WAIT_SECONDS` | a number of seconds from 0 to 60 | `1.5` | Wait. |"))
        #expect(
            table.contains(
                "| `REELAY_TOKEN` | a secret text, or in the file of `REELAY_TOKEN_FILE` | required | Token. |"))
        #expect(table.contains("Name \\| nick."))
        for name in Self.schema.names { #expect(Self.schema.helpText().contains(name)) }
    }

    @Test func `the standard keys are known to all and their defaults are valid`() throws {
        let keys = StandardKeys(portDefault: 7102)
        let schema = ConfigSchema(keys.definitions)
        #expect(KnownKeys.missing(from: schema) == [])
        #expect(KnownKeys.missing(from: Self.schema).contains("REELAY_BATCH"))
        let mistaken = ConfigKey<Secret>.secret("REELAY_TMDB_URL", "Not a secret.").definition
        #expect(KnownKeys.missing(from: ConfigSchema([mistaken])) == ["REELAY_TMDB_URL"], "not among the secrets")
        for definition in schema.definitions {
            if let text = definition.defaultText, definition.name != keys.adminPort.name {
                #expect(definition.accepts(text), "\(definition.name)")
            }
        }
    }

    @Test func `the shared keys check what they take`() throws {
        #expect(SharedKeys.databaseURL.parse("mysql://x") == nil)
        #expect(SharedKeys.databaseURL.parse("postgres://x") != nil)
        #expect(SharedKeys.serviceSecret.parse(String(repeating: "x", count: 31)) == nil)
        #expect(SharedKeys.keyRing.parse("nonsense") == nil)
        #expect(SharedKeys.keyRing.parse(KeyRing.makeLine(id: "k1").revealed) != nil)
    }
}
