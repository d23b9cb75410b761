// What a terminal sends for the keys that are pressed.

/// A key, or a character that was typed.
public enum Key: Equatable, Sendable {
  case character(Unicode.Scalar)
  case enter, escape, backspace, eraseLine, redraw
  case up, down, left, right, pageUp, pageDown, home, end
}

/// Reads keys from the bytes of a terminal (ECMA-48, and what xterm sends).
///
/// An escape sequence starts with the byte of the Escape key, so whether that key was pressed is known
/// only after nothing followed: see `isUndecided`.
public struct KeyReader: Sendable {
  private var pending: [UInt8] = []
  /// No sequence of a key is longer.
  private static let longest = 32
  private static let escape: UInt8 = 0x1B

  public init() {}

  /// Whether bytes wait for what follows them. Where nothing has come for some 50 ms, `settle` tells
  /// what they are.
  public var isUndecided: Bool { !pending.isEmpty }

  /// The keys that are complete with these bytes. Keys that are not known are left out.
  public mutating func keys(in bytes: [UInt8]) -> [Key] {
    pending += bytes
    var keys: [Key] = []
    while let (length, key) = next() {
      pending.removeFirst(length)
      if let key { keys.append(key) }
    }
    return keys
  }

  /// The keys of the bytes that wait, since nothing follows them.
  public mutating func settle() -> [Key] {
    let isEscape = pending.first == Self.escape
    pending = []
    return isEscape ? [.escape] : []
  }

  /// How many bytes come first that belong together, and their key; nil where more may follow.
  private func next() -> (Int, Key?)? {
    guard let first = pending.first else { return nil }
    switch first {
    case Self.escape: return sequence()
    case 0x0A, 0x0D: return (1, .enter)
    case 0x08, 0x7F: return (1, .backspace)
    case 0x0C: return (1, .redraw)
    case 0x15: return (1, .eraseLine)
    case ..<0x20: return (1, nil)
    case ..<0x80: return (1, .character(Unicode.Scalar(first)))
    default:
      let length = (~first).leadingZeroBitCount
      guard (2...4).contains(length) else { return (1, nil) }
      guard pending.count >= length else { return nil }
      let text = String(validating: pending.prefix(length), as: UTF8.self)
      guard let scalar = text?.unicodeScalars.first else { return (1, nil) }
      return (length, .character(scalar))
    }
  }

  private func sequence() -> (Int, Key?)? {
    guard pending.count > 1 else { return nil }
    switch pending[1] {
    case UInt8(ascii: "O"):
      return pending.count > 2 ? (3, Self.key(final: pending[2], parameter: nil)) : nil
    case UInt8(ascii: "["):
      let rest = pending.dropFirst(2).prefix(Self.longest)
      guard let final = rest.firstIndex(where: { (0x40...0x7E).contains($0) }) else {
        return rest.count < Self.longest ? nil : (rest.endIndex, nil)
      }
      let digits = pending[2..<final].prefix { (0x30...0x39).contains($0) }
      return (
        final + 1,
        Self.key(final: pending[final], parameter: Int(String(decoding: digits, as: UTF8.self)))
      )
    default: return (1, .escape)
    }
  }

  private static func key(final: UInt8, parameter: Int?) -> Key? {
    switch (Character(Unicode.Scalar(final)), parameter) {
    case ("A", _): .up
    case ("B", _): .down
    case ("C", _): .right
    case ("D", _): .left
    case ("H", _), ("~", 1), ("~", 7): .home
    case ("F", _), ("~", 4), ("~", 8): .end
    case ("~", 5): .pageUp
    case ("~", 6): .pageDown
    default: nil
    }
  }
}
