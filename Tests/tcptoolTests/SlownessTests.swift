// Why a transfer was not faster: each sentence from its facts.

import CommandSpec
import SocketCore
import Testing

@testable import tcptool

@Suite struct SlownessRows {
  struct Row: Sendable {
    /// Milliseconds of a second: busy, of that by the receive window and by the send buffer.
    var clocks: (busy: Int, window: Int, buffer: Int)
    var processor: Int?
    var retransmissions = 0
    var rate: Int?
    var source = TransferContext.Source.stream
    var isDivided = false
    var sendBuffer: Int?
    var isCopied = false
    var digestOptions: [String] = []
    var reason: Slowness.Reason
    var sentence: String
  }

  static let rows: [Row] = [
    Row(
      clocks: (100, 0, 0), reason: .application,
      sentence:
        "held back by its input, with nothing to send 90 % of the time: a faster program in "
        + "front of it would change that"),
    Row(
      clocks: (400, 0, 0), source: .file, reason: .application,
      sentence:
        "held back by its input, with nothing to send 60 % of the time: a faster disk may change "
        + "that"),
    // What it was busy with: no disk is to blame.
    Row(
      clocks: (400, 0, 0), processor: 700, source: .file, digestOptions: ["--digest"],
      reason: .application,
      sentence:
        "held back by its digest, with nothing to send 60 % of the time: without --digest it has "
        + "less to do"),
    Row(
      clocks: (400, 0, 0), processor: 200, source: .file, digestOptions: ["--digest"],
      reason: .application,
      sentence:
        "held back by its input, with nothing to send 60 % of the time: a faster disk may change "
        + "that"),
    Row(
      clocks: (400, 0, 0), source: .made, reason: .application,
      sentence:
        "held back by this end, with nothing to send 60 % of the time: --pattern zero is made the "
        + "fastest"),
    Row(
      clocks: (400, 0, 0), source: .zeros, reason: .application,
      sentence:
        "held back by this end, with nothing to send 60 % of the time: more connections at once "
        + "(--streams) may change that"),
    // There are some already.
    Row(
      clocks: (400, 0, 0), source: .zeros, isDivided: true, reason: .application,
      sentence:
        "held back by this end, with nothing to send 60 % of the time on a stream: one thread "
        + "writes to all of them, and a second tcptool beside it would have another"),
    // Of listen, which has no such options.
    Row(
      clocks: (400, 0, 0), source: .characters, reason: .application,
      sentence: "held back by this end, with nothing to send 60 % of the time"),
    Row(
      clocks: (400, 0, 0), source: .peer, reason: .application,
      sentence:
        "held back by the peer, with nothing to send 60 % of the time: only what it sends is sent "
        + "back"),
    Row(
      clocks: (990, 700, 10), processor: 950, reason: .receiveWindow,
      sentence:
        "held back by the peer's receive window 70 % of the time: a faster reader or a larger "
        + "--rcvbuf there would change that"),
    Row(
      clocks: (990, 100, 600), reason: .sendBuffer,
      sentence: "held back by the send buffer 60 % of the time: a larger --sndbuf would change that"
    ),
    Row(
      clocks: (990, 100, 600), sendBuffer: 100_000, reason: .sendBuffer,
      sentence:
        "held back by the send buffer 60 % of the time: a larger --sndbuf, or none so that it "
        + "grows, would change that"),
    Row(
      clocks: (1_000, 0, 0), processor: 100, reason: .congestion,
      sentence:
        "held back by the path 100 % of the time, 10 segments a round trip of 40 ms: another "
        + "--congestion may change that"),
    // One of two thousand explains nothing.
    Row(
      clocks: (1_000, 0, 0), retransmissions: 1, reason: .congestion,
      sentence:
        "held back by the path 100 % of the time, 10 segments a round trip of 40 ms: another "
        + "--congestion may change that"),
    Row(
      clocks: (1_000, 0, 0), retransmissions: 3, reason: .congestion,
      sentence: "held back by the path 100 % of the time, 3 segments had to be sent again: another "
        + "--congestion may change that"),
    // The kernel counts such a buffer as the path.
    Row(
      clocks: (1_000, 0, 0), sendBuffer: 8_192, reason: .congestion,
      sentence:
        "held back by the path 100 % of the time, since the send buffer has room for less than the "
        + "congestion window: a larger --sndbuf, or none so that it grows, would change that"),
    Row(
      clocks: (1_000, 0, 0), sendBuffer: 100_000, reason: .congestion,
      sentence:
        "held back by the path 100 % of the time, 10 segments a round trip of 40 ms: another "
        + "--congestion may change that"),
    // Only what was asked for can be left out.
    Row(
      clocks: (1_000, 0, 0), processor: 950, reason: .processor,
      sentence: "held back by this end's processor, busy 95 % of the time"),
    Row(
      clocks: (1_000, 0, 0), processor: 950, source: .file, isCopied: true, reason: .processor,
      sentence: "held back by this end's processor, busy 95 % of the time: with --copy auto it has "
        + "less to do"),
    Row(
      clocks: (1_000, 0, 0), processor: 950, source: .made, isCopied: true,
      digestOptions: ["--digest", "--expect-digest"], reason: .processor,
      sentence: "held back by this end's processor, busy 95 % of the time: with --copy auto and "
        + "without --digest and --expect-digest and with --pattern zero it has less to do"),
    Row(
      clocks: (1_000, 0, 0), processor: 950, source: .zeros, isDivided: true, reason: .processor,
      sentence:
        "held back by this end's processor, busy 95 % of the time: it has one thread, and a "
        + "second tcptool beside it would have another"),
    // 1 MB in a second: with a limit of 8 Mbit/s that is all there was to have.
    Row(
      clocks: (1_000, 600, 0), rate: 8_000_000, reason: .rate,
      sentence: "held to 8Mbit by --rate"),
    Row(
      clocks: (1_000, 600, 0), rate: 80_000_000, reason: .receiveWindow,
      sentence:
        "held back by the peer's receive window 60 % of the time: a faster reader or a larger "
        + "--rcvbuf there would change that"),
  ]

