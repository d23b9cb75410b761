// What a flood takes from this process and this host, checked before it begins.

internal import KernelTables
internal import SocketCore

/// The descriptors, ports and memory of a number of clients.
struct FloodResources {
  /// Over how many addresses the clients are spread.
  let sourceAddresses: Int
  /// How many have the same one.
  private let clientsPerSource: Int
  private let isIPv6: Bool

  /// Descriptors beyond the clients': the listener, the standard ones, the tables that are read, and
  /// what the program was started with.
  private static let spareDescriptors = 64
  /// Bytes of the kernel's memory for one connection with both its ends, measured and rounded up.
  private static let memoryPerConnection = 8 * 1024

  /// The most clients that this process may have.
  static var mostClients: Int { max(0, DescriptorLimit.raise() - spareDescriptors) }

  /// - Parameters:
  ///   - spreads: whether the clients may be spread over several addresses of loopback.
  ///   - descriptors: for each client; 2 where its other end is this process's as well.
  ///   - listeners: how many this process opens.
  /// - Throws: where this process may not have that many descriptors, or the host has not that many
  ///   ports or that much memory.
  init(
    connects: Int, isIPv6: Bool, spreads: Bool = true, descriptors: Int = 1, listeners: Int = 1
  ) throws(LabError) {
    // Any number may have been asked for. What passes this is far from an overflow.
    let (ends, overflow) = connects.multipliedReportingOverflow(by: descriptors)
    let others = Self.spareDescriptors + listeners - 1
    let needed = overflow || ends > .max - others ? .max : ends + others
    let limit = DescriptorLimit.raise()
    if needed > limit { throw .descriptorLimit(needed: needed, limit: limit) }
    let memory = connects * Self.memoryPerConnection
    if let available = MemoryStatistics.available(), memory > available {
      throw .memory(needed: memory, available: available)
    }
    self.isIPv6 = isIPv6
    guard let ports = Sysctl.localPorts?.count else {
      clientsPerSource = .max
      sourceAddresses = 1
      return
    }
    if isIPv6 || !spreads {
      // One address alone. The listener has one of the ports.
      if connects >= ports { throw .ephemeralPorts(needed: connects, available: ports - 1) }
      clientsPerSource = .max
      sourceAddresses = 1
      return
    }
    // connect(2) takes ports of one parity first; once these are used up it looks through all of
    // them each time, which makes it 10 to 50 times slower (__inet_hash_connect).
    let perSource = max(1, ports / 2 - 8)
    clientsPerSource = perSource
    sourceAddresses = (connects + perSource - 1) / perSource
    if sourceAddresses > Self.mostSources {
      throw .ephemeralPorts(needed: connects, available: ports)
    }
  }

  /// 127.0.0.1 to 127.0.255.255.
  private static let mostSources = 65_535

  /// The own address of a client, counted from 0; nil where the kernel may choose.
  func source(of client: Int) -> IPAddress? {
    let number = clientsPerSource == .max ? 0 : client / clientsPerSource
    return number == 0 ? nil : .v4(IPv4Address(bits: IPv4Address.loopback.bits + UInt32(number)))
  }
}
