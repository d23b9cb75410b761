// OpenMetrics text: families of samples with labels, for Prometheus and what reads the same format.
// https://prometheus.io/docs/specs/om/open_metrics_spec/

/// Samples of one name.
public struct MetricFamily: Sendable {
  /// The type of a metric, by its name in the text.
  public enum Kind: String, Sendable {
    /// A level that rises and sinks.
    case gauge
    /// What only rises, until what it counts for begins anew.
    case counter
  }

  /// One value, and what it is of.
  public struct Sample: Sendable {
    /// In the order in which they are written. No two samples of a family may have the same.
    public var labels: [(name: String, value: String)]
    public var value: Double

    public init(_ labels: [(name: String, value: String)], _ value: Double) {
      self.labels = labels
      self.value = value
    }
  }

  /// Letters, digits and `_`, without `_total`; a unit is its last word.
  public var name: String
  public var kind: Kind
  public var unit: String?
  /// A sentence.
  public var help: String
  public var samples: [Sample]

  public init(
    _ name: String, _ kind: Kind, unit: String? = nil, help: String, samples: [Sample]
  ) {
    self.name = name
    self.kind = kind
    self.unit = unit
    self.help = help
    self.samples = samples
  }
}

extension OutputBuffer {
  /// Adds a whole exposition, to its last line. A family without samples is left out.
  ///
  /// What has the older format of Prometheus to read can read this, too: there the lines that it does
  /// not know are comments, and a counter has no type.
  public mutating func metrics(_ families: [MetricFamily]) throws(OutputError) {
    for family in families where !family.samples.isEmpty {
      try line("# TYPE \(family.name) \(family.kind.rawValue)")
      if let unit = family.unit { try line("# UNIT \(family.name) \(unit)") }
      try line("# HELP \(family.name) \(escaped(family.help))")
      let name = family.kind == .counter ? family.name + "_total" : family.name
      for sample in family.samples {
        let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
        let list = labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}"
        try line("\(name)\(list) \(number(sample.value))")
      }
    }
    try line("# EOF")
  }
}

/// A value of a label, and a help text: a line feed, a quotation mark or a backslash would end it.
private func escaped(_ text: String) -> String {
  var safe = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\\": safe += "\\\\"
    case "\"": safe += "\\\""
    case "\n": safe += "\\n"
    default: safe.unicodeScalars.append(scalar)
    }
  }
  return safe
}

/// Whole numbers without a point.
private func number(_ value: Double) -> String {
  if let whole = Int64(exactly: value) { return String(whole) }
  if value.isNaN { return "NaN" }
  return value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : value.description
}
