// Weight and colour of text, by the few ANSI sequences that every terminal knows.

/// Puts inks on text, or leaves it as it is where colour is off.
public struct Style: Sendable, Equatable {
  /// The inks that can be read on a dark and on a light ground, which nobody can ask a terminal for: no
  /// white, black or blue, and no yellow, whose contrast with white is 1.7 in xterm's palette (bold it
  /// is the bright yellow in many terminals, at 1.1). A warning is magenta: it has 2.6 and more with
  /// white and with black in the palettes of xterm, GNOME, the Linux console, macOS and Windows. Cyan and
  /// green have 2.0 there at least, and never stand with bold, which would brighten them.
  ///
  /// The raw value is the parameter of the ANSI sequence `ESC [ … m`.
  public enum Ink: UInt8, CaseIterable, Sendable {
    case bold = 1
    case dim = 2
    case red = 31
    case green = 32
    case magenta = 35
    case cyan = 36
  }

  /// Leaves every text as it is.
  public static let plain = Style(isOn: false)

  /// Whether inks are applied at all.
  public let isOn: Bool

  public init(isOn: Bool) {
    self.isOn = isOn
  }

  /// The text in these inks: `style("refused", .bold, .red)`. Empty text stays empty.
  public func callAsFunction(_ text: String, _ inks: Ink...) -> String {
    guard isOn, !text.isEmpty, !inks.isEmpty else { return text }
    let codes = inks.map { "\($0.rawValue)" }.joined(separator: ";")
    return "\u{1b}[\(codes)m\(text)\u{1b}[0m"
  }
}
