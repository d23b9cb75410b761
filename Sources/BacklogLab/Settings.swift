// The settings of the kernel that the experiments depend on: their names, and how they get from the
// host's network namespace into a private one.

internal import KernelTables
internal import SocketCore

/// A setting of a network namespace.
public struct Setting: Hashable, Sendable {
  /// `net.core.somaxconn`.
  public let name: String

  fileprivate init(_ name: String) { self.name = name }

  public static let somaxconn = Setting("net.core.somaxconn")
  public static let maxSynBacklog = Setting("net.ipv4.tcp_max_syn_backlog")
  public static let syncookies = Setting("net.ipv4.tcp_syncookies")
  public static let abortOnOverflow = Setting("net.ipv4.tcp_abort_on_overflow")
  public static let localPortRange = Setting("net.ipv4.ip_local_port_range")

  /// Those that matter here; a private network namespace gets the host's values of them.
  public static let known: [Setting] =
    [.somaxconn, .maxSynBacklog, .syncookies, .abortOnOverflow, .localPortRange]
    + [
      "tcp_syn_retries", "tcp_synack_retries", "tcp_syn_linear_timeouts", "ip_local_reserved_ports",
      "tcp_timestamps", "tcp_migrate_req", "tcp_no_metrics_save",
    ].map { Setting("net.ipv4.\($0)") }

  /// The last part of the name: `tcp_syncookies`.
  public var shortName: String {
    String(name.split(separator: ".").last ?? "")
  }

  /// Finds a setting by its full name, or by its short one in net.core and net.ipv4. Any setting of a
  /// network namespace will do, also one that is not known here.
  ///
  /// - Throws: `unknownSetting` where this kernel has none of that name.
  public init(named text: String) throws(LabError) {
    if let known = Self.known.first(where: { $0.name == text || $0.shortName == text }) {
      self = known
      return
    }
    let isClean = text.utf8.allSatisfy { $0 != UInt8(ascii: "/") && $0 != 0 }
    let candidates = text.hasPrefix("net.") ? [text] : ["net.core.", "net.ipv4."].map { $0 + text }
    guard isClean, let name = candidates.first(where: { (try? Sysctl.text($0)) != nil }) else {
      throw .unknownSetting(text)
    }
    self.init(name)
  }
}

/// A setting and the value that it is to have.
public struct SettingChange: Hashable, Sendable {
  public var setting: Setting
  /// As /proc/sys takes it: `128`, `32768 60999`.
  public var value: String

  public init(_ setting: Setting, _ value: String) {
    self.setting = setting
    self.value = value
  }

  /// - Parameter name: full or short.
  /// - Throws: `unknownSetting`.
  public init(named name: String, _ value: String) throws(LabError) {
    self.init(try Setting(named: name), value)
  }

  /// Changes it, in the network namespace of this thread.
  func apply() throws(LabError) {
    do throws(SystemCallError) {
      try Sysctl.set(setting.name, to: value)
    } catch {
      throw .settingRefused(self, error)
    }
  }
}

/// A setting of the host that the private network namespace has otherwise.
public struct UncopiedSetting: Hashable, Sendable {
  public var setting: Setting
  public var host: String
  /// Nil where it cannot be read there.
  public var inside: String?
  /// Why it could not be changed.
  public var reason: String
}

/// Values of settings, as they were read.
struct SettingValues: Sendable {
  private var values: [Setting: String] = [:]

  /// Those of this thread's network namespace.
  static func read() -> SettingValues {
    var read = SettingValues()
    for setting in Setting.known { read.values[setting] = try? Sysctl.text(setting.name) }
    return read
  }

  /// Gives them to the network namespace of this thread, where they differ.
  ///
  /// - Parameter changes: what will get another value anyhow.
  func copy(before changes: [SettingChange]) -> [UncopiedSetting] {
    var uncopied: [UncopiedSetting] = []
    for setting in Setting.known where !changes.contains(where: { $0.setting == setting }) {
      guard let host = values[setting] else { continue }
      let inside = try? Sysctl.text(setting.name)
      if inside == host || host.isEmpty { continue }
      do throws(SystemCallError) {
        try Sysctl.set(setting.name, to: host)
      } catch {
        uncopied.append(
          UncopiedSetting(
            setting: setting, host: host, inside: inside, reason: error.errno.message))
      }
    }
    return uncopied
  }
}
