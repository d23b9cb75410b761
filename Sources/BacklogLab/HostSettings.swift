// The settings of this network namespace that the experiment depends on.

internal import KernelTables
internal import SocketCore

extension QueueSettings {
  /// Reads them from /proc/sys. Without /proc, net.core.somaxconn is what listen(2) makes of the
  /// largest backlog, and the others are nil.
  ///
  /// - Throws: where not even a listener can be opened.
  public static func current() throws(LabError) -> QueueSettings {
    do throws(SystemCallError) {
      return QueueSettings(
        somaxconn: try readSomaxconn(),
        tcpMaxSynBacklog: try? Sysctl.integer("net.ipv4.tcp_max_syn_backlog"),
        tcpSyncookies: try? Sysctl.integer("net.ipv4.tcp_syncookies"),
        tcpAbortOnOverflow: try? Sysctl.integer("net.ipv4.tcp_abort_on_overflow"))
    } catch {
      throw .call(error)
    }
  }
}

private func readSomaxconn() throws(SystemCallError) -> Int {
  if let value = try? Sysctl.integer("net.core.somaxconn") { return value }
  return try Listener(on: Endpoint(.v4(.loopback), 0)).queue().backlog
}

/// The ports that connect(2) chooses from.
enum EphemeralPorts {
  /// How many there are; nil where that cannot be read.
  static func count() -> Int? {
    guard let range = try? Sysctl.integers("net.ipv4.ip_local_port_range"), range.count == 2 else {
      return nil
    }
    return max(0, range[1] - range[0] + 1)
  }
}
