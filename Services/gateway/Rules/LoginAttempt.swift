import Contracts
import Cryptography
import Edge

/// The subjects for which an attempt at a password is counted. Names and addresses are stored as digests, so that the
/// table does not reveal who tried what.
struct LoginAttempt: Sendable, Hashable {
    /// A digest, the failures that cost nothing, the longest wait beyond them, and whether many people share it: their
    /// failures are forgotten one by one, since there is no time without any.
    struct Subject: Sendable, Hashable {
        let digest: [UInt8]
        let allowance: Int
        let waitMaxSeconds: Int
        let isShared: Bool
    }

    let subjects: [Subject]
    /// The digest of the network within the account, by which it is known after a success; nil without an address.
    let networkDigest: [UInt8]?
    /// The subject that a success clears.
    var cleared: Subject { subjects[0] }

    private init(subjects: [Subject], networkDigest: [UInt8]?) {
        self.subjects = subjects
        self.networkDigest = networkDigest
    }

    /// Returns the digest of the network of `address` within the account of `name`; nil if the address is not valid.
    static func network(of name: Username, from address: String) -> [UInt8]? {
        NetworkAddress(address).map { digest("network", name.key, $0.network) }
    }

    /// A login as `name` from `address`. From a network that the account knows it is counted apart, so that others
    /// cannot lock the person out. Either way as much is counted, so that nobody sees which networks are known.
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

    /// Returns how many seconds to wait after the last failure that cost nothing, after the next one, and so on; the
    /// last value applies to each further one. A subject's own longest wait caps them.
    static func waits(_ limits: GatewayLimits) -> [Int] {
        let longest = seconds(limits.failureWaitMax)
        var waits = [min(seconds(limits.failureWaitMin), longest)]
        while let last = waits.last, last > 0, last < longest { waits.append(min(2 * last, longest)) }
        return waits
    }

    private static func seconds(_ duration: Duration) -> Int { Int(duration.components.seconds) }

    /// More failures than fit into a day.
    private static let boundless = 1_000_000_000

    /// A logged-in person shows the password once more.
    static func confirmation(by user: UserID, limits: GatewayLimits) -> LoginAttempt {
        ofOne("confirmation", user, limits)
    }

    /// A code of the second factor, counted separately: somebody who knows the password could otherwise clear the count
    /// by changing it, and guess on.
    static func code(by user: UserID, limits: GatewayLimits) -> LoginAttempt { ofOne("code", user, limits) }

    private static func ofOne(_ kind: String, _ user: UserID, _ limits: GatewayLimits) -> LoginAttempt {
        LoginAttempt(
            subjects: [
                Subject(
                    digest: digest(kind, user.description, []), allowance: limits.accountFailuresMax,
                    waitMaxSeconds: seconds(limits.failureWaitMax), isShared: false)
            ], networkDigest: nil)
    }

    /// Returns the digests of the subjects that concern one person alone, for passwords and codes; `networks` are those
    /// that the account knows.
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
