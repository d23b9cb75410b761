// Digests against the vectors of their specifications, by the processor's instructions and without.

import Foundation
import SocketCore
import TestSupport
import Testing

@Suite struct Digests {
  /// FIPS 180-4's examples and messages of NIST's SHAVS files (SHA256ShortMsg.rsp, SHA256LongMsg.rsp).
  private static let sha256: [(message: [UInt8], digest: String)] = [
    ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      Array(
        ("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu").utf8),
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    (
      [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000),
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    ),
    ([0xd3], "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1"),
    ([0x11, 0xaf], "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98"),
    (
      [0x74, 0xba, 0x25, 0x21],
      "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e"
    ),
    ([0xbd], "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
    ([0xc9, 0x8c, 0x8e, 0x55], "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504"),
    (
      [UInt8](repeating: 0, count: 55),
      "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"
    ),
    (
      [UInt8](repeating: 0, count: 56),
      "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"
    ),
    (
      [UInt8](repeating: 0, count: 57),
      "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"
    ),
    (
      [UInt8](repeating: 0, count: 64),
      "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"
    ),
    (
      [UInt8](repeating: 0, count: 1000),
      "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"
    ),
    (
      [UInt8](repeating: UInt8(ascii: "A"), count: 1000),
      "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4"
    ),
  ]

  /// RFC 3720, appendix B.4, whose table has the bytes of the checksum as they are sent: the least
  /// significant one first.
  private static let crc32c: [(message: [UInt8], digest: String)] = [
    ([UInt8](repeating: 0, count: 32), "8a9136aa"),
    ([UInt8](repeating: 0xff, count: 32), "62a8ab43"),
    (Array(0..<32), "46dd794e"),
    (Array((0..<32).reversed()), "113fdb5c"),
    (
      [
        0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0,
        0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
      ], "d9963a56"
    ),
    (Array("123456789".utf8), "e3069283"),
    ([], "00000000"),
  ]

  private static func digest(
    _ algorithm: DigestAlgorithm, _ bytes: [UInt8], pieces: Int = .max, usesHardware: Bool
  ) -> String {
    var digest = Digest(algorithm, usesHardware: usesHardware)
    var start = 0
    while start < bytes.count {
      let count = min(pieces, bytes.count - start)
      digest.append(bytes.span.extracting(start..<start + count))
      start += count
    }
    return digest.value.hexadecimal
  }

  @Test(arguments: sha256.indices, [true, false])
  func sha256IsThatOfTheStandard(_ row: Int, usesHardware: Bool) {
    let (message, digest) = Self.sha256[row]
    #expect(Self.digest(.sha256, message, usesHardware: usesHardware) == digest)
  }

  @Test(arguments: crc32c.indices, [true, false])
  func crc32cIsThatOfTheStandard(_ row: Int, usesHardware: Bool) {
    let (message, digest) = Self.crc32c[row]
    #expect(Self.digest(.crc32c, message, usesHardware: usesHardware) == digest)
  }

  /// NIST's Monte Carlo test (SHAVS, section 6.4; SHA256Monte.rsp): each of a thousand rounds takes
  /// in the last three digests. These are the first two of its hundred checkpoints.
  @Test(arguments: [true, false])
  func sha256HoldsInTheMonteCarloTest(usesHardware: Bool) throws {
    var seed = try #require(
      DigestValue(
        .sha256,
        hexadecimal: "6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691")
    ).bytes
    let checkpoints = [
      "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd4f2b788",
      "2e78f8c8772ea7c9331d41ed3f9cdf27d8f514a99342ee766ee3b8b0d0b121c0",
    ]
    for checkpoint in checkpoints {
      var last = [seed, seed, seed]
      for _ in 0..<1000 {
        var digest = Digest(.sha256, usesHardware: usesHardware)
        for bytes in last { digest.append(bytes.span) }
        last = [last[1], last[2], digest.value.bytes]
      }
      seed = last[2]
      let value = try #require(DigestValue(.sha256, hexadecimal: checkpoint))
      #expect(seed == value.bytes)
    }
  }

