// A chart as plain values: what is drawn, apart from how.

/// One or more panels over a common horizontal axis; `svg` draws it.
///
/// Each panel has a vertical axis of its own: quantities in different units stand above each other
/// instead of sharing a plot with two scales.
public struct Chart: Sendable {
  /// What the chart shows; may hold text from outside.
  public var title: String
  /// The settings under which it was measured, and what else is to be known; empty for none.
  public var subtitle: String
  public var x: Axis
  /// From top to bottom, at least one.
  public var panels: [Panel]
  /// Vertical lines through all panels, each with its label above them.
  public var markers: [Marker]
  /// In pixels. The height grows where the panels would otherwise be too low to be read.
  public var width: Double
  public var height: Double

  public init(
    title: String, subtitle: String = "", x: Axis, panels: [Panel], markers: [Marker] = [],
    width: Double = 720, height: Double = 400
  ) {
    precondition(!panels.isEmpty, "a chart needs a panel")
    self.title = title
    self.subtitle = subtitle
    self.x = x
    self.panels = panels
    self.markers = markers
    self.width = width
    self.height = height
  }

  /// A scale and its texts.
  public struct Axis: Sendable {
    public enum Scale: Sendable {
      case linear
      /// Has a place for 0 too, beside the smallest number: a queue of 0 is no error. What is below
      /// is not drawn.
      case logarithmic
    }

    /// The quantity; empty for none.
    public var title: String
    public var scale: Scale
    /// Values that the axis has to reach beside those that are drawn, as 0 for quantities.
    public var covered: [Double]
    /// Whether only whole numbers exist, so that there is nothing to mark between them.
    public var isWhole: Bool
    /// The text of a tick.
    public var label: @Sendable (Double) -> String

    public init(
      _ title: String, _ scale: Scale = .linear, covering covered: [Double] = [],
      isWhole: Bool = false, label: @escaping @Sendable (Double) -> String
    ) {
      self.title = title
      self.scale = scale
      self.covered = covered
      self.isWhole = isWhole
      self.label = label
    }

    /// An axis of numbers of things.
    public static func count(
      _ title: String, _ scale: Scale = .linear, covering covered: [Double] = []
    ) -> Axis {
      Axis(title, scale, covering: covered, isWhole: true) { Units.count(Int($0.rounded())) }
    }
  }

  /// A plot with a vertical axis of its own.
  public struct Panel: Sendable {
    public var y: Axis
    public var series: [Series]
    /// Horizontal lines, each with its label at its right end.
    public var markers: [Marker]
    /// How high the plot is against those of the other panels.
    public var share: Double

    public init(y: Axis, series: [Series], markers: [Marker] = [], share: Double = 1) {
      self.y = y
      self.series = series
      self.markers = markers
      self.share = share
    }
  }

  /// Values that belong together.
  public struct Series: Sendable {
    public enum Shape: Sendable {
      /// Straight from point to point; interrupted where a point has no y.
      case line
      /// Each value holds until the next point; interrupted where a point has no y.
      case steps
      /// A mark for each point. Points that have no y are in a strip below all values.
      case points(Mark)
    }

    /// Told apart without colour.
    public enum Mark: Sendable { case dot, ring, cross }

    /// For the legend, which is drawn where there are several; empty leaves it out there.
    public var name: String
    public var shape: Shape
    public var ink: Ink
    public var points: [Point]

    public init(_ name: String, _ shape: Shape, _ ink: Ink, _ points: [Point]) {
      self.name = name
      self.shape = shape
      self.ink = ink
      self.points = points
    }
  }

  /// A place in a plot. What is not finite, or beyond 1e100, is not drawn.
  public struct Point: Sendable, Hashable {
    public var x: Double
    /// nil where there is nothing that could be measured.
    public var y: Double?

    public init(_ x: Double, _ y: Double?) {
      self.x = x
      self.y = y
    }
  }

  /// A line across at one value.
  public struct Marker: Sendable {
    public var value: Double
    public var label: String
    public var ink: Ink

    public init(_ value: Double, _ label: String, _ ink: Ink = .soft) {
      self.value = value
      self.label = label
      self.ink = ink
    }
  }

  /// The colours of what is drawn; each has two shades, for a light ground and for a dark one.
  public enum Ink: String, CaseIterable, Sendable {
    /// For what is beside the point: limits, percentiles.
    case soft
    case blue, orange, green, red, purple
  }
}
