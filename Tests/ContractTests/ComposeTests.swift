import Foundation
import Stack
import Testing
import Yams

/// What `deploy/docker-compose.yml` and its companion files give every container, and what they withhold from it.
@Suite struct ComposeTests {
    private typealias Service = [String: Any]

    private static func file(_ name: String) throws -> [String: Any] {
        let text = try String(contentsOf: Project.root.appendingPathComponent("deploy/\(name)"), encoding: .utf8)
        return try #require(try Yams.load(yaml: text) as? [String: Any])
    }

    private static func services(in name: String = "docker-compose.yml") throws -> [String: Service] {
        try #require(try file(name)["services"] as? [String: Service])
    }

    private static let ours = ["metadata", "ratings", "scrobble", "gateway", "upstreams"]

    @Test("Every container: no capability, no new privileges, bounded memory and processes, a limit on its end")
    func everyContainer() throws {
        let services = try Self.services()
        #expect(Set(services.keys) == Set(Self.ours + ["postgres", "balancer"]))
        for (name, service) in services {
            #expect(service["cap_drop"] as? [String] == ["ALL"], "\(name)")
            #expect(service["security_opt"] as? [String] == ["no-new-privileges:true"], "\(name)")
            #expect(service["mem_limit"] != nil && service["pids_limit"] != nil, "\(name)")
            #expect(service["stop_grace_period"] != nil && service["restart"] != nil, "\(name)")
            for key in ["privileged", "pid", "ipc", "network_mode", "userns_mode", "devices", "cgroup_parent"] {
                #expect(service[key] == nil, "\(name) has \(key)")
            }
            let mounts = service["volumes"] as? [String] ?? []
            #expect(!mounts.contains { $0.contains("docker.sock") || $0.hasPrefix("/") }, "\(name)")
            // Our own files are mounted read-only; only Postgres has a volume to write to.
            for mount in mounts where mount.hasPrefix(".") { #expect(mount.hasSuffix(":ro"), "\(name): \(mount)") }
            #expect(mounts.allSatisfy { $0.hasPrefix(".") } || name == "postgres", "\(name)")
        }
    }

    @Test("Our own: a root that cannot be written, a bounded /tmp, no added capability, a healthcheck", arguments: ours)
    func ownContainer(name: String) throws {
        let service = try #require(try Self.services()[name])
        #expect(service["read_only"] as? Bool == true)
        #expect(service["tmpfs"] as? [String] == ["/tmp:size=64m,mode=1777"])
        #expect(service["cap_add"] == nil)
        #expect(service["healthcheck"] != nil)
        #expect(service["ports"] == nil, "only the balancer is reached from outside")
    }

    @Test(
        "Postgres has what it needs to become the user postgres, and nothing more; nothing but the services reaches it")
    func postgres() throws {
        let services = try Self.services()
        let added = Set(services["postgres"]?["cap_add"] as? [String] ?? [])
        #expect(added == ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"])
        #expect(services["postgres"]?["ports"] == nil)
        #expect(services["balancer"]?["cap_add"] == nil && services["balancer"]?["read_only"] as? Bool == true)
        #expect(services["balancer"]?["networks"] as? [String] == ["edge"])
        for (name, service) in services where name != "balancer" && name != "gateway" {
            #expect(service["networks"] as? [String] == ["core"], "\(name)")
        }
        let port = (services["balancer"]?["ports"] as? [String])?.first
        #expect(
            port?.hasPrefix("${REELAY_BIND:-127.0.0.1}:") == true, "open to this machine only unless told otherwise")
    }

    @Test("Postgres has the same room in a container as in a private cluster")
    func room() throws {
        let command = try #require(try Self.services()["postgres"]?["command"] as? [String])
        let room = command.filter { $0.hasPrefix("shared_buffers=") || $0.hasPrefix("max_wal_size=") }
        #expect(room.count == 2)
        let script = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/dev/lib/postgres.sh"), encoding: .utf8)
        for setting in room { #expect(script.contains("-c \(setting)"), "\(setting)") }
    }

    /// Forwarded addresses were once always dropped, so that all clients behind another proxy counted as one.
    @Test(
        "The balancer believes whom others ask for of named networks only, of none unless told, and says itself who asked"
    )
    func forwarded() throws {
        let balancer = try #require(try Self.services()["balancer"])
        let variables = balancer["environment"] as? [String: Any]
        #expect(variables?["REELAY_BALANCER_PROXIES"] as? String == "${REELAY_BALANCER_PROXIES:-}")
        let text = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/haproxy/haproxy.cfg"), encoding: .utf8)
        let rules = text.split(separator: "\n").map { $0.drop { $0 == " " } }.filter { !$0.hasPrefix("#") }
        // Without a network the list is empty, and an empty list matches no one.
        #expect(rules.contains(#"acl is_proxy src -- "${REELAY_BALANCER_PROXIES[*]}""#))
        #expect(
            rules.filter { $0.contains("x-forwarded-for") }
                == ["http-request del-header x-forwarded-for unless is_proxy"])
        #expect(rules.contains("option forwardfor"))
    }

