// One end of a connection: an address and a port, and their form in system calls.

internal import Glibc

/// An IP address and a TCP port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public var address: IPAddress
  /// In host order; 0 means that the kernel chooses.
  public var port: UInt16

  public init(_ address: IPAddress, _ port: UInt16) {
    self.address = address
    self.port = port
  }

  /// The same endpoint with a mapped address as the IPv4 one that it is.
  public var unmapped: Endpoint { Endpoint(address.unmapped, port) }

  /// The endpoint without its address's scope, which not every table of the kernel has.
  public var unscoped: Endpoint { Endpoint(address.unscoped, port) }

  /// The most bytes that an endpoint takes as text: an address, brackets, a colon and a port.
  /// A little more, since words are written whole.
  public static let longestText = IPAddress.longestText + 17

  /// Appends `127.0.0.1:7000` or `[::1]:7000`. There has to be room for `longestText`.
  public func append(to text: inout OutputSpan<UInt8>) {
    let port = ShortText(":") + ShortText(port: port)
    switch address {
    case .v4(let v4):
      let halves = v4.halves
      text.append([halves[0], halves[1], port])
    case .v6(let v6):
      text.append(UInt8(ascii: "["))
      v6.append(to: &text)
      text.append([ShortText("]"), port])
    }
  }

  public var description: String {
    String(decoding: [UInt8](capacity: Self.longestText) { append(to: &$0) }, as: UTF8.self)
  }
}

/// A socket address in the kernel's form.
struct SocketAddress {
  private var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  /// Room for an address that a call fills in.
  init() {}

  init(_ endpoint: Endpoint) {
    switch endpoint.address {
    case .v4(let v4):
      let address = sockaddr_in(
        sin_family: sa_family_t(AF_INET), sin_port: endpoint.port.bigEndian,
        sin_addr: in_addr(s_addr: v4.bits.bigEndian), sin_zero: (0, 0, 0, 0, 0, 0, 0, 0))
      store(address)
    case .v6(let v6):
      let address = sockaddr_in6(
        sin6_family: sa_family_t(AF_INET6), sin6_port: endpoint.port.bigEndian, sin6_flowinfo: 0,
        sin6_addr: v6.kernelForm, sin6_scope_id: v6.scope)
      store(address)
    }
  }

  private mutating func store<Address>(_ address: Address) {
    length = socklen_t(MemoryLayout<Address>.size)
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      unsafe bytes.storeBytes(of: address, as: Address.self)
    }
  }

  /// Reads the address out again; nil where it is no IP address.
  var endpoint: Endpoint? {
    unsafe withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let address = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
        return Endpoint(
          .v4(IPv4Address(bits: UInt32(bigEndian: address.sin_addr.s_addr))),
          UInt16(bigEndian: address.sin_port))
      case AF_INET6:
        let address = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
        return Endpoint(
          .v6(IPv6Address(address.sin6_addr, scope: address.sin6_scope_id)),
          UInt16(bigEndian: address.sin6_port))
      default: return nil
      }
    }
  }

  /// Lends the address to a call that reads it.
  func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    unsafe withUnsafePointer(to: storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe body(address, length)
      }
    }
  }

  /// Lends it to a call that fills it in.
  mutating func withMutablePointer<Result>(
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
  ) -> Result {
    unsafe withUnsafeMutablePointer(to: &storage) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe body(address, &length)
      }
    }
  }

  init(copying address: UnsafePointer<sockaddr>, length: socklen_t) {
    self.init()
    let count = min(Int(length), MemoryLayout<sockaddr_storage>.size)
    self.length = socklen_t(count)
    unsafe withUnsafeMutableBytes(of: &storage) { bytes in
      unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
    }
  }
}
