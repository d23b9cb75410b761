// What the place where text appears can do: its size, colour, characters. Decided here once, from
// the environment and the descriptor; renderers only read it.

import Glibc

/// What `--color` asks for.
public enum ColorChoice: String, CaseIterable, Sendable {
  case auto, always, never
}

/// The abilities of the place where text appears.
public struct Display: Sendable, Equatable {
  /// A person watches.
  public var isTerminal: Bool
  /// The width in cells, at least 1.
  public var columns: Int
  /// The height in cells, at least 1.
  public var rows: Int
  /// Escape sequences for colour are wanted.
  public var hasColor: Bool
  /// Lines can be drawn over: a terminal that is more than a line printer.
  public var canRedraw: Bool
  /// Characters outside ASCII can be shown.
  public var hasUnicode: Bool

  /// Decides from plain values.
  ///
  /// Color: `always` and `never` settle it. `auto` is yes on a terminal whose `TERM` is known and
  /// not `dumb`, unless `NO_COLOR` has any text. Width: `COLUMNS`, else the terminal's, else 80;
  /// height: `LINES`, else the terminal's, else 24. Unicode: the first of `LC_ALL`, `LC_CTYPE` and
  /// `LANG` with any text names UTF-8.
  ///
  /// - Parameters:
  ///   - isTerminal: Whether the descriptor is a terminal.
  ///   - size: Its size in cells, where it has one.
  ///   - choice: What the user asked for.
  ///   - environment: Gives the value of a variable.
  public init(
    isTerminal: Bool, size: (columns: Int, rows: Int)?, color choice: ColorChoice,
    environment: (String) -> String?
  ) {
    func text(_ name: String) -> String? {
      environment(name).flatMap { $0.isEmpty ? nil : $0 }
    }
    func cells(_ name: String, _ measured: Int?, _ fallback: Int) -> Int {
      [text(name).flatMap { Int($0) }, measured].compactMap { $0 }.first { $0 > 0 } ?? fallback
    }
    self.isTerminal = isTerminal
    let isKnown = (text("TERM") ?? "dumb") != "dumb"
    canRedraw = isTerminal && isKnown
    columns = cells("COLUMNS", size?.columns, 80)
    rows = cells("LINES", size?.rows, 24)
    hasColor =
      switch choice {
      case .always: true
      case .never: false
      case .auto: isTerminal && isKnown && text("NO_COLOR") == nil
      }
    // `language_TERRITORY.charset@modifier`
    let locale = text("LC_ALL") ?? text("LC_CTYPE") ?? text("LANG") ?? ""
    let charset = locale.split(separator: ".").dropFirst().first?.split(separator: "@").first ?? ""
    hasUnicode = ["utf-8", "utf8"].contains(charset.lowercased())
  }

  /// Asks the descriptor and this process's environment.
  ///
  /// - Parameter isWindow: Whether the size is the window's own, whatever `COLUMNS` and `LINES` say:
  ///   for who fills all of it.
  public init(descriptor: Int32, color choice: ColorChoice = .auto, isWindow: Bool = false) {
    var window = winsize()
    let isSized = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &window) == 0
    self.init(
      isTerminal: isatty(descriptor) == 1,
      size: isSized ? (Int(window.ws_col), Int(window.ws_row)) : nil, color: choice
    ) { name in
      if isWindow, isSized, name == "COLUMNS" || name == "LINES" { return nil }
      return unsafe getenv(name).map { unsafe String(cString: $0) }
    }
  }

  /// The style for this display.
  public var style: Style { Style(isOn: hasColor) }
}
