// How a script gets to know that clients can connect, and to which port: --ready-fd and --port-file of
// `listen` and `recv`.

import Foundation
import TestSupport
import Testing

@Suite(.waits) struct ReadySignals {
  private static let listeners = ["listen", "recv"]

  /// A line of shell in which `"$@"` is the program.
  private func shell(_ line: String, _ words: [String], in directory: String? = nil) throws
    -> Finished
  {
    try run(["sh", "-c", line, "sh", try Tool.path] + words, directory: directory)
  }

  // MARK: --ready-fd

  /// The end of what `cat` reads comes when the descriptor is closed, which is not when the program
  /// ends: that waits for a client. The very next thing is a connection.
  @Test(.requires("nc"), arguments: listeners)
  func whenTheLineIsThereAConnectSucceeds(_ subcommand: String) throws {
    for _ in 0..<10 {
      let directory = try TemporaryDirectory()
      let done = try shell(
        #"""
        mkfifo ready
        "$@" 7>ready >received &
        port=$(cat ready)
        echo "port $port"
        echo hello | nc -n -N 127.0.0.1 "$port" || echo "nc: $?"
        wait $!
        echo "status $?"
        cat received
        """#, [subcommand, "--ready-fd", "7", "--quiet", "127.0.0.1", "0"], in: directory.path)
      #expect(
        done.outputText.contains(#/^port [1-9][0-9]*\nstatus 0\nhello\n$/#), "\(done)")
      #expect(done.errorText == "")
    }
  }

  /// The number belongs to whoever started it: what the program opened itself is not meant.
  @Test(arguments: listeners, [[], ["--log", "events"]])
  func aDescriptorThatIsNotOpen(_ subcommand: String, _ more: [String]) throws {
    let directory = try TemporaryDirectory()
    for number in 3...6 {
      let done = try shell(
        #"exec "$@""#, [subcommand, "--ready-fd", "\(number)", "127.0.0.1", "0"] + more,
        in: directory.path)
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(
        done.errorText == """
          Error: descriptor \(number) is not open; start tcptool with something like \
          '\(number)>ready' behind it

          """)
    }
    // And nothing but events is in the file.
    for line in String(decoding: contents(of: directory.file("events")), as: UTF8.self)
      .split(separator: "\n")
    { _ = try Event(line) }
  }

  @Test(
    .requires("python3"),
    arguments: [
      (
        #"exec "$@" 7</dev/null"#,
        "bad file descriptor (EBADF); it is closed, or open for the other direction"
      ),
      (
        #"exec "$@" 7>/dev/full"#,
        "no space left on device (ENOSPC); free some space, or write elsewhere"
      ),
      // A pipe whose reader is gone.
      (
        #"exec python3 -c 'import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 7); os.execv(sys.argv[1], sys.argv[1:])' "$@""#,
        "broken pipe (EPIPE)"
      ),
    ])
  func aDescriptorThatCannotBeWritten(_ line: String, _ message: String) throws {
    let done = try shell(line, ["listen", "--ready-fd", "7", "--quiet", "127.0.0.1", "0"])
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.errorText == "Error: write to descriptor 7: \(message)\n")
  }

  @Test(arguments: ["0", "1", "2", "-1", "x"])
  func aDescriptorThatIsNone(_ word: String) throws {
    let done = try run([try Tool.path, "listen", "--ready-fd", word, "127.0.0.1", "0"])
    #expect(done.outcome == .exited(64), "\(done)")
  }

  // MARK: --port-file

  /// Whoever finds the file finds all of it.
  @Test(.requires("python3"), arguments: listeners)
  func theFileIsNeverSeenWithoutItsPort(_ subcommand: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("port")
    let done = try run([
      "python3", "-c",
      """
      import os, re, socket, subprocess, sys
      path, *words = sys.argv[1:]
      for _ in range(15):
          tool = subprocess.Popen(words)
          while not os.path.exists(path):
              assert tool.poll() is None
          text = open(path).read()
          assert re.fullmatch("[1-9][0-9]*\\n", text), repr(text)
          socket.create_connection(("127.0.0.1", int(text))).close()
          assert tool.wait() == 0
          assert os.listdir(os.path.dirname(path)) == ["port"]
          os.remove(path)
      print("whole")
      """, path, try Tool.path, subcommand, "--quiet", "--port-file", path, "127.0.0.1", "0",
    ])
    #expect(done.outputText == "whole\n", "\(done)")
  }

  @Test(arguments: listeners)
  func anOldFileIsReplaced(_ subcommand: String) throws {
    let directory = try TemporaryDirectory(files: ["port": "the port of yesterday, and more\n"])
    let tool = try tcptool(subcommand, "--port-file", directory.file("port"), "127.0.0.1", "0")
    let port = try announcedPort(of: tool)
    let isReplaced = eventually {
      contents(of: directory.file("port")) == Array("\(port)\n".utf8)
    }
    #expect(isReplaced)
  }

  @Test(arguments: [
    (
      "/nonexistent/port",
      "open /nonexistent/port.tcptool-part: no such file or directory (ENOENT); see whether the path "
        + "and its folder are right"
    ),
    ("/dev/full", "write to /dev/full: no space left on device (ENOSPC); nothing was saved"),
  ])
  func aFileThatCannotBeWritten(_ path: String, _ message: String) throws {
    for subcommand in Self.listeners {
      let done = try run([try Tool.path, subcommand, "-q", "--port-file", path, "127.0.0.1", "0"])
      #expect(done.outcome == .exited(24), "\(done)")
      #expect(done.errorText == "Error: \(message)\n")
    }
  }

  @Test func bothAtOnceSayTheSame() throws {
    let directory = try TemporaryDirectory()
    let done = try shell(
      #"""
      mkfifo ready
      "$@" 3>ready &
      cat ready
      until [ -e port ]; do sleep 0.01; done
      cat port
      kill $!
      """#, ["listen", "--ready-fd", "3", "--port-file", "port", "127.0.0.1", "0"],
      in: directory.path)
    let lines = done.outputText.split(separator: "\n")
    #expect(lines.count == 2 && lines[0] == lines[1], "\(done)")
    #expect(done.errorText.contains(":\(lines.first ?? "?"), backlog"), "\(done)")
  }
}
