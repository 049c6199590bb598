internal import Glibc
internal import NIOSSL
internal import Synchronization

/// The certificate of the public side, read from two PEM files and read again when they have changed, so that one that is
/// renewed needs no restart. Connections that are open keep what they began with.
package final class EdgeCertificate: Sendable {
    /// Why the files are of no use.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// What a look at the files came to.
    package enum Outcome: Sendable, Hashable {
        case unchanged
        case renewed
        /// What is in use stays in use.
        case failed(String)
    }

    /// What tells one state of a file from another.
    private struct Stamp: Sendable, Hashable {
        let device: UInt
        let node: UInt
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var found = stat()
            guard stat(path, &found) == 0 else { return nil }
            device = UInt(found.st_dev)
            node = UInt(found.st_ino)
            size = Int(found.st_size)
            (seconds, nanoseconds) = (found.st_mtim.tv_sec, found.st_mtim.tv_nsec)
        }
    }

    private struct State: Sendable {
        var context: NIOSSLContext
        var stamps: [Stamp?]
    }

    /// How often the files are looked at.
    package static let lookInterval = Duration.seconds(5)

    private let certificate: String
    private let key: String
    private let state: Mutex<State>

    /// Reads both files; throws `Failure` where they are no certificate and its key.
    package init(certificate: String, key: String) throws(Failure) {
        self.certificate = certificate
        self.key = key
        let stamps = [Stamp(certificate), Stamp(key)]
        state = Mutex(State(context: try Self.read(certificate, key), stamps: stamps))
    }

    var context: NIOSSLContext { state.withLock(\.context) }

    /// Looks whether the files have changed. Blocks on them: not for an event loop.
    package func look() -> Outcome {
        let stamps = [Stamp(certificate), Stamp(key)]
        guard stamps != state.withLock(\.stamps) else { return .unchanged }
        do throws(Failure) {
            let context = try Self.read(certificate, key)
            state.withLock { $0 = State(context: context, stamps: stamps) }
            return .renewed
        } catch {
            // Perhaps one of the two is still to come: the next look tries again.
            return .failed(error.description)
        }
    }

    private static func read(_ certificate: String, _ key: String) throws(Failure) -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
            let secret = try NIOSSLPrivateKey(file: key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(secret))
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["h2", "http/1.1"]
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(description: "\(certificate) and \(key) are no certificate and its key: \(error)")
        }
    }
}
