// Why an experiment could not be made.

public import SocketCore

/// What kept an experiment from being made, or from being finished.
public enum LabError: Error, Hashable, Sendable, CustomStringConvertible {
  case descriptorLimit(needed: Int, limit: Int)
  /// For all clients together: those of IPv4 are spread over the addresses of 127.0.0.0/8, while IPv6
  /// has one loopback address.
  case ephemeralPorts(needed: Int, available: Int)
  /// Bytes.
  case memory(needed: Int, available: Int)
  /// A private network namespace was demanded and there is none.
  case isolation(IsolationRefusal)
  /// What was asked for is done in a private network namespace alone, and there is none; why.
  case needsIsolation(what: String, reason: String)
  case unknownSetting(String)
  case settingRefused(SettingChange, SystemCallError)
  /// The target is neither on loopback nor allowed.
  case remoteTarget(Endpoint)
  /// More clients than may be sent to another host.
  case remoteCount(Int?)
  /// A number is out of its range: what, and which it may be.
  case outOfRange(what: String, value: Int, allowed: ClosedRange<Int>)
  /// No handshake stays in the SYN queue under these settings, so that no last ACK can come late.
  case noLateACKs(QueueSettings)
  case call(SystemCallError)

  /// The most clients that another host gets.
  public static let mostRemoteClients = 1_024

  public var description: String {
    switch self {
    case .descriptorLimit(let needed, let limit):
      """
      the experiment needs \(needed) descriptors and this process may have \(limit); \
      raise the limit (ulimit -n \(needed)) or ask for a smaller backlog or count
      """
    case .ephemeralPorts(let needed, let available):
      """
      the experiment needs \(needed) local ports and net.ipv4.ip_local_port_range has \(available) \
      for one address; ask for a smaller backlog or count
      """
    case .memory(let needed, let available):
      """
      the kernel needs about \(needed >> 20) MiB for that many connections and \(available >> 20) MiB \
      are free; ask for a smaller backlog or count
      """
    case .isolation(let refusal):
      "no private network namespace: \(refusal); --isolate never runs in this one"
    case .needsIsolation(let what, let reason):
      "\(what) is done in a private network namespace alone: \(reason)"
    case .unknownSetting(let name): "no setting '\(name)' in the network namespace"
    case .settingRefused(let change, let error):
      "\(change.setting.name) = \(change.value): \(error.errno.message) (\(error.errno.name))"
    case .remoteTarget(let target):
      """
      \(target) is not on this host: what is queued there stays until its server accepts it; \
      allow it with --allow-remote and a --count of at most \(Self.mostRemoteClients)
      """
    case .remoteCount(let count):
      (count.map { "\($0) clients are too many for another host" } ?? "another host needs a --count")
        + ": at most \(Self.mostRemoteClients)"
    case .outOfRange(let what, let value, let allowed):
      "\(what) is \(value); it may be \(allowed.lowerBound) to \(allowed.upperBound)"
    case .noLateACKs(let settings):
      """
      the SYN queue has no room for a handshake to wait in \
      (net.ipv4.tcp_syncookies = \(settings.tcpSyncookies.map { "\($0)" } ?? "unknown")); \
      ask for a larger backlog, or for tcp_syncookies 0 or 1
      """
    case .call(let error): error.description
    }
  }
}
