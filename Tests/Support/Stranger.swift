// Another user, for tests of what those see and may who have no privilege.

/// A user without privilege, and a copy of the program that they may run: the built one may lie below
/// a directory that only its owner may enter.
public struct Stranger: Sendable {
  public let directory: TemporaryDirectory
  /// The path of the copy.
  public let tool: String
  /// The words that make who runs the following ones that user. The test has to be root.
  public let words: [String]

  /// - Parameters:
  ///   - uid: The number of the user; the nobody of most systems.
  ///   - mayWrite: Whether they may make files in the directory.
  /// - Throws: `TestFailure`.
  public init(_ uid: Int = 65_534, mayWrite: Bool = false) throws(TestFailure) {
    directory = try TemporaryDirectory()
    tool = directory.file("tcptool")
    words = ["setpriv", "--reuid=\(uid)", "--regid=\(uid)", "--clear-groups"]
    try copyProgram(try Tool.path, to: tool)
    let done = try run(["chmod", mayWrite ? "777" : "711", directory.path])
    guard done.outcome == .exited(0) else { throw TestFailure("\(done)") }
  }
}

/// Copies a program that is to be run.
///
/// Another process does it: a file that this one had open for writing could be open in a child of
/// another test as well, which has not yet come to its exec, and could not be run then (ETXTBSY).
public func copyProgram(_ source: String, to destination: String) throws(TestFailure) {
  let done = try run(["install", "-m", "755", source, destination])
  guard done.outcome == .exited(0) else { throw TestFailure("\(done)") }
}
