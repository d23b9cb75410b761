// What send and recv are told about the data itself: its digest, and what it has to be.

internal import CommandSpec
internal import Report
internal import SocketCore

/// Which digest is computed on the way.
enum DigestChoice: String, CaseIterable, ArgumentValue {
  case sha256, crc32c, none

  var algorithm: DigestAlgorithm? { DigestAlgorithm(rawValue: rawValue) }
}

/// A digest that is known beforehand: `sha256:HEX`, `crc32c:HEX`, or the digits alone, whose number
/// tells which of the two it is.
struct ExpectedDigest: ArgumentValue, Hashable {
  var value: DigestValue

  init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let digits = parts.last else { return nil }
    let algorithm =
      parts.count == 2
      ? DigestAlgorithm(rawValue: parts[0].lowercased())
      : DigestAlgorithm.allCases.first { $0.byteCount * 2 == digits.utf8.count }
    guard let algorithm, let value = DigestValue(algorithm, hexadecimal: digits) else {
      return nil
    }
    self.value = value
  }

  static let completion = Parameter.Completion.words(
    DigestAlgorithm.allCases.map { "\($0.rawValue):" })
  static let form = "the digits, 64 of sha256 or 8 of crc32c"
  var argumentText: String { "\(value.algorithm.rawValue):\(value.hexadecimal)" }
}

/// Data that both ends can make: `zero`, `counter`, `random` or `random:SEED`.
struct PatternName: ArgumentValue, Hashable {
  var pattern: DataPattern

  init(_ pattern: DataPattern) { self.pattern = pattern }

  init?(argument: String) {
    switch argument {
    case "zero": pattern = .zero
    case "counter": pattern = .counter
    case "random": pattern = .random(seed: 0)
    default:
      let seed = argument.dropFirst("random:".count)
      guard argument.hasPrefix("random:"), seed.isDecimal, let seed = UInt64(seed)
      else { return nil }
      pattern = .random(seed: seed)
    }
  }

  static let completion = Parameter.Completion.words(["zero", "counter", "random", "random:"])
  static let form = "zero, counter, random or random:SEED with a number for SEED"
  var argumentText: String {
    switch pattern {
    case .zero: "zero"
    case .counter: "counter"
    case .random(let seed): "random:\(seed)"
    }
  }
}

/// The options.
struct ContentOptions: Sendable {
  var digest = DigestChoice.none
  var expectedSize: ByteCount?
  var expectedDigest: ExpectedDigest?

  /// - Parameter comparing: whether all bytes are compared with others.
  func validate(_ copy: CopyChoice, comparing: Bool = false) throws(UsageError) {
    if algorithm != nil || comparing, !copy.showsBytes {
      let option = comparing ? "--verify" : digest == .none ? "--expect-digest" : "--digest"
      throw UsageError(
        "The options '\(option)' and '--copy \(copy.rawValue)' exclude each other: bytes that the "
          + "kernel moves are not seen here")
    }
    if let expected = expectedDigest?.value.algorithm, let asked = digest.algorithm,
      asked != expected
    {
      throw UsageError(
        "'--expect-digest \(expected.rawValue):…' and '--digest \(asked.rawValue)' are not of one "
          + "kind: leave '--digest' out, or make it '--digest \(expected.rawValue)'.")
    }
  }

  /// The same for one stream of several, without what holds for all of them together.
  var ofOneStream: ContentOptions {
    var options = self
    options.expectedSize = nil
    return options
  }

  /// What has to be computed, whether it is shown or compared.
  var algorithm: DigestAlgorithm? { digest.algorithm ?? expectedDigest?.value.algorithm }

  /// For which options that is.
  var digestOptions: [String] {
    (digest.algorithm == nil ? [] : ["--digest"])
      + (expectedDigest == nil ? [] : ["--expect-digest"])
  }

  /// Why data is not what was expected; nil where it is.
  ///
  /// - Parameters:
  ///   - verb: What was done with it: `received`, `sent`.
  ///   - count: Its bytes.
  ///   - value: Its digest, where there is one.
  func mismatch(_ verb: String, _ count: Int, _ value: DigestValue?) -> Failure? {
    if let expected = expectedSize?.bytes, expected != count {
      let what =
        count < expected
        ? "short: \(Units.count(count)) of \(Units.plural(expected, "byte")) \(verb) (--expect-size)"
        : "more \(verb) than the \(Units.plural(expected, "byte")) that were expected "
          + "(--expect-size)"
      return Failure(.mismatch, what)
    }
    if let expected = expectedDigest?.value, let value, value != expected {
      return Failure(
        .mismatch,
        "the \(expected.algorithm.rawValue) digest of the \(Units.plural(count, "byte")) \(verb) is "
          + "\(value.hexadecimal), and not \(expected.hexadecimal) (--expect-digest)")
    }
    return nil
  }
}

/// A subcommand with these options.
protocol ChecksContent: CommandOptions {
  var content: ContentOptions { get set }
}

extension ChecksContent {
  /// - Parameter consequence: what follows where the data is not what it has to be.
  static func contentParameters(consequence: String) -> [Bound<Self>] {
    [
      .option(
        "digest", \.content.digest, value: "algorithm",
        help: """
          Compute a digest on the way, and print it at the end on standard error as sha256sum \
          does: digits, two spaces, name. It is printed with --quiet too.
          """),
      .option(
        "expect-size", \.content.expectedSize, value: "size",
        help: "Size that the data must have: 1000, 64K, 1GB. \(consequence)"),
      .option(
        "expect-digest", \.content.expectedDigest, value: "digest",
        help: """
          Digest that the data must have: the digits, alone or after sha256: or crc32c:. \
          \(consequence)
          """),
    ]
  }
}
