// Where the built program is.

import Foundation
import Glibc

/// The program under test.
public enum Tool {
  /// The path of the built `tcptool`, which stands beside the test program.
  ///
  /// - Throws: `TestFailure` when it is not there.
  public static var path: String {
    get throws(TestFailure) {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
      let program = String(
        decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let path = URL(filePath: program).deletingLastPathComponent().path + "/tcptool"
      guard unsafe access(path, X_OK) == 0 else {
        throw TestFailure("no program at \(path): build the whole package, not one test target")
      }
      return path
    }
  }
}

/// The path of a program, looked up in `PATH` as a shell does; `nil` when it is not installed.
public func installedPath(of program: String) -> String? {
  let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
  return path.split(separator: ":").lazy.map { "\($0)/\(program)" }
    .first { unsafe access($0, X_OK) == 0 }
}
