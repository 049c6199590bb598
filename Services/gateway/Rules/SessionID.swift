package import Contracts

/// One session of a person: what a login opens and a logout ends.
package struct SessionID: UUIDIdentifier {
    package let uuid: UUIDBits
    package init(_ uuid: UUIDBits) { self.uuid = uuid }
}
