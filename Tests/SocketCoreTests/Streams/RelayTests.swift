// The relay's rules: rows of what happened and what follows, and a long random walk beside a model
// that is too plain to be wrong.

import SocketCore
import TestSupport
import Testing

struct RelayTests {
  /// Something that happens, and the actions that must follow from it.
  struct Step: Sendable {
    var event: Relay.Event
    var actions: [Relay.Action] = []

    init(_ event: Relay.Event, _ actions: Relay.Action...) {
      self.event = event
      self.actions = actions
    }
  }

  /// A story with its end.
  struct Script: Sendable, CustomTestStringConvertible {
    var name: String
    var endsWithPeer = false
    var waitsForPeer = false
    var steps: [Step]
    var isFinished = true
    var testDescription: String { name }
  }

  static let scripts = [
    Script(name: "nothing happens", steps: [], isFinished: false),
    Script(
      name: "the local end is first",
      steps: [
        Step(.read(.outbound, 3)), Step(.wrote(.outbound, 3)),
        Step(.sourceEnded(.outbound), .finishSending), Step(.read(.inbound, 2)),
        Step(.wrote(.inbound, 2)), Step(.sourceEnded(.inbound), .closeOutput),
      ]),
    Script(
      name: "the peer is first",
      steps: [
        Step(.sourceEnded(.inbound), .closeOutput), Step(.read(.outbound, 4)),
        Step(.wrote(.outbound, 4)), Step(.sourceEnded(.outbound), .finishSending),
      ]),
    Script(
      name: "an end waits for what is in the buffer",
      steps: [
        Step(.read(.outbound, 4)), Step(.sourceEnded(.outbound)), Step(.wrote(.outbound, 1)),
        Step(.wrote(.outbound, 3), .finishSending), Step(.read(.inbound, 4)),
        Step(.wrote(.inbound, 3)), Step(.sourceEnded(.inbound)),
        Step(.wrote(.inbound, 1), .closeOutput),
      ]),
    Script(
      name: "an end that comes twice counts once",
      steps: [
        Step(.sourceEnded(.outbound), .finishSending), Step(.sourceEnded(.outbound)),
        Step(.sourceEnded(.inbound), .closeOutput), Step(.sourceEnded(.inbound)),
      ]),
    Script(
      name: "a peer that takes nothing more is not half-closed",
      steps: [
        Step(.read(.outbound, 4)), Step(.sinkFailed(.outbound)), Step(.sourceEnded(.outbound)),
        Step(.read(.inbound, 1)), Step(.wrote(.inbound, 1)),
        Step(.sourceEnded(.inbound), .closeOutput),
      ]),
    Script(
      name: "an output that takes nothing more is not closed",
      steps: [
        Step(.read(.inbound, 4)), Step(.sinkFailed(.inbound)), Step(.sourceEnded(.inbound)),
        Step(.sourceEnded(.outbound), .finishSending),
      ]),
    Script(
      name: "a reset: what came before is still handed over",
      steps: [
        Step(.read(.outbound, 4)), Step(.read(.inbound, 4)), Step(.sinkFailed(.outbound)),
        Step(.sourceEnded(.inbound)), Step(.wrote(.inbound, 4), .closeOutput),
      ]),
    Script(
      name: "one direction goes on without the other",
      steps: [Step(.sourceEnded(.inbound), .closeOutput), Step(.read(.outbound, 1))],
      isFinished: false),
    Script(
      name: "the peer's end is the end",
      endsWithPeer: true,
      steps: [
        Step(.read(.outbound, 4)), Step(.sourceEnded(.inbound), .closeOutput),
        Step(.wrote(.outbound, 2)), Step(.wrote(.outbound, 2), .finishSending),
      ]),
    Script(
      name: "the peer's end is the end at once where nothing is under way",
      endsWithPeer: true,
      steps: [Step(.sourceEnded(.inbound), .closeOutput, .finishSending)]),
    Script(
      name: "our FIN waits until what came before the peer's has been handed over",
      endsWithPeer: true,
      steps: [
        Step(.read(.inbound, 2)), Step(.sourceEnded(.inbound)), Step(.wrote(.inbound, 1)),
        Step(.wrote(.inbound, 1), .closeOutput, .finishSending),
      ]),
    Script(
      name: "the local end is not the end even where the peer's is",
      endsWithPeer: true,
      steps: [
        Step(.sourceEnded(.outbound), .finishSending), Step(.read(.inbound, 1)),
        Step(.wrote(.inbound, 1)),
      ],
      isFinished: false),
    Script(
      name: "the local end waits for the peer's",
      waitsForPeer: true,
      steps: [
        Step(.read(.outbound, 2)), Step(.wrote(.outbound, 2)), Step(.sourceEnded(.outbound)),
        Step(.read(.inbound, 1)), Step(.wrote(.inbound, 1)),
        Step(.sourceEnded(.inbound), .closeOutput, .finishSending),
      ]),
    Script(
      name: "the local end waits for the peer's, and not for the local output",
      waitsForPeer: true,
      steps: [
        Step(.sourceEnded(.outbound)), Step(.read(.inbound, 1)),
        Step(.sourceEnded(.inbound), .finishSending), Step(.wrote(.inbound, 1), .closeOutput),
      ]),
    Script(
      name: "waiting for the peer's end does not end the local input",
      waitsForPeer: true,
      steps: [Step(.sourceEnded(.inbound), .closeOutput), Step(.read(.outbound, 1))],
      isFinished: false),
    Script(
      name: "waiting for the peer's end, which is the end of all",
      endsWithPeer: true, waitsForPeer: true,
      steps: [
        Step(.read(.outbound, 1)), Step(.sourceEnded(.inbound), .closeOutput),
        Step(.wrote(.outbound, 1), .finishSending),
      ]),
    Script(
      name: "a reset while the local end waits",
      waitsForPeer: true,
      steps: [
        Step(.sourceEnded(.outbound)), Step(.sinkFailed(.outbound)),
        Step(.sourceEnded(.inbound), .closeOutput),
      ]),
  ]

