import Contracts
import Cryptography
import Edge

/// For what the attempts at a password are counted. Names and addresses are told apart by digests, so that nobody reads
/// in the table who tried what.
struct LoginAttempt: Sendable, Hashable {
    /// A digest, how many failures cost nothing, the longest wait beyond them, and whether it is of many people: their
    /// failures are forgotten one by one, since there is no time without any.
    struct Subject: Sendable, Hashable {
        let digest: [UInt8]
        let allowance: Int
        let waitMaxSeconds: Int
        let isShared: Bool
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

    /// The digest of the network of `address` within the account of `name`; nil where the address is none.
    static func network(of name: Username, from address: String) -> [UInt8]? {
        NetworkAddress(address).map { digest("network", name.key, $0.network) }
    }

    /// A login as `name` from `address`. Who comes from a network that the account knows is counted apart: others cannot
    /// lock them out by guessing. Either way as much is counted, so that nobody sees which networks an account knows.
    static func login(
        _ name: Username, from address: String, isKnown: Bool, limits: GatewayLimits
    ) -> LoginAttempt {
        let within = network(of: name, from: address)
        let longest = seconds(limits.failureWaitMax)
        func subject(
            _ kind: String, _ name: String, _ bytes: [UInt8], _ allowance: Int, isShared: Bool = false
        ) -> Subject {
            Subject(
                digest: digest(kind, name, bytes), allowance: allowance, waitMaxSeconds: longest, isShared: isShared)
        }
        if let within, isKnown {
            return LoginAttempt(
                subjects: [
                    subject("known", name.key, within, limits.accountFailuresMax),
                    subject("uncounted address", name.key, within, Self.boundless),
                    subject("uncounted", name.key, within, Self.boundless),
                ], networkDigest: within)
        }
        var subjects = [subject("account", name.key, [], limits.accountFailuresMax)]
        if let site = NetworkAddress(address)?.site {
            subjects.append(subject("address", "", site, limits.addressFailuresMax, isShared: true))
        }
        subjects.append(
            Subject(
                digest: digest("all", "", []), allowance: limits.allFailuresMax,
                waitMaxSeconds: seconds(limits.allFailuresWaitMax), isShared: true))
        return LoginAttempt(subjects: subjects, networkDigest: within)
    }

    /// How many seconds to wait after the last failure that cost nothing, after the one behind it, and so on; the last of them
    /// after each further one. A subject's own longest wait cuts them short.
    static func waits(_ limits: GatewayLimits) -> [Int] {
        let longest = seconds(limits.failureWaitMax)
        var waits = [min(seconds(limits.failureWaitMin), longest)]
        while let last = waits.last, last > 0, last < longest { waits.append(min(2 * last, longest)) }
        return waits
    }

    private static func seconds(_ duration: Duration) -> Int { Int(duration.components.seconds) }

    /// More failures than a day has room for.
    private static let boundless = 1_000_000_000

    /// A person who is logged in shows the password once more.
    static func confirmation(by user: UserID, limits: GatewayLimits) -> LoginAttempt {
        ofOne("confirmation", user, limits)
    }

    /// The same of a code of the second factor, counted apart: who knows the password could clear what was counted by changing it, and
    /// so guess on.
    static func code(by user: UserID, limits: GatewayLimits) -> LoginAttempt { ofOne("code", user, limits) }

    private static func ofOne(_ kind: String, _ user: UserID, _ limits: GatewayLimits) -> LoginAttempt {
        LoginAttempt(
            subjects: [
                Subject(
                    digest: digest(kind, user.description, []), allowance: limits.accountFailuresMax,
                    waitMaxSeconds: seconds(limits.failureWaitMax), isShared: false)
            ], networkDigest: nil)
    }

    /// The digests of what counts for one person alone, wherever they show a password or a code; `networks` are those that the
    /// account knows.
    static func digests(of name: Username, _ user: UserID, knownNetworks networks: [[UInt8]]) -> [[UInt8]] {
        [
            digest("account", name.key, []), digest("confirmation", user.description, []),
            digest("code", user.description, []),
        ] + networks.map { digest("known", name.key, $0) }
    }

    private static func digest(_ kind: String, _ name: String, _ bytes: [UInt8]) -> [UInt8] {
        SHA256.hash(Array("\(kind)\n\(name)\n".utf8) + bytes).bytes
    }
}
