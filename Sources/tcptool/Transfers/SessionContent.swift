// What becomes of the data of a session beyond its being moved.

internal import SocketCore

/// Looks at the data of one connection, and has the last word on it.
protocol SessionContent: AnyObject {
  /// Whether it has to see the bytes; if not, they may take a way on which nobody does.
  var seesBytes: Bool { get }
  func take(_ direction: RelayDirection, _ bytes: Span<UInt8>)
  /// `RelayDriver.Acceptance`.
  func accepts(_ direction: RelayDirection, _ count: Int) -> Bool
  /// How many bytes may be received; nil is any number.
  var budget: ByteBudget? { get }
  /// How many bytes may be sent; nil is any number.
  var sendBudget: ByteBudget? { get }
  /// Why the data was refused.
  var refusal: Failure? { get }
  /// Takes in how many bytes have come to the local output.
  func note(received count: Int)
  /// Whether the session is a success whatever may still happen to the connection.
  var isSettled: Bool { get }
  /// The failure of a session, with what it means for the data.
  func explained(_ failure: Failure) -> Failure
}

extension SessionContent {
  var budget: ByteBudget? { nil }
  var sendBudget: ByteBudget? { nil }
  var isSettled: Bool { false }
  func note(received count: Int) {}
  func explained(_ failure: Failure) -> Failure { failure }
}
