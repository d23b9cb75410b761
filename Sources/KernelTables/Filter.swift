// Which rows of the socket table are wanted: the filter as a whole.

public import SocketCore

/// An expression that chooses sockets.
///
/// The language is ss(8)'s with shorter forms beside it; `FilterParser` describes it. A fact that is
/// not known (the owner of another user's socket, the user of a TIME_WAIT) makes an answer unknown, and
/// what is unknown never matches: neither does `not` of it. But `port=80 or pid=5` is true of port
/// 80 whoever the owner is.
public struct Filter: Hashable, Sendable {
  /// What an answer can depend on besides the row itself.
  public struct Needs: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// TCP_INFO: the round-trip time or the retransmissions.
    public static let info = Self(rawValue: 1)
    /// Which processes hold the socket.
    public static let owners = Self(rawValue: 2)
  }

  let expression: FilterExpression
  /// What has to be found out besides the rows for all answers to be known.
  public let needs: Needs
  /// What the kernel can leave out by itself.
  public let selection: SockDiagSelection

  init(_ expression: FilterExpression) {
    self.expression = expression
    needs = Self.needs(of: expression)
    selection = SockDiagSelection(covering: expression)
  }

  /// The names of states to offer: the kernel's, and those for several.
  public static var stateNames: [String] { FilterWords.stateNames }

  /// Every socket.
  public static let everything = Filter(.all([]))

  /// Whether no socket is left out.
  var isEverything: Bool { self == .everything }

  /// Reads an expression; one without words stands for every socket. Names of services and users are
  /// looked up on this machine.
  ///
  /// Time and room are linear in the length. Parentheses may be nested
  /// `FilterParser.deepest` times.
  public init(parsing text: String) throws(FilterError) {
    try self.init(parsing: text, names: .system)
  }

  /// The same with other sources of names.
  public init(parsing text: String, names: FilterNames) throws(FilterError) {
    do throws(FilterMistake) {
      var parser = FilterParser(try FilterLexer.tokens(of: text), names)
      self.init(try parser.parse())
    } catch {
      throw FilterError(expression: text, range: error.range, message: error.message)
    }
  }

  /// What is to be said about one socket.
  public func answer(about subject: some FilterSubject) -> FilterAnswer {
    expression.answer(about: subject)
  }

  /// Whether the socket is one of those that are wanted.
  public func matches(_ subject: some FilterSubject) -> Bool { answer(about: subject) == .yes }

  /// The sockets of this filter that are in one of the states.
  public func restricted(to states: Set<TCPState>) -> Filter {
    Filter(.all([.test(.state(states)), expression]))
  }

  private static func needs(of expression: FilterExpression) -> Needs {
    switch expression {
    case .all(let parts), .any(let parts): parts.reduce([]) { $0.union(needs(of: $1)) }
    case .not(let part): needs(of: part)
    case .test(.roundTripTime), .test(.retransmissions): .info
    case .test(.process), .test(.processName): .owners
    case .test: []
    }
  }
}
