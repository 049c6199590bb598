/// Limits of what the gateway accepts from media servers.
package enum HookLimits {
    /// The maximum size of what a server sends, pictures aside: 256 KiB, as in the contract.
    package static let payloadBytesMax = 262_144
}
