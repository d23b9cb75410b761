// Ports to the names of their services.

internal import CLinux
internal import Glibc
internal import Synchronization

/// What the ports of services are called on this host.
public enum ServiceNames {
  /// The C library has one place in the file for the whole process.
  private static let place = Mutex(())

  /// The name of the TCP service of each port that has one; the first of several. From
  /// /etc/services, or wherever nsswitch.conf says. getservent(3).
  public static func byPort() -> [UInt16: String] {
    // As for addresses: see Resolver.
    if clinux_is_static() != 0 { _ = clinux_use_builtin_name_sources() }
    return place.withLock { _ in names() }
  }

  private static func names() -> [UInt16: String] {
    var names: [UInt16: String] = [:]
    setservent(0)
    defer { endservent() }
    while let entry = unsafe getservent()?.pointee {
      guard let name = unsafe entry.s_name, let transport = unsafe entry.s_proto,
        unsafe String(cString: transport) == "tcp"
      else { continue }
      let port = UInt16(bigEndian: UInt16(truncatingIfNeeded: unsafe entry.s_port))
      if names[port] == nil { names[port] = unsafe String(cString: name) }
    }
    return names
  }
}
