// The settings that decide what a listener's queues hold, as numbers.

internal import KernelTables
internal import SocketCore

/// The settings of a network namespace that decide what a listener's queues hold.
public struct QueueSettings: Hashable, Sendable {
  /// net.core.somaxconn, as it is when listen(2) runs: raising it later changes nothing.
  public var somaxconn: Int
  /// net.ipv4.tcp_max_syn_backlog; it matters only with tcp_syncookies 0.
  public var tcpMaxSynBacklog: Int?
  /// net.ipv4.tcp_syncookies: 0, 1 (when the SYN queue is full) or 2 (always).
  public var tcpSyncookies: Int?
  /// net.ipv4.tcp_abort_on_overflow.
  public var tcpAbortOnOverflow: Int?
  /// net.ipv4.tcp_syn_linear_timeouts: so many SYNs are sent again in steps of 1 s before the steps
  /// double. Linux 6.5; without it 0. Where it cannot be read it is the kernel's default.
  public var tcpSynLinearTimeouts: Int?

  public init(
    somaxconn: Int, tcpMaxSynBacklog: Int? = nil, tcpSyncookies: Int? = nil,
    tcpAbortOnOverflow: Int? = nil, tcpSynLinearTimeouts: Int? = nil
  ) {
    self.somaxconn = somaxconn
    self.tcpMaxSynBacklog = tcpMaxSynBacklog
    self.tcpSyncookies = tcpSyncookies
    self.tcpAbortOnOverflow = tcpAbortOnOverflow
    self.tcpSynLinearTimeouts = tcpSynLinearTimeouts
  }

  /// Reads them from /proc/sys. Without /proc, net.core.somaxconn is what listen(2) makes of the
  /// largest backlog, and the others are nil.
  ///
  /// - Throws: where not even a listener can be opened.
  public static func current() throws(LabError) -> QueueSettings {
    do throws(SystemCallError) {
      return QueueSettings(
        somaxconn: try readSomaxconn(),
        tcpMaxSynBacklog: try? Sysctl.integer(Setting.maxSynBacklog.name),
        tcpSyncookies: try? Sysctl.integer(Setting.syncookies.name),
        tcpAbortOnOverflow: try? Sysctl.integer(Setting.abortOnOverflow.name),
        tcpSynLinearTimeouts: (try? Sysctl.integer("net.ipv4.tcp_syn_linear_timeouts"))
          ?? KernelVersion.running.defaultLinearTimeouts)
    } catch {
      throw .call(error)
    }
  }
}

private func readSomaxconn() throws(SystemCallError) -> Int {
  if let value = try? Sysctl.integer(Setting.somaxconn.name) { return value }
  return try Listener(on: Endpoint(.v4(.loopback), 0)).queue().backlog
}
