// One thing that happened, as it is told: a line for a person and the same facts for a program.

internal import Report
internal import SocketCore

/// What is told of something that happened. A constructor an event, beside the type whose facts it
/// tells (Rendering/), so that a new fact is added to its line and to its JSON in one place.
struct Event: Sendable {
  /// For whom the line is.
  enum Audience: Sendable {
    /// Everybody who did not ask for silence.
    case all
    /// Those who asked for more, and a person who watches.
    case curious
    /// Only programs: the line would say what others say already.
    case programs
    /// Everybody, in silence as well: why it fails, and answers, which an option asked for. An answer
    /// that is lost makes the program fail.
    case everybody
  }

  /// The event's name in JSON, `connected`; nil for a line that tells a program nothing new.
  var name: String?
  /// One or more lines.
  var text: String
  var audience: Audience
  /// The facts, in order; what is unknown is null.
  var fields: [(String, JSONValue)]
  /// How many blanks stand before the rest of a line that is too long for a terminal.
  var indent: Int

  init(
    _ name: String?, _ text: String, for audience: Audience = .all, indent: Int = 2,
    _ fields: [(String, JSONValue)] = []
  ) {
    self.name = name
    self.text = text
    self.audience = audience
    self.fields = fields
    self.indent = indent
  }
}

extension Event {
  /// Why the program ends with this status.
  static func failed(_ failure: Failure) -> Event {
    Event(
      "error", "Error: \(failure.message)", for: .everybody, indent: 7,
      [
        ("status", .init(failure.status.rawValue)), ("class", .init(failure.status.name)),
        ("message", .init(failure.message)),
      ])
  }

  /// A failure that ends one connection of several, and not the program.
  static func connectionFailed(_ failure: Failure, connection: Int) -> Event {
    Event(
      "connection_error", tag(connection) + failure.message,
      [
        ("connection", .init(connection)), ("status", .init(failure.status.rawValue)),
        ("class", .init(failure.status.name)), ("message", .init(failure.message)),
      ])
  }

  /// Something to be known that is no event of a connection.
  static func note(_ text: String, for audience: Audience = .all) -> Event {
    Event("note", text, for: audience, [("message", .init(text))])
  }
}

extension JSONValue {
  /// Whole nanoseconds.
  init(nanoseconds duration: Duration?) { self.init(duration.map { $0.nanoseconds }) }

  /// Whole microseconds, which is what the kernel counts in.
  init(microseconds duration: Duration?) {
    self.init(duration.map { $0.nanoseconds / 1_000 })
  }
}
