import Contracts
import Cryptography
import Edge

/// For what the attempts at a password are counted. Names and addresses are told apart by digests, so that nobody reads
/// in the table who tried what.
struct LoginAttempt: Sendable, Hashable {
    /// A digest, and how many failures cost nothing.
    struct Subject: Sendable, Hashable {
        let digest: [UInt8]
        let allowance: Int
    }

    let subjects: [Subject]
    /// The digest of the address within the account, by which it is known after a success; nil without an address.
    let networkDigest: [UInt8]?
    /// The subject that a success clears.
    var cleared: Subject { subjects[0] }

    private init(subjects: [Subject], networkDigest: [UInt8]?) {
        self.subjects = subjects
        self.networkDigest = networkDigest
    }

    /// A login as `name` from `address`. Who comes from an address that the account knows is counted apart: others cannot
    /// lock them out by guessing.
    static func login(
        _ name: Username, from address: String, known networks: [[UInt8]], limits: GatewayLimits
    ) -> LoginAttempt {
        let network = NetworkAddress(address)?.network
        let within = network.map { digest("network", name.key, $0) }
        if let within, networks.contains(within) {
            return LoginAttempt(
                subjects: [Subject(digest: digest("known", name.key, within), allowance: limits.accountFailuresMax)],
                networkDigest: within)
        }
        var subjects = [Subject(digest: digest("account", name.key, []), allowance: limits.accountFailuresMax)]
        if let network {
            subjects.append(Subject(digest: digest("address", "", network), allowance: limits.addressFailuresMax))
        }
        return LoginAttempt(subjects: subjects, networkDigest: within)
    }

    /// A person who is logged in shows the password once more.
    static func confirmation(by user: UserID, limits: GatewayLimits) -> LoginAttempt {
        LoginAttempt(
            subjects: [
                Subject(digest: digest("confirmation", user.description, []), allowance: limits.accountFailuresMax)
            ], networkDigest: nil)
    }

    private static func digest(_ kind: String, _ name: String, _ bytes: [UInt8]) -> [UInt8] {
        SHA256.hash(Array("\(kind)\n\(name)\n".utf8) + bytes).bytes
    }
}
