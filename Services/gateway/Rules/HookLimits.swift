/// Every bound of what the gateway takes from media servers.
package enum HookLimits {
    /// Bytes of what a server tells, pictures aside: 256 KiB, as the contract has it.
    package static let payloadBytesMax = 262_144
}
