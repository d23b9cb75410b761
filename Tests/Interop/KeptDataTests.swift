// What came of a transfer that a signal ends: how much it is said to be, where, and to whom.

import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.waits, .timeLimit(.minutes(5))) struct KeptData {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
  }

  /// A sender that does not end, whose bytes are in a file.
  private func sendHalf(_ text: String = "half", to port: UInt16, into path: String) throws -> Child
  {
    let sender = try tcptool("send", "127.0.0.1", "\(port)", input: .pipe)
    try sender.write(text)
    #expect(eventually { contents(of: path).count == text.utf8.count })
    return sender
  }

  private func end(_ senders: Child...) throws {
    for sender in senders {
      sender.closeInput()
      _ = try sender.wait()
    }
  }

  /// In the middle of many bytes, whichever call moves them.
  @Test(arguments: ["auto", "splice", "userspace"], [SIGINT, SIGTERM, SIGHUP])
  func asMuchAsIsSaid(_ copy: String, _ signal: Int32) throws {
    let part = directory.file("file.tcptool-part")
    let receiver = try tcptool(
      "recv", "--json", "--copy", copy, "-o", directory.file("file"), "127.0.0.1", "0")
    let port = try receiver.waitForEvent("listening").port("local")
    let sender = try tcptool(
      "send", "--size", "1T", "--pattern", "counter", "--rate", "20MB", "127.0.0.1", "\(port)")
    #expect(eventually { contents(of: part).count > 1 << 20 })
    try receiver.signal(signal)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(signal))
    let told = try received.events()
    #expect(told.suffix(2).map(\.name) == ["closed", "kept"])
    #expect(told.last?.number("bytes") == contents(of: part).count)
    #expect(told.last?.text("path") == part)
    #expect(try sender.wait().outcome != .exited(0))
  }

  /// One that is whole has its name, one of which nothing came is gone, and of the others it is said.
  @Test func ofEachConnection() throws {
    let receiver = try tcptool(
      "recv", "--keep-open", "-o", directory.file("in-%n"), "127.0.0.1", "0")
    let port = try announcedPort(of: receiver)
    let whole = try tcptool("send", "127.0.0.1", "\(port)", input: .text("whole")).wait()
    #expect(whole.outcome == .exited(0))
    let second = try sendHalf(to: port, into: directory.file("in-2.tcptool-part"))
    let silent = try tcptool("send", "127.0.0.1", "\(port)", input: .pipe)
    try receiver.waitForLine(containing: "#3 accepted")
    let fourth = try sendHalf("a third", to: port, into: directory.file("in-4.tcptool-part"))
    try receiver.signal(SIGTERM)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGTERM))
    #expect(
      received.errorText.split(separator: "\n").filter { $0.contains(" kept ") } == [
        "#2 kept 4 bytes in \(directory.file("in-2.tcptool-part"))",
        "#4 kept 7 bytes in \(directory.file("in-4.tcptool-part"))",
      ], "\(received)")
    #expect(try files == ["in-1", "in-2.tcptool-part", "in-4.tcptool-part"])
    try end(second, silent, fourth)
  }

  @Test func ofEachStream() throws {
    let receiver = try tcptool(
      "recv", "--json", "--streams", "2", "-o", directory.file("%n"), "127.0.0.1", "0")
    let port = try receiver.waitForEvent("listening").port("local")
    let sender = try tcptool(
      "send", "--streams", "2", "--size", "1T", "--rate", "1MB", "127.0.0.1", "\(port)")
    let parts = ["1", "2"].map { directory.file($0 + ".tcptool-part") }
    #expect(eventually { parts.allSatisfy { !contents(of: $0).isEmpty } })
    try receiver.signal(SIGINT)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGINT))
    let kept = try received.events().filter { $0.name == "kept" }
    #expect(kept.map { $0.number("connection") } == [1, 2])
    #expect(kept.map { $0.text("path") } == parts)
    #expect(kept.map { $0.number("bytes") } == parts.map { contents(of: $0).count })
    #expect(try sender.wait().outcome != .exited(0))
  }

  /// A listening sender is fetched from.
  @Test func ofAConnectionThatWasMade() throws {
    let sender = try tcptool("send", "--listen", "127.0.0.1:0", input: .pipe)
    let port = try announcedPort(of: sender)
    let receiver = try tcptool(
      "recv", "--connect", "127.0.0.1", "\(port)", "-o", directory.file("file"))
    try sender.write("half")
    #expect(eventually { contents(of: directory.file("file.tcptool-part")).count == 4 })
    try receiver.signal(SIGINT)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGINT))
    #expect(
      received.errorText.hasSuffix("\nkept 4 bytes in \(directory.file("file.tcptool-part"))\n"))
    try end(sender)
  }

  /// What a symbolic link leads to is where the data is.
  @Test func behindALink() throws {
    try Data("old".utf8).write(to: URL(filePath: directory.file("file")))
    try FileManager.default.createSymbolicLink(
      atPath: directory.file("link"), withDestinationPath: "file")
    let receiver = try tcptool(
      "recv", "--force", "-o", directory.file("link"), "127.0.0.1", "0")
    let part = directory.file("file.tcptool-part")
    let sender = try sendHalf(to: try announcedPort(of: receiver), into: part)
    try receiver.signal(SIGINT)
    #expect(try receiver.wait().errorText.hasSuffix("kept 4 bytes in \(part)\n"))
    #expect(try files == ["file", "file.tcptool-part", "link"])
    #expect(contents(of: directory.file("file")) == Array("old".utf8))
    try end(sender)
  }

  /// A device keeps nothing, and standard output is its reader's affair.
  @Test(arguments: ["/dev/null", "-"]) func notWhatGoesElsewhere(_ output: String) throws {
    let receiver = try tcptool("recv", "--json", "-o", output, "127.0.0.1", "0")
    let port = try receiver.waitForEvent("listening").port("local")
    let sender = try tcptool(
      "send", "--size", "1T", "--rate", "1MB", "127.0.0.1", "\(port)")
    try receiver.waitForEvent("progress")
    try receiver.signal(SIGINT)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGINT))
    #expect(try received.events().allSatisfy { $0.name != "kept" })
    #expect(try sender.wait().outcome != .exited(0))
  }

  /// With --quiet only the file of --log is told.
  @Test(arguments: [["--quiet"], ["--quiet", "--json"], []])
  func whoIsTold(_ options: [String]) throws {
    let log = directory.file("log")
    let receiver = try Child(
      [try Tool.path, "recv", "--log", log, "-o", directory.file("file"), "--port-file"]
        + [directory.file("port"), "127.0.0.1", "0"] + options)
    var port: UInt16?
    #expect(
      eventually {
        let text = String(decoding: contents(of: directory.file("port")), as: UTF8.self)
        port = text.hasSuffix("\n") ? UInt16(text.dropLast()) : nil
        return port != nil
      })
    let part = directory.file("file.tcptool-part")
    let sender = try sendHalf(to: try #require(port), into: part)
    try receiver.signal(SIGTERM)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGTERM))
    if options.isEmpty {
      #expect(received.errorText.hasSuffix("\nkept 4 bytes in \(part)\n"), "\(received)")
    } else {
      #expect(received.error.isEmpty, "\(received)")
    }
    let logged = try events("kept", in: String(decoding: contents(of: log), as: UTF8.self))
    #expect(logged.map { $0["path"] as? String } == [part])
    try end(sender)
  }

  /// In one line, which moves no cursor; a program gets the name as it is.
  @Test(arguments: [false, true]) func underAnyName(json: Bool) throws {
    let name = "\u{1b}[31ma\nb\\\u{202e}\u{85}"
    let part = directory.file(name + ".tcptool-part")
    let receiver = try Child(
      [try Tool.path, "recv", "-o", directory.file(name), "127.0.0.1", "0"]
        + (json ? ["--json"] : []))
    let port =
      json
      ? try receiver.waitForEvent("listening").port("local") : try announcedPort(of: receiver)
    let sender = try sendHalf(to: port, into: part)
    try receiver.signal(SIGINT)
    let received = try receiver.wait()
    #expect(received.outcome == .signalled(SIGINT))
    expectHarmless(received.error)
    if json {
      #expect(try received.events().last?.text("path") == part)
    } else {
      let shown = #"\x1b[31ma\nb\\u{202e}\u{85}.tcptool-part"#
      #expect(
        received.errorText.hasSuffix("\nkept 4 bytes in \(directory.path)/\(shown)\n"),
        "\(received.errorText)")
    }
    try end(sender)
  }
}
