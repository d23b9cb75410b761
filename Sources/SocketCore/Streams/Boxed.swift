// An optional value that costs its owner eight bytes where there is none.

/// Keeps a large optional value in a box on the heap, which is made once there is a value. A plain
/// optional takes the room of its value even where it is nil, and a server has ten thousand connections
/// that have not failed, have not ended and are held to no rate.
///
///     @Boxed var error: SystemCallError?
@propertyWrapper
public enum Boxed<Value: Sendable>: Sendable {
  case none
  indirect case some(Value)

  public init() { self = .none }

  public init(wrappedValue: Value?) { self = wrappedValue.map { .some($0) } ?? .none }

  public var wrappedValue: Value? {
    get { if case .some(let value) = self { value } else { nil } }
    set { self = Self(wrappedValue: newValue) }
  }
}
