// How a received file gets its name where the kernel or the file system cannot do it in one step, or
// refuses it: nothing is lost, and nobody else's file is.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("strace"), .timeLimit(.minutes(5))) struct FinalNames {
  /// What one call answers in the place of the kernel, as strace(1) has it.
  struct Refusal: CustomTestStringConvertible {
    /// Calls and errors, and which of the calls it is where it is not each: `fsync:EIO:when=2`.
    var calls: [String]
    /// What names the file in the end, and what a failure is told of.
    var testDescription: String { calls.joined(separator: ", ") }

    /// Kernels before 3.15 and file systems without RENAME_NOREPLACE, with links and without.
    static let withoutFlag = [
      Refusal(calls: ["renameat2:EINVAL"]), Refusal(calls: ["renameat2:ENOSYS"]),
      Refusal(calls: ["renameat2:EOPNOTSUPP"]),
      Refusal(calls: ["renameat2:EINVAL", "link:EPERM", "linkat:EPERM"]),
      Refusal(calls: ["renameat2:ENOSYS", "link:EOPNOTSUPP", "linkat:EOPNOTSUPP"]),
      Refusal(calls: ["renameat2:EINVAL", "link:EMLINK", "linkat:EMLINK"]),
    ]
  }

  private let directory: TemporaryDirectory
  private var target: String { directory.file("file") }

  init() throws { directory = try TemporaryDirectory() }

  /// `recv` into the file, under strace.
  private func receiver(_ refusal: Refusal, _ words: [String] = []) throws -> Child {
    // A call that this processor does not have is no mistake with “?” before it. The file of
    // --port-file would be renamed too, so the port is read from what is told.
    let calls = refusal.calls.flatMap { call in
      let parts = call.split(separator: ":", maxSplits: 1)
      return ["-e", "inject=?\(parts[0]):error=\(parts[1])"]
    }
    return try Child(
      ["strace", "-f", "-qq", "-y", "-o", directory.file("calls")] + calls
        + ["-e", "trace=?renameat2,?rename,?renameat,?link,?linkat,fsync", try Tool.path, "recv"]
        + words + ["--output", target, "127.0.0.1", "0"])
  }

  /// The calls that strace has seen, in their order.
  private var calls: [Substring] {
    String(decoding: contents(of: directory.file("calls")), as: UTF8.self).split(separator: "\n")
  }

  private func send(to receiver: Child) throws -> Finished {
    try tcptool(
      "send", "127.0.0.1", "\(try announcedPort(of: receiver))", input: .text("text")
    ).wait()
  }

  private func listing() throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path)
    where name != "calls" {
      files[name] = String(decoding: contents(of: directory.file(name)), as: UTF8.self)
    }
    return files
  }

  @Test(arguments: Refusal.withoutFlag)
  func itGetsItsNameInAnotherWay(_ refusal: Refusal) throws {
    let receiver = try receiver(refusal)
    #expect(try send(to: receiver).outcome == .exited(0))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(0), "\(received)")
    #expect(try listing() == ["file": "text"])
    // Had the first way been open, this would show nothing.
    #expect(calls.contains { $0.contains("(INJECTED)") }, "\(calls)")
  }

  @Test(arguments: Refusal.withoutFlag)
  func whatAppearsMeanwhileStays(_ refusal: Refusal) throws {
    let receiver = try receiver(refusal)
    let port = try announcedPort(of: receiver)
    try Data("other".utf8).write(to: URL(filePath: target))
    let sent = try tcptool("send", "127.0.0.1", "\(port)", input: .text("text")).wait()
    #expect(isTold(sent.outcome), "\(sent)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    for part in [
      "file exists (EEXIST)", "--force", "; the 4 bytes that came are in \(target).tcptool-part",
    ] { #expect(received.errorText.contains(part), "\(received)") }
    #expect(try listing() == ["file": "other", "file.tcptool-part": "text"])
  }

  /// Each is the end of it: the bytes stay where they are, which is told, and the sender is told.
  @Test(arguments: ["EACCES", "EIO", "ENOSPC", "EROFS", "EDQUOT", "ENOENT"], [false, true])
  func aRefusalIsTold(_ errno: String, isForced: Bool) throws {
    // What --force replaces stays until the new one has its name.
    if isForced { try Data("old".utf8).write(to: URL(filePath: target)) }
    let calls = ["renameat2", "rename", "renameat"].map { "\($0):\(errno)" }
    let receiver = try receiver(Refusal(calls: calls), isForced ? ["--force"] : [])
    let sent = try send(to: receiver)
    #expect(isTold(sent.outcome), "\(sent)")
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    for part in [
      "Error: rename of \(target).tcptool-part to \(target): ", "(\(errno))",
      "; the 4 bytes that came are in \(target).tcptool-part",
    ] { #expect(received.errorText.contains(part), "\(received)") }
    let old = isForced ? ["file": "old"] : [:]
    #expect(try listing() == old.merging(["file.tcptool-part": "text"]) { $1 })
  }

  // MARK: On the disk

  /// The bytes before they have the name, and the name before the sender is told that all is well.
  @Test(arguments: [false, true])
  func aDurableFileIsFlushedBeforeItGetsItsName(isForced: Bool) throws {
    let receiver = try receiver(
      Refusal(calls: []), ["--fsync"] + (isForced ? ["--force"] : []))
    #expect(try send(to: receiver).outcome == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    try #require(calls.count == 3, "\(calls)")
    #expect(
      calls[0].contains("fsync(") && calls[0].contains("<\(target).tcptool-part>"), "\(calls)")
    #expect(calls[1].contains(" rename") && calls[1].contains("\(target)\""), "\(calls)")
    #expect(calls[2].contains("fsync(") && calls[2].contains("<\(directory.path)>"), "\(calls)")
  }

  /// Nobody waits for a disk who has not asked for it.
  @Test func anyOtherFileIsNotFlushed() throws {
    let receiver = try receiver(Refusal(calls: []))
    #expect(try send(to: receiver).outcome == .exited(0))
    #expect(try receiver.wait().outcome == .exited(0))
    #expect(calls.count == 1 && calls[0].contains(" rename"), "\(calls)")
  }

  /// What may not be on the disk does not get the name.
  @Test(arguments: ["EIO", "ENOSPC", "EDQUOT"])
  func bytesThatCannotBeFlushedGetNoName(_ errno: String) throws {
    let receiver = try receiver(Refusal(calls: ["fsync:\(errno):when=1"]), ["--fsync"])
    #expect(isTold(try send(to: receiver).outcome))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    for part in [
      "Error: fsync of \(target).tcptool-part: ", "(\(errno))",
      "; the 4 bytes that came are in \(target).tcptool-part",
    ] { #expect(received.errorText.contains(part), "\(received)") }
    #expect(try listing() == ["file.tcptool-part": "text"])
  }

  /// The file is whole under its name, which the next start of the host may not know.
  @Test func aNameThatCannotBeFlushedIsTold() throws {
    let receiver = try receiver(Refusal(calls: ["fsync:EIO:when=2"]), ["--fsync"])
    #expect(isTold(try send(to: receiver).outcome))
    let received = try receiver.wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(
      received.errorText.contains("Error: fsync of \(directory.path): input/output error (EIO)"),
      "\(received)")
    #expect(try listing() == ["file": "text"])
  }

  /// Before anybody connects.
  @Test(arguments: [
    ("/sys/file", "EACCES"), ("/proc/self/file", "ENOENT"), ("/nosuch/file", "ENOENT"),
  ])
  func whereNothingCanBeWritten(_ path: String, _ cause: String) throws {
    let received = try tcptool("recv", "--output", path, "127.0.0.1", "0").wait()
    #expect(received.outcome == .exited(24), "\(received)")
    #expect(received.errorText.hasPrefix("Error: open \(path).tcptool-part: "), "\(received)")
    #expect(received.errorText.contains("(\(cause))"), "\(received)")
  }
}
