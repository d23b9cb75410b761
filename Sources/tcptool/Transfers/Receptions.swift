// The data of many connections that are received at once.

internal import SocketCore

/// How each connection gets its file.
struct ReceivedFiles: Sendable {
  var name: OutputName
  var replaces: Bool
  var isDurable: Bool

  func open(_ number: Int, _ peer: Endpoint) throws(SystemCallError) -> NewFile {
    // Other connections and signals would wait too for somebody who reads a FIFO.
    try NewFile(
      name.name(number, peer), replaces: replaces, isDurable: isDurable, waitsForReader: false)
  }
}

/// Holds what looks at the data of each connection as long as that is open.
final class Receptions: StreamContents {
  private var contents: [Int: ReceivedContent] = [:]
  private let narrator: Narrator
  private let make: (Int, Endpoint) -> ReceivedContent

  init(_ narrator: Narrator, make: @escaping (Int, Endpoint) -> ReceivedContent) {
    self.narrator = narrator
    self.make = make
  }

  func begin(_ number: Int, _ peer: Endpoint) { contents[number] = make(number, peer) }

  func content(of number: Int) -> (any SessionContent)? { contents[number] }

  func end(_ number: Int, isWell: Bool = true) { contents.removeValue(forKey: number)?.tell() }

  /// What the server does for each connection.
  ///
  /// - Parameters:
  ///   - sees: whether the bytes have to be seen.
  ///   - files: where the data goes; nil where it goes to no file.
  func hooks(sees: Bool, _ files: ReceivedFiles?) -> ServeHooks {
    var hooks = ServeHooks()
    if sees {
      hooks.tap = { [self] number, direction, bytes in contents[number]?.take(direction, bytes) }
    }
    hooks.accepts = { [self] number, direction, count in
      contents[number]?.accepts(direction, count) ?? true
    }
    hooks.budget = { [self] number in contents[number]?.budget }
    if let files {
      hooks.output = { [self] number, peer throws(SystemCallError) in
        let file = try files.open(number, peer)
        return contents[number]?.open(file) ?? .discarding()
      }
    }
    return hooks
  }
}
