// Bytes that are moved inside the kernel: the calls that were chosen, and what happens where the
// kernel refuses to go on.

import Glibc
import SocketCore
import TestSupport
import Testing

struct CopyPathTests {
  private static let data = bytes(count: 3_000_000, seed: 6)

  private static func options(_ change: (inout RelayOptions) -> Void) -> RelayOptions {
    var options = RelayOptions()
    change(&options)
    return options
  }

  /// The bytes that each call moved, without those that moved none.
  private static func used(_ tally: CopyTally) -> [CopyCall: Int] {
    var used: [CopyCall: Int] = [:]
    for call in CopyCall.allCases where tally[call] > 0 { used[call] = tally[call] }
    return used
  }

  // MARK: What is sent

  @Test(arguments: [
    (CopyChoice.auto, CopyCall.splice), (.sendfile, .sendfile), (.splice, .splice),
    (.userspace, .userspace),
  ])
  func `a file, from its offset on`(choice: CopyChoice, call: CopyCall) throws {
    let directory = try TemporaryDirectory()
    let source = try File(directory.file("in"), holding: Self.data)
    #expect(lseek(source.descriptor, 1000, SEEK_SET) == 1000)
    let ends = try Ends()
    let peer = ends.peer
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd,
      Self.options { $0.copy = choice })
    let isWhole = try peer.readToEnd() == Array(Self.data.dropFirst(1000))
    #expect(isWhole)
    peer.close()
    let outcome = try relay.result().outcome
    let count = Self.data.count - 1000
    #expect(Self.used(outcome.sentBy) == [call: count])
    #expect(outcome.read == count && outcome.sent == count && outcome.acknowledged == count)
    // Whoever shares the file goes on behind it, as after read(2).
    #expect(lseek(source.descriptor, 0, SEEK_CUR) == Self.data.count)
  }

  private static let streamWays = [
    (CopyChoice.auto, CopyCall.splice), (.splice, .splice), (.userspace, .userspace),
  ]

  @Test(arguments: streamWays)
  func `a pipe`(choice: CopyChoice, call: CopyCall) throws {
    let pipe = try Pipe()
    try expectAllSent(from: pipe.readEnd, choice, call) { try pipe.writeAndClose(Self.data) }
  }

  @Test(arguments: streamWays)
  func `a socket`(choice: CopyChoice, call: CopyCall) throws {
    let pair = try SocketPair()
    try expectAllSent(from: pair.first, choice, call) { try pair.writeAndFinish(Self.data) }
  }

  private func expectAllSent(
    from input: Int32, _ choice: CopyChoice, _ call: CopyCall,
    fedBy feed: @escaping @Sendable () throws -> Void
  ) throws {
    let ends = try Ends()
    let peer = ends.peer
    let output = try Pipe()
    let relay = try RunningRelay(
      over: ends.connection, input: input, output: output.writeEnd,
      Self.options { $0.copy = choice })
    let feeding = Background { try feed() }
    let isWhole = try peer.readToEnd() == Self.data
    #expect(isWhole)
    try feeding.value()
    peer.close()
    let outcome = try relay.result().outcome
    #expect(Self.used(outcome.sentBy) == [call: Self.data.count])
    #expect(outcome.acknowledged == Self.data.count)
  }

  /// The kernel does not splice from every file: those of sysfs and procfs differ by version.
  @Test func `a file that the kernel made`() throws {
    let own = unsafe open("/proc/self/limits", O_RDONLY | O_CLOEXEC)
    defer { close(own) }
    let ends = try Ends()
    let peer = ends.peer
    let output = try Pipe()
    let relay = try RunningRelay(over: ends.connection, input: own, output: output.writeEnd)
    let text = String(decoding: try peer.readToEnd(), as: UTF8.self)
    #expect(text.hasPrefix("Limit ") && text.contains("Max open files"))
    peer.close()
    #expect(try relay.result().outcome.localError == nil)
  }

  @Test(arguments: [CopyChoice.sendfile, .splice, .userspace])
  func `a file that grows while it is sent is sent to the end that it has then`(
    choice: CopyChoice
  ) throws {
    let directory = try TemporaryDirectory()
    let source = try File(directory.file("in"), holding: Array(Self.data.prefix(2_000_000)))
    let ends = try Ends(receiveBuffer: 64 << 10)
    let peer = ends.peer
    let output = try Pipe()
    try ends.connection.socket.set(.sendBuffer, to: 64 << 10)
    let relay = try RunningRelay(
      over: ends.connection, input: source.descriptor, output: output.writeEnd,
      Self.options { $0.copy = choice })
    // It waits for the peer, far from the end.
    let waits = eventually { relay.isAsleep }
    #expect(waits)
    let rest = Array(Self.data.dropFirst(2_000_000))
    #expect(unsafe pwrite(source.descriptor, rest, rest.count, 2_000_000) == rest.count)
    let isWhole = try peer.readToEnd() == Self.data
    #expect(isWhole)
    peer.close()
    #expect(try relay.result().outcome.acknowledged == Self.data.count)
  }

  // MARK: What is received

  @Test(arguments: [
    (CopyChoice.auto, CopyCall.splice), (.splice, .splice), (.userspace, .userspace),
  ])
  func `into a file`(choice: CopyChoice, call: CopyCall) throws {
    let directory = try TemporaryDirectory()
    let target = try File(directory.file("out"))
    let outcome = try receive(into: target.descriptor, choice)
    let isWhole = try target.contents() == Self.data
    #expect(isWhole)
    #expect(Self.used(outcome.receivedBy) == [call: Self.data.count])
  }

  @Test func `into a file that is appended to`() throws {
    let directory = try TemporaryDirectory()
    let target = try File(directory.file("out"), holding: [1, 2, 3])
    #expect(fcntl(target.descriptor, F_SETFL, O_APPEND) == 0)
    let outcome = try receive(into: target.descriptor, .auto)
    let isWhole = try target.contents() == [1, 2, 3] + Self.data
    #expect(isWhole)
    #expect(Self.used(outcome.receivedBy) == [.userspace: Self.data.count])
  }

  @Test func `into /dev/null`() throws {
    let null = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
    defer { close(null) }
    let dropped = try receive(into: null, .auto)
    #expect(Self.used(dropped.receivedBy) == [.drop: Self.data.count])
    let spliced = try receive(into: null, .splice)
    #expect(Self.used(spliced.receivedBy) == [.splice: Self.data.count])
  }

  @Test(arguments: [
    (CopyChoice.auto, CopyCall.splice), (.splice, .splice), (.userspace, .userspace),
  ])
  func `into a socket whose reader is slow`(choice: CopyChoice, call: CopyCall) throws {
    let pair = try SocketPair()
    let reading = Background { try pair.read(Self.data.count) }
    let outcome = try receive(into: pair.first, choice)
    #expect(try reading.value() == Self.data.count)
    #expect(Self.used(outcome.receivedBy) == [call: Self.data.count])
  }

  private func receive(into output: Int32, _ choice: CopyChoice) throws -> RelayOutcome {
    let ends = try Ends()
    let peer = ends.peer
    let relay = try RunningRelay(
      over: ends.connection, input: -1, output: output,
      Self.options {
        $0.copy = choice
        $0.readsInput = false
      })
    try peer.write(Self.data)
    peer.finishSending()
    #expect(try peer.readToEnd().isEmpty)
    let outcome = try relay.result().outcome
    #expect(outcome.received == Self.data.count && outcome.undelivered == 0)
    #expect(outcome.peerEnded && outcome.localError == nil)
    return outcome
  }

  // MARK: The kernel refuses

  /// From the second part on splice(2) refuses the file, with bytes in the pipe between.
  @Test func `a file that is appended to from the middle on`() throws {
    let directory = try TemporaryDirectory()
    let target = try File(directory.file("out"))
    let ends = try Ends()
    let peer = ends.peer
    let relay = try RunningRelay(
      over: ends.connection, input: -1, output: target.descriptor,
      Self.options { $0.readsInput = false })
    let half = Self.data.count / 2
    try peer.write(Array(Self.data.prefix(half)))
    let isThere = eventually { (try? target.contents().count) == half }
    #expect(isThere)
    #expect(fcntl(target.descriptor, F_SETFL, O_APPEND) == 0)
    try peer.write(Array(Self.data.dropFirst(half)))
    peer.finishSending()
    _ = try? peer.readToEnd()
    let outcome = try relay.result().outcome
    let isWhole = try target.contents() == Self.data
    #expect(isWhole)
    #expect(Self.used(outcome.receivedBy) == [.splice: half, .userspace: Self.data.count - half])
  }

  @Test func `what was asked for and is refused is an error`() throws {
    let directory = try TemporaryDirectory()
    let target = try File(directory.file("out"))
    let ends = try Ends()
    let peer = ends.peer
    let relay = try RunningRelay(
      over: ends.connection, input: -1, output: target.descriptor,
      Self.options {
        $0.copy = .splice
        $0.readsInput = false
      })
    try peer.write([1, 2, 3])
    let isThere = eventually { (try? target.contents().count) == 3 }
    #expect(isThere)
    #expect(fcntl(target.descriptor, F_SETFL, O_APPEND) == 0)
    try peer.write([4, 5])
    let outcome = try relay.result().outcome
    #expect(outcome.localError?.description == "splice to output: invalid argument (EINVAL)")
    #expect(outcome.received == 3 && outcome.undelivered == 2)
    // The peer must not take what was lost for kept.
    #expect(throws: TestFailure.self) { _ = try peer.readToEnd() }
  }

  /// splice(2) stops in front of an urgent byte, and takes what is behind it for the end.
  @Test(arguments: [false, true])
  func `urgent data ends nothing`(thenEnds: Bool) throws {
    let ends = try Ends()
    let peer = ends.peer
    let input = try Pipe()
    let output = try Pipe()
    try peer.write(Array("before".utf8))
    #expect(unsafe send(peer.descriptor, "!", 1, Int32(MSG_OOB)) == 1)
    try peer.write(Array("behind".utf8))
    if thenEnds { peer.finishSending() }
    let relay = try RunningRelay(
      over: ends.connection, input: input.readEnd, output: output.writeEnd)
    output.closeWriteEnd()
    if !thenEnds {
      let rests = eventually { relay.isAsleep }
      #expect(rests, "it goes round and round")
      peer.finishSending()
    }
    input.closeWriteEnd()
    #expect(try output.readToEnd() == Array("beforebehind".utf8))
    #expect(try relay.result().outcome.peerEnded)
  }

  @Test func `without room for a pipe of its own a buffer is used`() async {
    // In a process of its own, because it takes the descriptors away.
    await #expect(processExitsWith: .success) {
      let directory = try TemporaryDirectory()
      let target = try File(directory.file("out"))
      let ends = try Ends()
      let peer = ends.peer
      let data = bytes(count: 300_000)
      var options = RelayOptions()
      options.readsInput = false
      let relay = try RunningRelay(
        over: ends.connection, input: -1, output: target.descriptor, options)
      guard eventually({ relay.isAsleep }) else { preconditionFailure("no rest") }
      let limit = limitDescriptors(to: 0)
      try peer.write(data)
      peer.finishSending()
      guard eventually({ (try? target.contents().count) == data.count }) else {
        preconditionFailure("not all is there")
      }
      _ = try? peer.readToEnd()
      let outcome = try relay.result().outcome
      limitDescriptors(to: limit)
      let isWhole = try target.contents() == data
      precondition(isWhole && outcome.receivedBy[.userspace] == data.count)
    }
  }
}