    @Test("Secrets come as files: no variable of a container holds one")
    func secrets() throws {
        for (name, service) in try Self.services() {
            let variables = service["environment"] as? [String: Any] ?? [:]
            if name != "postgres" {
                // Each container has the secrets that it reads, and no others. Postgres creates the roles, with all
                // their passwords.
                let files = variables.filter { $0.key.hasSuffix("_FILE") }.map { "\($0.value)" }
                let read = files.compactMap { $0.split(separator: "/").last.map(String.init) }
                #expect(Set(service["secrets"] as? [String] ?? []) == Set(read), "\(name)")
            }
            for (key, value) in variables {
                let words = key.split(separator: "_")
                let isSecret = words.contains("PASSWORD") || key.contains("SERVICE_SECRET") || key.contains("KEY_RING")
                if isSecret { #expect(key.hasSuffix("_FILE"), "\(name): \(key)") }
                if key.hasSuffix("_FILE") {
                    #expect("\(value)".hasPrefix("/run/secrets/"), "\(name): \(key)")
                    let secret = "\(value)".split(separator: "/").last.map(String.init) ?? ""
                    #expect((service["secrets"] as? [String])?.contains(secret) == true, "\(name): \(key)")
                }
                #expect("\(value)".firstMatch(of: /:\/\/[^\/@]*:[^\/@]*@/) == nil, "\(name): \(key)")
            }
        }
    }

    @Test("Keys of providers may be files too: each service sees the folder with its own, read only, and no other does")
    func secretsFolders() throws {
        for (name, service) in try Self.services() {
            let mounts = service["volumes"] as? [String] ?? []
            let folders = mounts.filter { $0.contains("secrets") }
            let variable = (service["environment"] as? [String: Any])?["REELAY_SECRETS_FOLDER"] as? String
            if Self.ours.contains(name), name != "upstreams" {
                #expect(folders == ["./secrets/settings/\(name):/run/settings:ro"], "\(name)")
                #expect(variable == "/run/settings", "\(name)")
            } else {
                #expect(folders == [] && variable == nil, "\(name)")
            }
        }
    }

    @Test("The folders for keys of providers are made again and again, and what somebody has put there stays")
    func secretsFoldersAreMade() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("secrets-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let script = Project.root.appendingPathComponent("deploy/dev/lib/secrets.sh").path
        let command = #"umask 077 && . "$0" && make_settings_folders "$1""#
        try await Command.run("bash", ["-euc", command, script, folder.path])
        let settings = folder.appendingPathComponent("settings")
        let made = try FileManager.default.contentsOfDirectory(atPath: settings.path)
        #expect(Set(made) == Set(Self.ours).subtracting(["upstreams"]))
        // A container's user, whom this machine does not know, reads what is in them.
        for name in made {
            let mode = try FileManager.default.attributesOfItem(atPath: settings.appendingPathComponent(name).path)
            #expect(mode[.posixPermissions] as? Int == 0o755, "\(name)")
        }
        let key = settings.appendingPathComponent("metadata/REELAY_TMDB_API_KEY")
        try "key".write(to: key, atomically: false, encoding: .utf8)
        try await Command.run("bash", ["-euc", command, script, folder.path])
        #expect(try String(contentsOf: key, encoding: .utf8) == "key")
    }

    /// The settings that no compose variable controls, with the reason.
    private static let unsettable = [
        "REELAY_ADMIN_PORT": "the image has it, for the healthcheck and the balancer",
        "REELAY_DATABASE_PASSWORD": "a secret, as a file",
        "REELAY_DATABASE_URL": "the Postgres beside the services",
        "REELAY_HOST": "the image has it: every address of the container",
        "REELAY_INTERNAL_PORT": "the image has it, as the network's other names do",
        "REELAY_KEY_RING": "a secret, as a file",
        "REELAY_METADATA_ADDRESS": "the service's name in the network",
        "REELAY_PEER_TLS_FOLDER": "docker-compose.peers.yml gives it, with the folder",
        "REELAY_PORT": "the image has it; outside it is the port of the balancer",
        "REELAY_PROVIDER_CALLS_PER_SECOND": "for measuring with emulated providers",
        "REELAY_PUBLIC_CERTIFICATE":
            "the balancer speaks TLS outside (docker-compose.tls.yml); for the way from there docker-compose.peers.yml has it",
        "REELAY_PUBLIC_CERTIFICATE_KEY": "as the certificate",
        "REELAY_RATINGS_ADDRESS": "the service's name in the network",
        "REELAY_SCRATCH_FOLDER": "/tmp is the only folder that can be written",
        "REELAY_SCROBBLE_ADDRESS": "the service's name in the network",
        "REELAY_SERVICE_SECRET": "a secret, as a file",
        "REELAY_SHUTDOWN_SECONDS": "fits stop_grace_period, after which a container is killed",
    ]

    /// The settings of every service according to `docs/configuration.md`.
    private static func documented() throws -> [String: Set<String>] {
        let page = try String(
            contentsOf: Project.root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        var settings: [String: Set<String>] = [:]
        for row in page.split(separator: "\n") where row.hasPrefix("| `REELAY_") {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let name = try #require(cells.first).trimmingCharacters(in: CharacterSet(charactersIn: "`"))
            for service in try #require(cells.last).split(separator: ",") {
                settings[service.trimmingCharacters(in: .whitespaces), default: []].insert(name)
            }
        }
        return settings
    }

    @Test("Every setting reaches the services that read it from the same name outside, or is named here with why not")
    func settings() throws {
        let documented = try Self.documented()
        #expect(Set(documented.keys) == Set(Self.ours).subtracting(["upstreams"]))
        let services = try Self.services()
        for (name, settings) in documented {
            let variables = services[name]?["environment"] as? [String: Any] ?? [:]
            for setting in settings {
                let value = variables[setting].map { "\($0)" }
                if Self.unsettable[setting] == nil {
                    #expect(value?.hasPrefix("${\(setting):-") == true, "\(name): \(setting) is not passed on")
                } else {
                    #expect(value?.contains("$") != true, "\(name): \(setting) is passed on after all")
                }
            }
            let read = settings.union(settings.map { "\($0)_FILE" }).union(["REELAY_SECRETS_FOLDER"])
            #expect(Set(variables.keys).subtracting(read) == [], "\(name) does not read them")
        }
        let all = documented.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        #expect(Set(Self.unsettable.keys).subtracting(all) == [], "there are no such settings")
    }

    @Test("TLS inside: each sees the folder with its own certificate, read only, and no other; nobody shares a secret")
    func peerCertificates() throws {
        let services = try Self.services(in: "docker-compose.peers.yml")
        let peers = Self.ours.filter { $0 != "upstreams" }
        #expect(Set(services.keys) == Set(peers + ["certificates", "postgres", "balancer"]))
        for name in peers {
            let service = try #require(services[name])
            #expect(Set(service.keys) == ["environment", "volumes"], "\(name)")
            #expect(service["volumes"] as? [String] == ["certificates_\(name):/certificates:ro"], "\(name)")
            let variables = try #require(service["environment"] as? [String: String])
            #expect(variables["REELAY_PEER_TLS_FOLDER"] == "/certificates", "\(name)")
            #expect(variables["REELAY_SERVICE_AUTHENTICATION"] == "certificate", "\(name)")
            #expect(variables["REELAY_DATABASE_PASSWORD_FILE"] == "", "\(name): no password is taken")
            let place = "postgres://reelay_\(name)@postgres:5432/reelay?sslmode=verify-full"
            #expect(variables["REELAY_DATABASE_URL"]?.hasPrefix(place + "&") == true, "\(name)")
        }
        for name in ["postgres", "balancer"] {
            let mounts = try #require(services[name]?["volumes"] as? [String])
            #expect(mounts.filter { $0.hasPrefix("certificates_") }.count == 1, "\(name)")
            #expect(mounts.contains { $0.hasPrefix("certificates_\(name):") }, "\(name)")
            #expect(mounts.allSatisfy { $0.hasSuffix(":ro") }, "\(name)")
        }
        for name in ["postgres", "balancer"] {
            #expect(services[name]?["entrypoint"] as? [String] == ["bash", "/reelay/with-certificates"], "\(name)")
        }
        let secrets = try Self.file("docker-compose.peers.yml")["secrets"] as? [String: [String: String]] ?? [:]
        let shared = try Self.file("docker-compose.yml")["secrets"] as? [String: [String: String]] ?? [:]
        let files = peers.compactMap { (secrets["\($0)_service_secret"] ?? shared["\($0)_service_secret"])?["file"] }
        #expect(Set(files).count == peers.count, "each has a secret of its own: \(files)")
    }

    @Test("Who makes certificates has no network, a root that cannot be written, and bounds")
    func certificates() throws {
        let maker = try #require(try Self.services(in: "docker-compose.peers.yml")["certificates"])
        #expect(maker["network_mode"] as? String == "none")
        #expect(maker["read_only"] as? Bool == true)
        #expect(maker["cap_drop"] as? [String] == ["ALL"])
        #expect(Set(maker["cap_add"] as? [String] ?? []) == ["CHOWN", "DAC_OVERRIDE", "FOWNER"])
        #expect(maker["security_opt"] as? [String] == ["no-new-privileges:true"])
        #expect(maker["mem_limit"] != nil && maker["pids_limit"] != nil && maker["stop_grace_period"] != nil)
        let mounts = try #require(maker["volumes"] as? [String])
        #expect(mounts.allSatisfy { $0.contains(":/certificates/") && !$0.hasPrefix(".") && !$0.hasPrefix("/") })
    }

    @Test("With certificates the balancer asks the gateway over TLS alone, as who it is, and checks whom it asks")
    func balancerCertificates() throws {
        let text = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/haproxy/haproxy.cfg"), encoding: .utf8)
        let lines = text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let begin = try #require(lines.firstIndex(of: ".if defined(REELAY_BALANCER_PEERS)"))
        let end = try #require(lines[begin...].firstIndex(of: ".endif"))
        let words = Set(lines[begin..<end].joined(separator: " ").split(separator: " "))
        for word in ["ssl", "verify", "required", "ca-file", "crt", "verifyhost", "check-ssl"] {
            #expect(words.contains(Substring(word)), "\(word)")
        }
        let clear = try #require(lines.firstIndex(of: "bind :8080"))
        #expect(
            lines[clear...].prefix(3).contains("http-after-response del-header strict-transport-security"),
            "the gateway's own certificate binds no browser that came in the clear")
        let variables =
            try Self.services(in: "docker-compose.peers.yml")["balancer"]?["environment"] as? [String: String]
        #expect(variables == ["REELAY_BALANCER_PEERS": "/peers"])
    }

