// The words of SVG: escaped text, numbers, colours for a light and a dark ground.

import Glibc

/// Text as the content of an element or the value of an attribute.
///
/// What is invisible is spelled out, as for a terminal; of what is left XML 1.0 has no room for two
/// scalars, which become U+FFFD.
func escapedForXML(_ text: String) -> String {
  var safe = ""
  for scalar in sanitized(text).unicodeScalars {
    switch scalar {
    case "&": safe += "&amp;"
    case "<": safe += "&lt;"
    case ">": safe += "&gt;"
    case "\"": safe += "&quot;"
    case "'": safe += "&#39;"
    case "\u{fffe}", "\u{ffff}": safe += "\u{fffd}"
    default: safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}

/// A coordinate with at most one decimal.
func pixels(_ value: Double) -> String {
  let tenths = Int((min(1e6, max(-1e6, value)) * 10).rounded())
  let sign = tenths < 0 ? "-" : ""
  let (whole, rest) = tenths.magnitude.quotientAndRemainder(dividingBy: 10)
  return rest == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(rest)"
}

/// How wide a text is at most, about: the reader's font is not known here.
func estimatedWidth(_ text: String, size: Double) -> Double {
  text.unicodeScalars.reduce(0) { width, scalar in
    let share =
      switch scalar {
      case " ", ".", ",", ":", ";", "'", "i", "j", "l", "I", "(", ")", "[", "]", "|", "/": 0.34
      case "m", "w", "M", "W", "%", "@": 0.95
      case "A"..."Z": 0.72
      case _ where scalar.value >= 0x1100: 1.0
      default: 0.6
      }
    return width + share * size
  }
}

/// The text in lines that are no wider than `width`, broken between words, and inside a word only
/// where the word alone is wider.
func brokenLines(_ text: String, width: Double, size: Double) -> [String] {
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ") {
    var rest = String(word)
    if !line.isEmpty {
      if estimatedWidth(line + " " + rest, size: size) <= width {
        line += " " + rest
        continue
      }
      lines.append(line)
      line = ""
    }
    while estimatedWidth(rest, size: size) > width {
      var head = String(rest.prefix(1))
      while head.count < rest.count,
        estimatedWidth(String(rest.prefix(head.count + 1)), size: size) <= width
      {
        head = String(rest.prefix(head.count + 1))
      }
      guard head.count < rest.count else { break }
      lines.append(head)
      rest = String(rest.dropFirst(head.count))
    }
    line = rest
  }
  return line.isEmpty ? lines : lines + [line]
}

/// The style sheet of a chart.
enum ChartStyle {
  static let titleSize = 16.0
  static let textSize = 12.0
  static let tickSize = 11.0

  /// What has a colour, and its shades.
  private static let shades: [(name: String, light: String, dark: String)] = [
    ("ground", "#ffffff", "#11161d"), ("ink", "#1b2026", "#e8ecf1"),
    ("soft", "#5a6470", "#9ca7b4"), ("grid", "#e4e8ec", "#28313b"), ("axis", "#98a2ad", "#586370"),
    ("blue", "#0b62c4", "#5fadff"), ("orange", "#b75500", "#f7a451"),
    ("green", "#1a7d3b", "#4fc46e"), ("red", "#c4221f", "#ff7068"),
    ("purple", "#7a40c8", "#bf97fa"),
  ]

  /// Every rule is bound to the chart, since an SVG that stands inside a page shares its rules with it.
  static let sheet: String = {
    func variables(_ shade: KeyPath<(name: String, light: String, dark: String), String>) -> String
    {
      ".tcptool-chart{" + shades.map { "--\($0.name):\($0[keyPath: shade])" }.joined(separator: ";")
        + "}"
    }
    // The literal colour is for readers of SVG that do not know variables; they ignore the second one.
    let inks = shades.map { shade in
      ".tcptool-chart .\(shade.name){color:\(shade.light);color:var(--\(shade.name))}"
    }
    return
      ([
        variables(\.light), "@media (prefers-color-scheme:dark){\(variables(\.dark))}",
        ".tcptool-chart text{fill:currentColor;font-family:system-ui,-apple-system,'Segoe UI',"
          + "Roboto,'Helvetica Neue','Noto Sans','DejaVu Sans',Arial,sans-serif;"
          + "font-size:\(pixels(textSize))px}",
        ".tcptool-chart .title{font-size:\(pixels(titleSize))px;font-weight:600}",
        ".tcptool-chart .tick{font-size:\(pixels(tickSize))px;font-variant-numeric:tabular-nums}",
        ".tcptool-chart .fill{fill:currentColor}",
        ".tcptool-chart path{fill:none;stroke:currentColor}",
        ".tcptool-chart .line{stroke-width:1.8;stroke-linejoin:round}",
        ".tcptool-chart .dot{stroke-width:4.6;stroke-linecap:round}",
        ".tcptool-chart .mark{stroke-width:1.8}",
        ".tcptool-chart .marker{stroke-width:1.2;stroke-dasharray:5 4}",
      ] + inks).joined(separator: "\n")
  }()
}
