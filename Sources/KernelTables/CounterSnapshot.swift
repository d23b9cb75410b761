// The TCP counters of a network namespace: /proc/net/netstat and /proc/net/snmp.

public import SocketCore

/// All TCP counters of one network namespace, read one after the other and so nearly at once.
///
/// They belong to the namespace. No counter here says which listener or connection it was for.
public struct CounterSnapshot: Sendable {
  private var values: [String: Int] = [:]

  /// Reads the counters. proc_pid_net(5).
  ///
  /// - Parameter process: A process whose network namespace is meant; this needs no privilege. Nil
  ///   for the calling thread's own.
  /// - Throws: the errno of open(2) or read(2), ENOENT where the process does not exist.
  public static func read(process: Int32? = nil) throws(SystemCallError) -> CounterSnapshot {
    let directory = ProcFile.networkDirectory(of: process)
    var snapshot = CounterSnapshot()
    for file in ["/netstat", "/snmp"] {
      snapshot.add(try ProcFile.contents(of: directory + file))
    }
    return snapshot
  }

  /// A counter of the group `TcpExt` or `Tcp` under the kernel's name, such as `ListenOverflows`
  /// (net/ipv4/proc.c). Nil where the kernel has none of this name.
  public subscript(_ name: String) -> Int? { values[name] }

  /// How much a counter has grown, negative where it is a level that sank (`CurrEstab`).
  ///
  /// - Parameter earlier: A snapshot of the same namespace.
  /// - Returns: nil where one of the two snapshots lacks the counter.
  public func increase(of name: String, since earlier: CounterSnapshot) -> Int? {
    guard let now = values[name], let before = earlier.values[name] else { return nil }
    let (difference, isTooMuch) = now.subtractingReportingOverflow(before)
    return isTooMuch ? nil : difference
  }

  /// Adds the counters of a text in which a line of names precedes each line of values, both with
  /// their group as first word. A pair that does not match is left out, as is what is no number.
  package mutating func add(_ text: [UInt8]) {
    var names: [Substring] = []
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.first == "TcpExt:" || words.first == "Tcp:" else { continue }
      if names.count == words.count && names.first == words.first {
        for (name, value) in zip(names, words).dropFirst() { values[String(name)] = Int(value) }
        names = []
      } else {
        names = words
      }
    }
  }

  package init() {}

  /// Counters that were saved, under the kernel's names.
  public init(_ values: [String: Int]) { self.values = values }
}
