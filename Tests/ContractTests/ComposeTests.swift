import Foundation
import Stack
import Testing
import Yams

/// What `deploy/docker-compose.yml` gives every container, and what it keeps from it.
@Suite struct ComposeTests {
    private typealias Service = [String: Any]

    private static func services() throws -> [String: Service] {
        let text = try String(
            contentsOf: Project.root.appendingPathComponent("deploy/docker-compose.yml"), encoding: .utf8)
        let file = try #require(try Yams.load(yaml: text) as? [String: Any])
        return try #require(file["services"] as? [String: Service])
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
            // What is ours there is read only; only Postgres has a place that it writes to.
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

    @Test("Secrets come as files: no variable of a container holds one")
    func secrets() throws {
        for (name, service) in try Self.services() {
            let variables = service["environment"] as? [String: Any] ?? [:]
            for (key, value) in variables {
                let isSecret = key.contains("PASSWORD") || key.contains("SERVICE_SECRET") || key.contains("KEY_RING")
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

    @Test("The images: a user without a name and rights, no shell tricks, nothing secret built in")
    func images() throws {
        let text = try String(contentsOf: Project.root.appendingPathComponent("deploy/Dockerfile"), encoding: .utf8)
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.contains("USER 10001:10001"))
        #expect(lines.count { $0.hasPrefix("USER ") } == 1, "nobody becomes root again")
        #expect(lines.contains("STOPSIGNAL SIGTERM"))
        #expect(lines.filter { $0.hasPrefix("ENTRYPOINT") }.allSatisfy { $0.hasPrefix("ENTRYPOINT [") })
        #expect(!lines.contains { $0.contains("COPY") && ($0.contains("secrets") || $0.contains("COPY . ")) })
        #expect(!lines.contains { $0.hasPrefix("ENV") && $0.contains("SECRET") })
        for service in Self.ours { #expect(lines.contains("FROM runtime AS \(service)"), "\(service)") }
    }
}
