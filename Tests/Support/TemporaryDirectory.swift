// A place for a test's files.

import Foundation
import Glibc

/// An empty directory that is removed, with all that is in it, when this object goes.
public final class TemporaryDirectory: Sendable {
  /// Absolute, without a slash at the end.
  public let path: String

  /// - Throws: `TestFailure` when it cannot be made.
  public init() throws(TestFailure) {
    let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    var template = Array("\(parent)/tcptool-tests-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else {
      throw TestFailure("mkdtemp in \(parent): \(errorText(errno))")
    }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The same with files in it, by their paths inside.
  ///
  /// - Throws: what keeps a file from being written.
  public convenience init(files: [String: String]) throws {
    try self.init()
    for (name, text) in files {
      let url = URL(filePath: file(name))
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// The path of `name` inside.
  public func file(_ name: String) -> String { "\(path)/\(name)" }
}
