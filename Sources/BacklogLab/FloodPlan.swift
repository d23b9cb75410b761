// What the experiment will do, decided before anything is opened.

internal import SocketCore

/// A flood of connects against an own listener.
public struct FloodPlan: Hashable, Sendable {
  /// The backlog to be handed to listen(2), as it is.
  public var asked: Int32
  /// How many clients connect.
  public var connects: Int
  /// When to look, counted from the first connect. Dropped SYNs are sent again after 1 s, and from
  /// then on nothing is as it was.
  public var snapshotDelay = Duration.milliseconds(500)

  /// Enough connects to overflow the queue that is expected, by an eighth or by 32, whichever is more.
  public init(asked: Int32, settings: QueueSettings) {
    let backlog = QueueRules.effectiveBacklog(asked: asked, somaxconn: settings.somaxconn)
    self.asked = asked
    connects = QueueRules.acceptQueueCapacity(backlog: backlog) + max(32, backlog / 8)
  }

  /// Descriptors that a flood needs beyond its clients: the listener, the standard ones, the tables
  /// that are read, and room for what the program was started with.
  private static let spareDescriptors = 64

  /// - Throws: where this process may not have that many descriptors, or the host that many ports.
  public func check(descriptorLimit: Int, ephemeralPorts: Int?) throws(LabError) {
    let needed = connects + Self.spareDescriptors
    if needed > descriptorLimit {
      throw .descriptorLimit(needed: needed, limit: descriptorLimit)
    }
    if let ephemeralPorts, connects > ephemeralPorts {
      throw .ephemeralPorts(needed: connects, available: ephemeralPorts)
    }
  }
}
