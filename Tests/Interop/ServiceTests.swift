// What `listen` serves by itself, each with other programs as clients: an echo, nothing, characters, a
// file.

import Foundation
import TestSupport
import Testing

@Suite(.waits, .requires("nc", "ncat", "socat", "python3")) struct Services {
  private static let data = bytes(count: 2_000_000, seed: 71)

  /// Connects so many clients at once; each sends bytes of its own and compares what it gets with them,
  /// or with a file. It says how many got the right thing.
  static let manyClients = """
    import random, socket, sys, threading
    port, count, size, *path = sys.argv[1:]
    right, gate = [], threading.Barrier(int(count))
    def client(number):
        peer = socket.create_connection(("127.0.0.1", int(port)))
        sent = random.Random(number).randbytes(int(size))
        wanted = open(path[0], "rb").read() if path else sent
        def send():
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
        gate.wait()
        sender = threading.Thread(target=send)
        sender.start()
        got = b"".join(iter(lambda: peer.recv(65536), b""))
        sender.join()
        right.append(got == wanted)
    threads = [threading.Thread(target=client, args=(n,)) for n in range(int(count))]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(sum(right), "right")
    """

  static func clients(_ count: Int, of port: UInt16, size: Int, file: String? = nil) throws
    -> String
  {
    let words = ["python3", "-c", manyClients, "\(port)", "\(count)", "\(size)"]
    return try run(words + [file].compactMap(\.self)).outputText
  }

  // MARK: --echo

  @Test(arguments: Peer.allCases)
  func anEchoIsWhatWasSent(_ peer: Peer) throws {
    let server = try RunningServer("--echo")
    let got = try server.client(peer, input: .bytes(Self.data)).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    expectSame(got.output, Self.data)
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.output == [])
  }

  /// All of them busy all the time, each with bytes of its own.
  @Test func manyEchoesAtOnce() throws {
    let server = try RunningServer("-k", "--echo")
    #expect(try Self.clients(40, of: server.port, size: 200_000) == "40 right\n")
    let done = try server.stop()
    #expect(done.output == [])
    #expect(done.errorText.split(separator: "\n").count == 41, "\(done)")
  }

  /// It takes no more than it can give back, and loses nothing of what it took.
  @Test func anEchoHoldsUpAPeerThatDoesNotRead() throws {
    let server = try RunningServer("--echo", "--rcvbuf", "64K", "--sndbuf", "64K")
    let client = try Child([
      "python3", "-c",
      """
      import random, select, socket, sys
      peer = socket.socket()
      for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
          peer.setsockopt(socket.SOL_SOCKET, option, 65536)
      peer.connect(("127.0.0.1", int(sys.argv[1])))
      peer.setblocking(False)
      data = random.Random(1).randbytes(8 << 20)
      sent = 0
      while select.select([], [peer], [], 0.5)[1]:
          sent += peer.send(data[sent:])
      print("held up" if sent < len(data) else "all sent", flush=True)
      got = bytearray()
      while len(got) < len(data):
          ready = select.select([peer], [peer] if sent < len(data) else [], [])
          if ready[1]: sent += peer.send(data[sent:sent + 65536])
          if ready[0]: got += peer.recv(65536)
      print("right" if got == data else "wrong")
      """, "\(server.port)",
    ])
    #expect(try client.wait().outputText == "held up\nright\n")
    #expect(try server.tool.wait().outcome == .exited(0))
  }

  // MARK: --discard

  @Test(arguments: Peer.allCases)
  func whatIsDiscardedIsCounted(_ peer: Peer) throws {
    let server = try RunningServer("--discard", "--json")
    let got = try Child(peer.sender(to: server.port), input: .bytes(Self.data)).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    #expect(got.output == [])
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
    #expect(done.output == [])
    let closed = try #require(try done.events().last { $0.name == "closed" })
    #expect(closed.number("bytes_received") == Self.data.count)
    #expect(closed.number("bytes_written") == 0)
  }

  // MARK: --source-data

  @Test(arguments: Peer.allCases, [("0", 0), ("2MB", 2_000_000)])
  func soManyCharacters(_ peer: Peer, _ size: (word: String, bytes: Int)) throws {
    let server = try RunningServer("--source-data", size.word)
    let got = try server.client(peer).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    #expect(got.output.count == size.bytes)
    #expect(got.outputText.hasPrefix(String(##" !"#$%&'()*+,-./0123456789"##.prefix(size.bytes))))
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
  }

  /// Without end there is no whole that a peer could have missed.
  @Test(arguments: ["reset", "finish"])
  func charactersWithoutEnd(_ end: String) throws {
    let server = try RunningServer("--source-data", "unbounded")
    let client = try server.client("receive=3000000", end)
    let got = try client.wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    #expect(got.output.count == 3_000_000)
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(0), "\(done)")
  }

  @Test func aPeerThatMissesSomeOfASizeIsAFailure() throws {
    let server = try RunningServer("--source-data", "64M")
    #expect(try server.client("receive=65536", "reset").wait().outcome == .exited(0))
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(21), "\(done)")
    #expect(done.errorText.contains(#/the peer acknowledged [0-9,]+ of [0-9,]+ bytes read so far/#))
  }

  // MARK: --file

  @Test(arguments: Peer.allCases)
  func aFile(_ peer: Peer) throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("data")
    try Data(Self.data).write(to: URL(filePath: path))
    let server = try RunningServer("--file", path)
    let got = try server.client(peer).wait()
    #expect(got.outcome == .exited(0), "\(got.errorText)")
    expectSame(got.output, Self.data)
    #expect(try server.tool.wait().outcome == .exited(0))
  }

  @Test(.requires("curl")) func aFileIsAnAnswer() throws {
    let body = String(repeating: "the answer\n", count: 1_000)
    let headers = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    let directory = try TemporaryDirectory(files: ["plain": body, "whole": headers + body])
    for (name, options) in [("plain", ["--http0.9"]), ("whole", ["--fail"])] {
      let server = try RunningServer("--file", directory.file(name))
      let got = try run(
        ["curl", "-sS"] + options + ["http://127.0.0.1:\(server.port)/whatever"])
      #expect(got.outcome == .exited(0), "\(got.errorText)")
      #expect(got.outputText == body)
      #expect(try server.tool.wait().outcome == .exited(0))
    }
  }

  @Test func eachClientGetsAFileFromItsStart() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("data")
    try Data(Self.data).write(to: URL(filePath: path))
    let server = try RunningServer("-k", "--file", path)
    // One after another, and five at once.
    #expect(try Self.clients(1, of: server.port, size: 100, file: path) == "1 right\n")
    #expect(try Self.clients(5, of: server.port, size: 100, file: path) == "5 right\n")
    _ = try server.stop()
  }

  /// A FIN would say that this was the whole file.
  @Test func aFileThatVanishesEndsOneConnection() throws {
    let directory = try TemporaryDirectory(files: ["data": "here\n"])
    let path = directory.file("data")
    let server = try RunningServer("--max-connections", "3", "--file", path)
    #expect(try server.client(.python3).wait().outputText == "here\n")
    try FileManager.default.removeItem(atPath: path)
    let second = try server.client(.python3).wait()
    #expect(second.outcome == .exited(1))
    #expect(second.errorText.contains("ConnectionResetError"), "\(second)")
    try Data("again\n".utf8).write(to: URL(filePath: path))
    #expect(try server.client(.python3).wait().outputText == "again\n")
    let done = try server.tool.wait()
    #expect(done.outcome == .exited(24), "\(done)")
    #expect(done.errorText.contains("#2 open \(path): no such file or directory (ENOENT)"))
    #expect(done.errorText.contains("Error: 1 of 3 connections failed; the first: open "))
  }

  @Test func whatCannotBeServedIsFoundOutFirst() throws {
    let directory = try TemporaryDirectory(files: ["plain": ""])
    #expect(try run(["mkfifo", directory.file("fifo")]).outcome == .exited(0))
    for (words, message) in [
      (["--file", "/nonexistent"], "open /nonexistent: no such file or directory (ENOENT)"),
      (["--file", directory.path], "read from \(directory.path): is a directory (EISDIR)"),
      // It has no start for the second client, and opening it would wait for somebody.
      (
        ["--file", directory.file("fifo")],
        "lseek to the start of \(directory.file("fifo")): illegal seek (ESPIPE)"
      ),
      (["--exec", "/nonexistent"], "execve of /nonexistent: no such file or directory (ENOENT)"),
      (
        ["--exec", "no-such-program"],
        "execve of no-such-program: no such file or directory (ENOENT)"
      ),
      (
        ["--exec", directory.file("plain"), "x"],
        "execve of \(directory.file("plain")): permission denied (EACCES)"
      ),
    ] {
      let done = try run([try Tool.path, "listen", "127.0.0.1", "0"] + words)
      #expect(done.outcome == .exited(24), "\(done)")
      // Nothing was announced.
      // What to do is said behind it.
      #expect(done.errorText.hasPrefix("Error: \(message); "))
    }
  }
}