  @Test(arguments: rows)
  func isOneSentence(_ row: Row) {
    var context = TransferContext()
    context.source = row.source
    context.rate = row.rate.map { BitRate(bits: $0) }
    context.isDivided = row.isDivided
    context.sendBuffer = row.sendBuffer
    context.isCopied = row.isCopied
    context.digestOptions = row.digestOptions
    var facts = Slowness(
      context: context,
      time: SendingTime(
        elapsed: .seconds(1), busy: .milliseconds(row.clocks.busy),
        receiveWindow: .milliseconds(row.clocks.window),
        sendBuffer: .milliseconds(row.clocks.buffer)),
      bytes: 1_000_000)
    facts.processor = row.processor.map { .milliseconds($0) }
    facts.retransmissions = row.retransmissions
    facts.segments = 2_000
    facts.congestionWindow = 10
    facts.segmentSize = 1_448
    facts.roundTrip = .milliseconds(40)
    #expect(facts.reason == row.reason)
    #expect(facts.sentence == row.sentence)
  }

  /// The clocks of the kernel tick while ours is read: the parts never come to more than the whole.
  @Test func aBusyTimeBeyondTheWholeIsAllOfIt() {
    let time = SendingTime(
      elapsed: .milliseconds(9), busy: .milliseconds(10), receiveWindow: .milliseconds(8),
      sendBuffer: .milliseconds(4))
    #expect(time.application == .zero && time.path == .zero)
    #expect(time.limit == .receiveWindow)
  }
}

@Suite struct TransferProgressLines {
  private static func samples(_ count: Int, bytes: Int) -> TransferSamples {
    var samples = TransferSamples()
    for place in 1...count {
      samples.add(
        RelayReading(elapsed: .milliseconds(200 * place), acknowledged: bytes * place), sends: true)
    }
    return samples
  }

  @Test(arguments: [79, 199])
  func fitsAndFills(_ width: Int) {
    let line = TransferProgress(Self.samples(300, bytes: 1 << 20), size: 600 << 20)
      .line(width: width, unicode: true)
    #expect(line.count <= width)
    #expect(line.hasPrefix("[██████████          ] 50 % of 600 MiB, 41.9 Mbit/s, 1 min"))
    #expect(line.hasSuffix("██"))
  }

  @Test func withoutASizeThereIsNoBar() {
    let line = TransferProgress(Self.samples(5, bytes: 1_000), size: nil)
      .line(width: 79, unicode: false)
    #expect(line == "4.88 KiB in 1 s, 40 kbit/s  @@@@@")
  }

  /// However long it lasts, so many samples say it, and none of its bytes is lost.
  @Test func samplesAreBounded() {
    let samples = Self.samples(9_999, bytes: 7)
    #expect(samples.all.count <= TransferSamples.most)
    let last = samples.all.last
    #expect(last.map { $0.bytes * 200 } == last.map { Int($0.elapsed / .milliseconds(1)) * 7 })
    let mean = samples.rates.reduce(0, +) / Double(samples.rates.count)
    #expect(abs(mean - 280) < 0.001)
  }
}
