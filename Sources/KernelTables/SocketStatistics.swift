// The kernel's own totals of TCP sockets: /proc/net/sockstat.

public import SocketCore

/// Totals that the kernel keeps. A table has no row for some of what they count.
public struct SocketStatistics: Hashable, Sendable {
  /// Sockets that no process holds and that still have to be finished: of the whole system, not of
  /// one network namespace.
  public var orphans: Int?
  /// Rows in TIME_WAIT, and what is kept of FIN_WAIT2: of this network namespace.
  public var timeWaits: Int?
  /// Pages of 4 KiB (or what the machine has) in the buffers of TCP, of the whole system.
  public var memoryPages: Int?

  /// Reads them. net/ipv4/proc.c `sockstat_seq_show`.
  ///
  /// - Parameter process: A process whose network namespace is meant; nil for the calling thread's own.
  /// - Throws: the errno of open(2) or read(2).
  public static func read(process: Int32? = nil) throws(SystemCallError) -> SocketStatistics {
    let directory = ProcFile.networkDirectory(of: process)
    return SocketStatistics(try ProcFile.contents(of: directory + "/sockstat"))
  }

  public init(orphans: Int?, timeWaits: Int?, memoryPages: Int?) {
    self.orphans = orphans
    self.timeWaits = timeWaits
    self.memoryPages = memoryPages
  }

  /// Reads `TCP: inuse 5 orphan 0 tw 2 alloc 6 mem 1`; what is not there is nil.
  package init(_ text: [UInt8]) {
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.first == "TCP:" else { continue }
      func value(_ name: String) -> Int? {
        words.firstIndex { $0 == name }.flatMap { place in
          place + 1 < words.count ? Int(words[place + 1]) : nil
        }
      }
      orphans = value("orphan")
      timeWaits = value("tw")
      memoryPages = value("mem")
    }
  }
}