    @Test("TLS for callers from outside: the balancer is given a certificate, read only, and speaks nothing else then")
    func publicCertificate() throws {
        let services = try Self.services(in: "docker-compose.tls.yml")
        #expect(Set(services.keys) == ["balancer"])
        let balancer = try #require(services["balancer"])
        #expect(Set(balancer.keys) == ["environment", "volumes"])
        #expect(balancer["volumes"] as? [String] == ["./secrets/public:/certificates:ro"])
        let variables = balancer["environment"] as? [String: String]
        #expect(variables == ["REELAY_BALANCER_CERTIFICATE": "/certificates/tls.crt"])
        let lines = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/haproxy/haproxy.cfg"), encoding: .utf8
        ).split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        let condition = try #require(lines.firstIndex(of: ".if defined(REELAY_BALANCER_CERTIFICATE)"))
        let otherwise = try #require(lines.firstIndex(of: ".else"))
        let binds = lines.indices.filter { lines[$0].hasPrefix("bind ") }
        #expect(binds.count == 2)
        let first = try #require(binds.first)
        #expect(condition < first && first < otherwise)
        let secure = lines[first]
        #expect(secure.contains(" ssl crt \"${REELAY_BALANCER_CERTIFICATE}\" ssl-min-ver TLSv1.2 "), "\(secure)")
        // What is set last counts, and nothing is set without a certificate.
        let field = "http-after-response set-header strict-transport-security"
        let told = try #require(lines.firstIndex(of: "\(field) max-age=31536000"))
        #expect(lines.count { $0.hasPrefix(field) } == 2 && condition < told && told + 3 < otherwise)
        let wider = [
            #".if streq("$REELAY_HSTS_SUBDOMAINS",true)"#, "\(field) \"max-age=31536000; includeSubDomains\"", ".endif",
        ]
        #expect(Array(lines[told...].dropFirst().prefix(3)) == wider)
        let base = try #require(try Self.services()["balancer"]?["environment"] as? [String: Any])
        #expect(base["REELAY_HSTS_SUBDOMAINS"] as? String == "${REELAY_HSTS_SUBDOMAINS:-}")
    }

    @Test("The images: a user without a name and rights, no shell tricks, released code alone, nothing secret built in")
    func images() throws {
        let text = try String(contentsOf: Project.root.appendingPathComponent("deploy/Dockerfile"), encoding: .utf8)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.contains("USER 10001:10001"))
        #expect(lines.count { $0.hasPrefix("USER ") } == 1, "nobody becomes root again")
        #expect(lines.contains("STOPSIGNAL SIGTERM"))
        #expect(lines.filter { $0.hasPrefix("ENTRYPOINT") }.allSatisfy { $0.hasPrefix("ENTRYPOINT [") })
        #expect(!lines.contains { $0.contains("COPY") && ($0.contains("secrets") || $0.contains("COPY . ")) })
        #expect(!lines.contains { $0.hasPrefix("ENV") && $0.contains("SECRET") })
        #expect(text.contains("swift build --disable-dependency-cache --configuration release "))
        #expect(try Self.services()["upstreams"]?["profiles"] as? [String] == ["demo"], "not where it is used for real")
        for service in Self.ours { #expect(lines.contains("FROM runtime AS \(service)"), "\(service)") }
    }
}
