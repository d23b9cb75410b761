// The own end of a connection that is to be made: its address, its port, its interface.

internal import CLinux
internal import Glibc

/// What a client's socket gets before connect(2). Without any of it the kernel chooses.
public struct ClientEnd: Hashable, Sendable {
  /// The local address; its port is 0 where the kernel is to choose one.
  public var source: Endpoint?
  /// The one interface that packets leave and come by.
  public var interface: String?

  public init(source: Endpoint? = nil, interface: String? = nil) {
    self.source = source
    self.interface = interface
  }
}

extension SocketOption where Value == Bool {
  /// bind(2) leaves the choice of the port to connect(2), which knows the peer. ip(7), Linux 4.2.
  static var bindAddressNoPort: Self {
    .init(
      name: "IP_BIND_ADDRESS_NO_PORT", level: Int32(IPPROTO_IP), number: IP_BIND_ADDRESS_NO_PORT)
  }
}

extension Socket {
  /// Gives a client's socket its own end.
  ///
  /// - Throws: ENODEV for an interface that is not there, EPERM where another one is already set,
  ///   and the errors of bind(2).
  func take(_ end: ClientEnd) throws(SystemCallError) {
    if let interface = end.interface { try bind(toInterface: interface) }
    guard let source = end.source else { return }
    if source.port == 0 {
      // Otherwise bind(2) takes a port that no other client of this address may have, whatever its
      // peer is, and the range of ports is soon empty. An older kernel does without.
      _ = try? set(.bindAddressNoPort, to: true)
    } else {
      // The attempts of a race share the port, and so does the connection before this one, which
      // stays in TIME_WAIT for a minute. connect(2) still refuses a 4-tuple that exists, and bind(2)
      // a port that is listened on.
      try set(.reuseAddress, to: true)
    }
    try bind(to: source)
  }

  /// SO_BINDTODEVICE, socket(7). Any user may set it since Linux 5.7, before that CAP_NET_RAW is needed.
  private func bind(toInterface name: String) throws(SystemCallError) {
    let bytes = Array(name.utf8)
    // The kernel would cut a longer name short and take the interface that has that one.
    guard !bytes.isEmpty, bytes.count < Int(IF_NAMESIZE) else {
      throw SystemCallError("setsockopt", "SO_BINDTODEVICE \(name)", .noSuchDevice)
    }
    try call("setsockopt").make(
      "SO_BINDTODEVICE \(name)", arguments: "SO_BINDTODEVICE, \(name)"
    ) {
      unsafe setsockopt(
        descriptor.rawValue, SOL_SOCKET, SO_BINDTODEVICE, bytes, socklen_t(bytes.count))
    }
  }
}