  @Test(arguments: scripts)
  func `what follows from what happens`(script: Script) {
    var relay = Relay(
      capacity: 4, endsWithPeer: script.endsWithPeer, waitsForPeer: script.waitsForPeer)
    #expect(relay.step() == [])
    for (index, step) in script.steps.enumerated() {
      relay.note(step.event)
      #expect(relay.step() == step.actions, "step \(index): \(step.event)")
      #expect(relay.step() == [], "step \(index): an action was told twice")
    }
    #expect(relay.isFinished == script.isFinished)
  }

  @Test func `a direction reads while it has room and not while it drains`() {
    var relay = Relay(capacity: 4)
    #expect(relay[.outbound].room == 0..<4)
    #expect(relay[.outbound].filled.isEmpty)
    relay.note(.read(.outbound, 3))
    #expect(relay[.outbound].room == 3..<4)
    #expect(relay[.outbound].filled == 0..<3)
    relay.note(.wrote(.outbound, 2))
    #expect(relay[.outbound].room == 3..<4)
    #expect(relay[.outbound].filled == 2..<3)
    relay.note(.read(.outbound, 1))
    #expect(relay[.outbound].room.isEmpty)
    relay.note(.wrote(.outbound, 2))
    #expect(relay[.outbound].room == 0..<4)
    #expect(relay[.outbound].received == 4 && relay[.outbound].delivered == 4)
    // The other direction knows nothing of it.
    #expect(relay[.inbound] == RelayHalf(capacity: 4))
  }

  @Test(arguments: RelayDirection.allCases)
  func `a direction whose source or sink has ended has no room`(direction: RelayDirection) {
    var ended = Relay(capacity: 4)
    ended.note(.read(direction, 1))
    ended.note(.sourceEnded(direction))
    #expect(ended[direction].room.isEmpty)
    #expect(ended[direction].filled == 0..<1)
    #expect(!ended[direction].isFinished)
    var failed = Relay(capacity: 4)
    failed.note(.read(direction, 1))
    failed.note(.sinkFailed(direction))
    #expect(failed[direction].room.isEmpty)
    #expect(failed[direction].filled.isEmpty)
    #expect(failed[direction].isFinished)
  }

