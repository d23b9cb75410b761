// What became of socket options, in words: the value in force beside the one that was asked for.

internal import KernelTables
internal import Report
internal import SocketCore
internal import Synchronization

/// Tells what became of each option, once, however many sockets get it.
final class OptionNarration: Sendable {
  private let narrator: Narrator
  private let told = Mutex<Set<OptionOutcome>>([])

  init(_ narrator: Narrator) { self.narrator = narrator }

  func tell(_ outcome: OptionOutcome) {
    guard told.withLock({ $0.insert(outcome).inserted }) else { return }
    narrator.tell(.option(outcome))
  }
}

extension Event {
  static func option(_ outcome: OptionOutcome) -> Event {
    let isAsAsked = outcome.requested == outcome.effective
    let state =
      isAsAsked
      ? "\(outcome.effective), as asked for"
      : "\(outcome.requested) asked for, \(outcome.effective) in force\(outcome.reason)"
    let caveat = outcome.caveat
    return Event(
      "option", "\(outcome.name): \(state)" + (caveat.map { "\n\(outcome.name): \($0)" } ?? ""),
      for: isAsAsked && caveat == nil ? .curious : .all,
      [
        ("name", .init(outcome.name)), ("requested", .init(outcome.requested)),
        ("effective", .init(outcome.effective)), ("caveat", .init(caveat)),
      ])
  }
}

extension OptionOutcome {
  /// Why the kernel made something else of it, where its rules are known.
  fileprivate var reason: String {
    switch name {
    case "SO_RCVBUF", "SO_SNDBUF":
      guard let asked = Int(requested), let got = Int(effective) else { return "" }
      if got == 2 * asked { return " (doubled, for the kernel's own bookkeeping)" }
      let limit = name == "SO_RCVBUF" ? "rmem_max" : "wmem_max"
      return got > 2 * asked ? " (the least that there is)" : " (clamped by net.core.\(limit))"
    case "TCP_DEFER_ACCEPT": return " (the kernel counts in retransmissions of the SYN-ACK)"
    case "TCP_FASTOPEN": return " (clamped by net.core.somaxconn)"
    default: return ""
    }
  }

  /// Why it has no effect all the same.
  fileprivate var caveat: String? {
    // Bit 2 of the setting is the server's side. tcp_fastopen in Documentation/networking/ip-sysctl.
    guard name == "TCP_FASTOPEN", let setting = try? Sysctl.integer("net.ipv4.tcp_fastopen"),
      setting & 2 == 0
    else { return nil }
    return "without effect while net.ipv4.tcp_fastopen (\(setting)) lacks 2, the server's side"
  }
}