  /// Where the pieces end makes no difference, and neither does who computes.
  @Test(arguments: DigestAlgorithm.allCases)
  func piecesOfAnySizeGiveTheSame(_ algorithm: DigestAlgorithm) {
    let data = bytes(count: 100_003, seed: 5)
    let whole = Self.digest(algorithm, data, usesHardware: false)
    for pieces in [1, 7, 63, 64, 65, 127, 128, 192, 1000, 65_536] {
      for usesHardware in [true, false] {
        let text = Self.digest(algorithm, data, pieces: pieces, usesHardware: usesHardware)
        #expect(text == whole, "\(pieces) bytes a piece")
      }
    }
  }

  /// What a digest is asked for on the way is not its end.
  @Test func itGoesOnBehindAValue() {
    var digest = Digest(.sha256)
    digest.append([UInt8]("a".utf8).span)
    #expect(digest.value.hexadecimal.hasPrefix("ca978112"))
    digest.append([UInt8]("bc".utf8).span)
    #expect(digest.value.hexadecimal == Self.sha256[1].digest)
  }

  @Test func theSumsOfOtherProgramsAreTheSame() throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("data")
    for size in [0, 1, 55, 56, 63, 64, 65, 119, 120, 65_535, 65_536] {
      let data = bytes(count: size, seed: 9)
      try Data(data).write(to: URL(filePath: path))
      let sum = try run(["sha256sum", path]).outputText
      for usesHardware in [true, false] {
        let text = Self.digest(.sha256, data, usesHardware: usesHardware)
        #expect(sum.hasPrefix(text + " "), "\(size) bytes")
      }
    }
  }

  @Test(arguments: ["", "e3", "e306928", "e306928g", "e30692833", "+3069283", "é069283"])
  func whatIsNoDigestIsRefused(_ text: String) {
    #expect(DigestValue(.crc32c, hexadecimal: text) == nil)
  }

  @Test func digitsOfEitherCaseAreRead() {
    #expect(DigestValue(.crc32c, hexadecimal: "E3069283")?.hexadecimal == "e3069283")
  }
}

/// The digest that has a thread beside the one that has none.
@Suite struct ConcurrentDigests {
  @Test(
    arguments: [0, 1, 4 << 20, (4 << 20) + 1, (9 << 20) + 77], [1 << 20, 100_003, (512 << 10) + 1])
  func `it is the same whatever the pieces`(_ count: Int, _ piece: Int) {
    let all = bytes(count: count, seed: 7)
    var plain = Digest(.sha256)
    plain.append(all.span)
    for mayHaveThread in [true, false] {
      var digest = ConcurrentDigest(.sha256, mayHaveThread: mayHaveThread)
      var start = 0
      while start < count {
        let end = min(count, start + piece)
        digest.append(all.span.extracting(start..<end))
        start = end
      }
      #expect(digest.value() == plain.value)
      // It may be asked again, and go on.
      #expect(digest.value() == plain.value)
    }
  }

  @Test func `more may come behind a value`() {
    let all = bytes(count: 12 << 20, seed: 8)
    var plain = Digest(.sha256)
    var digest = ConcurrentDigest(.sha256)
    for part in [0..<5 << 20, 5 << 20..<12 << 20] {
      plain.append(all.span.extracting(part))
      digest.append(all.span.extracting(part))
      #expect(digest.value() == plain.value)
    }
  }

  /// In a process of its own, where nobody else has threads that come and go.
  @Test(.timeLimit(.minutes(5))) func `one that nobody asks ends its thread`() async {
    await #expect(processExitsWith: .success) {
      let all = bytes(count: 5 << 20, seed: 9)
      let before = try threadCount()
      var most = 0
      for _ in 0..<100 {
        var digest = ConcurrentDigest(.sha256)
        digest.append(all.span)
        most = max(most, try threadCount())
      }
      // Swift may have started some of its own, but not one each time.
      #expect(most - before < 20)
    }
  }
}

/// The threads of this process.
private func threadCount() throws -> Int {
  try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
}
