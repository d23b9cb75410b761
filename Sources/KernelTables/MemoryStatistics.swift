// The memory of this host: /proc/meminfo.

internal import SocketCore

/// What the kernel says about memory. proc_meminfo(5).
public enum MemoryStatistics {
  /// Bytes that can be had without swapping, by the kernel's own estimate (MemAvailable, Linux 3.14).
  ///
  /// - Returns: nil where it cannot be read.
  public static func available() -> Int? {
    guard let text = try? ProcFile.contents(of: "/proc/meminfo") else { return nil }
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 2, words[0] == "MemAvailable:", let kibibytes = Int(words[1]) else {
        continue
      }
      let (bytes, overflow) = kibibytes.multipliedReportingOverflow(by: 1_024)
      return overflow ? nil : bytes
    }
    return nil
  }
}
