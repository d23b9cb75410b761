// Who holds a socket: on real processes, and in directories made up to look like /proc.

import Foundation
import KernelTables
import SocketCore
import TestSupport
import Testing

@Suite struct SocketOwnersTests {
  // MARK: Real processes

  /// A process with two descriptors of one socket, a thread, and a child that has them too.
  private struct Holder {
    let parent: Child
    let child: Int32
    let inode: UInt64
    let descriptors: [Int32]

    private static let script = """
      import os, socket, sys, threading
      open("/proc/self/comm", "wb").write(bytes.fromhex(sys.argv[1]) or b"\\0")
      held = socket.socket()
      copy = os.dup(held.fileno())
      child = os.fork()
      if child == 0:
          sys.stdin.read()
          os._exit(0)
      threading.Thread(target=sys.stdin.read).start()
      print(os.fstat(copy).st_ino, child, held.fileno(), copy, flush=True)
      """

    init(named name: [UInt8]) throws {
      let digits = name.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      parent = try Child(["python3", "-c", Self.script, digits], input: .pipe)
      let text = try parent.waitForOutput { $0.hasSuffix("\n") }
      let numbers = text.split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
      try #require(numbers.count == 4)
      inode = numbers[0]
      child = Int32(numbers[1])
      descriptors = numbers[2...].map { Int32($0) }
    }

    func owners(named name: [UInt8]) -> Set<SocketOwner> {
      Set(
        [parent.pid, child].flatMap { pid in
          descriptors.map { SocketOwner(pid: pid, name: name, descriptor: $0) }
        })
    }
  }

  /// Also a name that would be another line, or act on a terminal, comes as it is.
  @Test(
    .requires("python3"),
    arguments: ["holder", "", "a\nb\u{1b}[31m", "fifteen letters", "ends in \n"].map {
      Array($0.utf8)
    } + [[0xff, 0xc3, 0x20]])
  func everyHolderIsFoundWithItsName(_ name: [UInt8]) throws {
    let holder = try Holder(named: name)
    let owners = try SocketOwners.find([holder.inode, 0])
    #expect(owners[holder.inode].count == 4)
    #expect(Set(owners[holder.inode]) == holder.owners(named: name))
    #expect(owners[0] == [] && owners[holder.inode + 1] == [])
  }

  @Test(.requires("python3")) func oneHolderIsEnoughWhereThatIsAsked() throws {
    let holders = try [Holder(named: [0x61]), Holder(named: [0x62])]
    let owners = try SocketOwners.find(Set(holders.map(\.inode)), .first)
    for holder in holders {
      let found = owners[holder.inode]
      #expect(found.count == 1)
      #expect(found.first?.pid == min(holder.parent.pid, holder.child))
      #expect(found.first.map { holder.descriptors.contains($0.descriptor) } == true)
    }
  }

  /// The walk goes on where processes and descriptors vanish under it.
  @Test(.requires("python3"), .timeLimit(.minutes(5))) func whatVanishesIsPassedOver() throws {
    let holder = try Holder(named: [0x68])
    let churn = """
      import os, socket, sys, threading
      print("ready", flush=True)
      while True:
          held = [socket.socket() for _ in range(100)]
          del held
          if os.fork() == 0:
              os._exit(0)
          os.wait()
      """
    let child = try Child(["python3", "-c", churn])
    try child.waitForLine(containing: "ready", in: .standardOutput)
    for _ in 0..<30 {
      let owners = try SocketOwners.find([holder.inode])
      #expect(Set(owners[holder.inode]) == holder.owners(named: [0x68]))
    }
    #expect(child.isRunning)
  }

  /// In a process of its own, which gives its privilege up.
  @Test(.requiresRoot) func whatIsHiddenIsCounted() async {
    await #expect(processExitsWith: .success) {
      #expect(setuid(65534) == 0)
      let owners = try SocketOwners.find([.max])
      #expect(owners.unreadable > 0)
      #expect(owners[.max] == [])
    }
  }

  @Test func nothingWantedIsNothingRead() throws {
    #expect(try SocketOwners.find([0], under: "/nonexistent").unreadable == 0)
  }

  /// The directory where /proc would be mounted is there or not.
  @Test func withoutProcNobodyIsFound() throws {
    let empty = try TemporaryDirectory()
    for path in ["/nonexistent", empty.path] {
      let owners = try SocketOwners.find([1], under: path)
      #expect(owners.visibility == .none)
      #expect(owners[1] == [])
    }
    #expect(try SocketOwners.find([.max]).visibility != .none)
  }

  // MARK: Made up

  /// A directory like /proc: for each process its name and where its descriptors lead to.
  private static func directory(
    _ processes: [String: (name: String?, links: [String: String])]
  ) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let files = FileManager.default
    for (pid, process) in processes {
      let path = directory.file(pid)
      try files.createDirectory(atPath: path + "/fd", withIntermediateDirectories: true)
      if let name = process.name { try Data(name.utf8).write(to: URL(filePath: path + "/comm")) }
      for (descriptor, target) in process.links {
        try files.createSymbolicLink(
          atPath: "\(path)/fd/\(descriptor)", withDestinationPath: target)
      }
    }
    return directory
  }

  @Test func onlyNumbersAreProcessesAndDescriptors() throws {
    let link = ["3": "socket:[77]"]
    let directory = try Self.directory([
      "12": ("a\n", ["3": "socket:[77]", "x": "socket:[77]", "4x": "socket:[77]"]),
      "self": ("b\n", link), "1x": ("c\n", link), "-1": ("d\n", link),
      "99999999999": ("e\n", link), "2147483647": (nil, ["0": "socket:[77]", "1": "pipe:[77]"]),
    ])
    let owners = try SocketOwners.find([77], under: directory.path)
    #expect(
      owners[77].sorted { $0.pid < $1.pid } == [
        SocketOwner(pid: 12, name: [0x61], descriptor: 3),
        SocketOwner(pid: 2_147_483_647, name: nil, descriptor: 0),
      ])
    #expect(owners.unreadable == 0)
  }

  @Test(
    arguments: [
      ("socket:[1]", 1), ("socket:[18446744073709551615]", .max), ("socket:[007]", 7),
      ("socket:[18446744073709551616]", nil), ("socket:[]", nil), ("socket:[", nil),
      ("socket:", nil),
      ("", nil), ("]", nil), ("socket:[1", nil), ("socket:[1]]", nil),
      ("socket:[1] (deleted)", nil),
      ("socket:[-1]", nil), ("socket:[ 1]", nil), ("socket:[1 ]", nil), ("Socket:[1]", nil),
      ("/socket:[1]", nil), ("pipe:[1]", nil), ("anon_inode:[eventpoll]", nil), ("/dev/null", nil),
    ] as [(String, UInt64?)])
  func links(_ text: String, _ inode: UInt64?) {
    #expect(SocketOwners.inode(ofLink: Array(text.utf8).span) == inode)
  }

  /// Links longer than any that leads to a socket are cut, and no number comes of them.
  @Test func longLinksAreNone() throws {
    let long = "socket:[" + String(repeating: "0", count: 200) + "77]"
    let directory = try Self.directory(["1": ("a\n", ["1": long, "2": "socket:[77]"])])
    let owners = try SocketOwners.find([77], under: directory.path)
    #expect(owners[77].map(\.descriptor) == [2])
  }
}
