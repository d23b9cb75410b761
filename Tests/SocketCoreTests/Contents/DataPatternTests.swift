// Patterns: that another program makes the same bytes, that every part is what the whole has there,
// and that a difference is found where it is.

import SocketCore
import TestSupport
import Testing

@Suite struct DataPatterns {
  private static let patterns: [DataPattern] = [
    .zero, .counter, .random(seed: 0), .random(seed: 7), .random(seed: .max),
  ]

  private static func made(_ pattern: DataPattern, _ range: Range<Int>) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xaa, count: range.count)
    var span = bytes.mutableSpan
    var target = unsafe span.mutableBytes
    pattern.fill(&target, at: range.lowerBound)
    return bytes
  }

  /// The program that the manual shows.
  @Test(.requires("python3"), arguments: [UInt64(0), 7, .max])
  func anotherProgramMakesTheSame(_ seed: UInt64) throws {
    let script = """
      import struct, sys
      seed, count, mask = int(sys.argv[1]), 1000, 2**64 - 1
      def word(n):
          z = (seed + (n + 1) * 0x9e3779b97f4a7c15) & mask
          z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & mask
          z = (z ^ z >> 27) * 0x94d049bb133111eb & mask
          return z ^ z >> 31
      data = struct.pack(f">{count}Q", *range(count))
      data += struct.pack(f"<{count}Q", *(word(n) for n in range(count)))
      sys.stdout.buffer.write(data)
      """
    let made = try run(["python3", "-c", script, "\(seed)"]).output
    #expect(Self.made(.counter, 0..<8000) == Array(made.prefix(8000)))
    #expect(Self.made(.random(seed: seed), 0..<8000) == Array(made.suffix(8000)))
  }

  /// The first outputs of SplitMix64 from 1234567, as its authors' own program prints them.
  @Test func randomBytesAreThoseOfSplitMix64() {
    let outputs: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
    ]
    let bytes = outputs.flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
    #expect(Self.made(.random(seed: 1_234_567), 0..<24) == bytes)
  }

  @Test(arguments: patterns)
  func everyPartIsWhatTheWholeHasThere(_ pattern: DataPattern) {
    let whole = Self.made(pattern, 0..<200)
    for start in 0..<40 {
      for end in start...80 {
        #expect(Self.made(pattern, start..<end) == Array(whole[start..<end]))
      }
    }
    // Beyond what 32 bits count.
    let far = 5 << 30
    let there = Self.made(pattern, far..<far + 100)
    #expect(Self.made(pattern, far + 13..<far + 90) == Array(there[13..<90]))
  }

  @Test(arguments: [DataPattern.counter, .random(seed: 3)], [1, 8, 1000, 65_536, 200_000])
  func whatIsRightHasNoDifference(_ pattern: DataPattern, pieces: Int) {
    let data = Self.made(pattern, 0..<200_000)
    let check = Self.check(data, pattern, pieces: pieces)
    #expect(check.first == nil)
    #expect(check.wrong == 0)
    #expect(check.count == data.count)
  }

  @Test(arguments: [0, 1, 8191, 65_535, 65_536, 199_999])
  func oneWrongByteIsFound(at place: Int) {
    for pattern in [DataPattern.zero, .counter, .random(seed: 3)] {
      var data = Self.made(pattern, 0..<200_000)
      let expected = data[place]
      data[place] ^= 0x10
      let check = Self.check(data, pattern, pieces: 70_000)
      #expect(check.first?.offset == place)
      #expect(check.first?.expected == expected)
      #expect(check.first?.found == expected ^ 0x10)
      #expect(check.wrong == 1)
    }
  }

  /// A byte too many or too few moves all that follows, which neither pattern hides.
  @Test(arguments: [true, false])
  func aShiftIsFoundWhereItIs(isExtra: Bool) throws {
    for pattern in [DataPattern.counter, .random(seed: 3)] {
      var data = Self.made(pattern, 0..<200_000)
      // In the counter the first seven bytes of a word are zeros for long.
      let place = 100_007
      if isExtra { data.insert(0x55, at: place) } else { data.remove(at: place) }
      let first = try #require(Self.check(data, pattern, pieces: 65_536).first)
      #expect(first.offset == place)
    }
  }

  private static func check(_ data: [UInt8], _ pattern: DataPattern, pieces: Int) -> PatternCheck {
    var check = PatternCheck(pattern)
    var start = 0
    while start < data.count {
      let end = min(start + pieces, data.count)
      check.append(data.span.extracting(start..<end))
      start = end
    }
    return check
  }
}
