// Values of the options that become socket options: what is refused here no kernel would take.

internal import CommandSpec

/// A size that setsockopt(2) takes as an int.
struct BufferSize: ArgumentValue {
  var size: ByteCount

  init?(argument: String) {
    guard let size = ByteCount(argument: argument), Int32(exactly: size.bytes) != nil else {
      return nil
    }
    self.size = size
  }

  var value: Int32 { Int32(clamping: size.bytes) }
  static let form = "whole bytes below 2G, like 64K (binary) or 64KB (decimal)"
  var argumentText: String { size.argumentText }
}

/// A number from 0 to the largest that the option's type holds.
struct OptionNumber<Limits: NumberLimits>: ArgumentValue {
  var value: UInt32

  /// Reads decimal digits, or hexadecimal ones behind `0x`.
  init?(argument: String) {
    let number =
      argument.hasPrefix("0x") ? UInt32(argument.dropFirst(2), radix: 16) : UInt32(argument)
    guard let number, Limits.range.contains(number) else { return nil }
    value = number
  }

  static var form: String {
    "a whole number from \(Limits.range.lowerBound) to \(Limits.range.upperBound)"
  }
  var argumentText: String { String(value) }
}

protocol NumberLimits: Sendable {
  static var range: ClosedRange<UInt32> { get }
}

/// 0 would mean no limit, which is what leaving the option out says.
enum SegmentLimits: NumberLimits { static let range: ClosedRange<UInt32> = 1...65_535 }
enum HopLimits: NumberLimits { static let range: ClosedRange<UInt32> = 1...255 }
enum MarkLimits: NumberLimits { static let range: ClosedRange<UInt32> = 0...UInt32.max }
enum QueueLimits: NumberLimits { static let range: ClosedRange<UInt32> = 1...0x7fff_ffff }

/// A duration of whole seconds, at least one.
struct WholeSeconds: ArgumentValue {
  var seconds: Int32

  init?(argument: String) {
    guard let duration = Duration(argument: argument), duration.components.attoseconds == 0,
      duration.components.seconds > 0, let seconds = Int32(exactly: duration.components.seconds)
    else { return nil }
    self.seconds = seconds
  }

  static let form = "whole seconds, at least one, like 5s or 2m"
  var argumentText: String { Duration.seconds(Int(seconds)).argumentText }
}

/// A duration of whole milliseconds, at least one.
struct WholeMilliseconds: ArgumentValue {
  var milliseconds: UInt32

  init?(argument: String) {
    guard let duration = Duration(argument: argument) else { return nil }
    let (seconds, attoseconds) = duration.components
    let (thousandths, rest) = attoseconds.quotientAndRemainder(dividingBy: 1_000_000_000_000_000)
    // The kernel's type is an int; the rest of a duration is small beside its limit.
    guard rest == 0, seconds <= Int64(Int32.max) / 1_000 - 1, seconds > 0 || thousandths > 0
    else { return nil }
    milliseconds = UInt32(seconds * 1_000 + thousandths)
  }

  static let form = "whole milliseconds, at least one, like 500ms or 10s"
  var argumentText: String { Duration.milliseconds(Int(milliseconds)).argumentText }
}

/// `IDLE[,INTERVAL[,COUNT]]`: when keepalive probes start, how often they come, how many go unanswered.
struct KeepAlive: ArgumentValue {
  var idle: WholeSeconds
  var interval: WholeSeconds?
  var count: Int32?

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard (1...3).contains(words.count), let idle = WholeSeconds(argument: words[0]) else {
      return nil
    }
    self.idle = idle
    if words.count > 1 {
      guard let interval = WholeSeconds(argument: words[1]) else { return nil }
      self.interval = interval
    }
    if words.count > 2 {
      guard let count = Int32(words[2]), count > 0 else { return nil }
      self.count = count
    }
  }

  static let form = "whole seconds and a number, like 60s or 60s,10s,5"
  var argumentText: String {
    [idle.argumentText, interval?.argumentText, count.map { "\($0)" }].compactMap(\.self)
      .joined(separator: ",")
  }
}

/// A differentiated services code point: a number or its name in RFC 2474, 2597, 3246, 5865, 8622.
struct CodePoint: ArgumentValue {
  var value: UInt8

  init?(argument: String) {
    if let number = UInt8(argument) {
      guard number < 64 else { return nil }
      value = number
      return
    }
    guard let value = Self.value(named: argument.lowercased()) else { return nil }
    self.value = value
  }

  private static func value(named name: String) -> UInt8? {
    switch name {
    case "be", "default": 0
    case "voice-admit": 44
    default: names.first { $0.key == name }?.value
    }
  }

  /// What shells offer. A class selector stands in the upper three bits; a class of assured forwarding
  /// too, and its drop precedence in the next two.
  private static let names: [(key: String, value: UInt8)] =
    [("df", 0), ("le", 1), ("va", 44), ("ef", 46)]
    + (0...7).map { ("cs\($0)", $0 * 8) }
    + (1...4).flatMap { family in
      (1...3).map { ("af\(family)\($0)", UInt8(family * 8 + $0 * 2)) }
    }

  static var completion: Parameter.Completion { .words(names.map(\.key)) }
  static let form = "a number from 0 to 63, or a name like ef, cs1 or af41"
  var argumentText: String { String(value) }
}

/// The name of a congestion control algorithm: 15 bytes are what the kernel's names have room for.
struct AlgorithmName: ArgumentValue {
  var name: String

  init?(argument: String) {
    guard (1...15).contains(argument.utf8.count) else { return nil }
    name = argument
  }

  static let completion = Parameter.Completion.listed(
    at: "/proc/sys/net/ipv4/tcp_available_congestion_control")
  static let form = "a name of 1 to 15 bytes, like cubic"
  var argumentText: String { name }
}