  /// One direction as two queues of numbers and the buffer between them.
  private struct Model {
    var next = 0
    var cells: [Int]
    var delivered: [Int] = []

    mutating func read(_ count: Int, into room: Range<Int>) {
      for cell in room.prefix(count) {
        cells[cell] = next
        next += 1
      }
    }

    mutating func write(_ count: Int, from filled: Range<Int>) {
      delivered += cells[filled.prefix(count)]
    }
  }

  @Test(arguments: [1, 2, 3, 7, 64])
  func `no number is lost, doubled or out of order on a random walk`(capacity: Int) {
    for seed in UInt64(1)...200 {
      var random = SplitMix(state: seed &* 1_000 &+ UInt64(capacity))
      let endsWithPeer = Bool.random(using: &random)
      let fails = Int.random(in: 0..<4, using: &random) == 0
      let waitsForPeer = Bool.random(using: &random)
      var relay = Relay(
        capacity: capacity, endsWithPeer: endsWithPeer, waitsForPeer: waitsForPeer)
      var models: [RelayDirection: Model] = [:]
      for direction in RelayDirection.allCases {
        models[direction] = Model(cells: Array(repeating: -1, count: capacity))
      }
      var failed: Set<RelayDirection> = []
      var actions: [Relay.Action] = []

      func check() -> Bool {
        RelayDirection.allCases.allSatisfy { direction in
          let half = relay[direction]
          let model = models[direction] ?? Model(cells: [])
          let bounds = 0...capacity
          return bounds.contains(half.filled.lowerBound) && bounds.contains(half.filled.upperBound)
            && bounds.contains(half.room.lowerBound) && bounds.contains(half.room.upperBound)
            && half.room.lowerBound == half.filled.upperBound
            && half.received == model.next && half.delivered == model.delivered.count
            && (failed.contains(direction)
              || half.filled.map { model.cells[$0] }
                == Array(half.delivered..<half.received))
        }
      }

      var isSound = true
      // The walk: whatever can happen now, in any order.
      for _ in 0..<300 {
        let direction: RelayDirection = Bool.random(using: &random) ? .outbound : .inbound
        let half = relay[direction]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<48:
          guard !half.room.isEmpty else { continue }
          let count = Int.random(in: 1...half.room.count, using: &random)
          models[direction]?.read(count, into: half.room)
          relay.note(.read(direction, count))
        case 48..<98:
          guard !half.filled.isEmpty else { continue }
          let count = Int.random(in: 1...half.filled.count, using: &random)
          models[direction]?.write(count, from: half.filled)
          relay.note(.wrote(direction, count))
        case 98: relay.note(.sourceEnded(direction))
        default:
          guard fails else { continue }
          failed.insert(direction)
          relay.note(.sinkFailed(direction))
        }
        actions += relay.step()
        isSound = isSound && check()
      }
      // The rest of the story: both sources end, both sinks take what is left.
      for direction in RelayDirection.allCases {
        relay.note(.sourceEnded(direction))
        while !relay[direction].filled.isEmpty {
          let filled = relay[direction].filled
          let count = Int.random(in: 1...filled.count, using: &random)
          models[direction]?.write(count, from: filled)
          relay.note(.wrote(direction, count))
        }
        actions += relay.step()
        isSound = isSound && check()
      }
      #expect(isSound, "seed \(seed)")
      #expect(relay.isFinished, "seed \(seed)")
      for (direction, action) in [
        (RelayDirection.outbound, Relay.Action.finishSending), (.inbound, .closeOutput),
      ] {
        let model = models[direction] ?? Model(cells: [])
        let delivered = model.delivered
        #expect(delivered == Array(0..<delivered.count), "seed \(seed)")
        let times = actions.count { $0 == action }
        if failed.contains(direction) {
          #expect(times <= 1, "seed \(seed)")
        } else {
          #expect(delivered.count == model.next, "seed \(seed)")
          #expect(times == 1, "seed \(seed)")
        }
      }
    }
  }
}

/// The generator of TestSupport's `bytes`, for choices.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
