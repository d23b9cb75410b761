// The name of a file for each of many connections: --output 'in-%n-%a-%p'.

internal import CommandSpec
internal import SocketCore

/// A name with places for what differs from connection to connection.
struct OutputName: Sendable {
  private enum Piece {
    case text(String)
    case number, address, port
  }

  private var pieces: [Piece] = []

  /// Reads `%n` (the connection's number), `%a` and `%p` (the peer's address and port) and `%%`.
  init(_ template: String) throws(UsageError) {
    var text = ""
    var rest = template[...]
    while let character = rest.popFirst() {
      guard character == "%" else {
        text.append(character)
        continue
      }
      let piece: Piece
      switch rest.popFirst() {
      case "n": piece = .number
      case "a": piece = .address
      case "p": piece = .port
      case "%":
        text.append("%")
        continue
      case let other:
        throw UsageError(
          "'%\(other.map { String($0) } ?? "")' in '--output \(template)' stands for nothing. With "
            + "--keep-open there are %n (number), %a (the peer's address), %p (its port) and %%.")
      }
      pieces += [.text(text), piece]
      text = ""
    }
    pieces.append(.text(text))
  }

  /// Whether no two connections get the same name.
  var isUnique: Bool { pieces.contains { if case .number = $0 { true } else { false } } }

  /// The name of the first connection's file, where it does not depend on who connects.
  var first: String? {
    let dependsOnPeer = pieces.contains { piece in
      switch piece {
      case .address, .port: true
      case .text, .number: false
      }
    }
    return dependsOnPeer ? nil : name(1, Endpoint(.v4(.any), 0))
  }

  func name(_ number: Int, _ peer: Endpoint) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .number: String(number)
      case .address: "\(peer.address)"
      case .port: String(peer.port)
      }
    }.joined()
  }
}
