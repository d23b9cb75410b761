// The rows that came last, to recognise those that the kernel repeats.

internal import SocketCore

/// A set of rows that forgets the oldest, so that its size is bounded.
///
/// Rows are held as seeded 64-bit hashes. That two rows of one table agree in theirs, and one is
/// taken for a repetition, happens once in 10^10 tables of 100,000 rows; a peer cannot provoke it.
struct RecentRows: Sendable {
  /// Rows in each of the two halves.
  static let generation = 8_192

  /// Open addressing with linear probing; 0 is a free place. Twice as many places as rows.
  private var current = [UInt64](repeating: 0, count: 2 * generation)
  /// The full half before `current`; empty until there is one.
  private var previous: [UInt64] = []
  private var count = 0

  /// Adds a row.
  ///
  /// - Parameter pointer: The kernel's hashed pointer; 0 where it shows none.
  /// - Returns: false where the row is there already. The connection, the inode and the pointer
  ///   decide: listeners may share an address, and what moves to another state is still one socket.
  mutating func insert(_ row: SocketRow, pointer: UInt64) -> Bool {
    var hasher = Hasher()
    hasher.combine(row.local)
    hasher.combine(row.peer)
    hasher.combine(row.inode)
    hasher.combine(pointer)
    let hash = max(1, UInt64(bitPattern: Int64(hasher.finalize())))

    if !previous.isEmpty, previous[Self.place(of: hash, in: previous)] == hash { return false }
    let place = Self.place(of: hash, in: current)
    if current[place] == hash { return false }
    current[place] = hash
    count += 1
    if count == Self.generation {
      previous = current
      current = [UInt64](repeating: 0, count: 2 * Self.generation)
      count = 0
    }
    return true
  }

  /// Where the hash is, or would be.
  private static func place(of hash: UInt64, in places: [UInt64]) -> Int {
    let mask = places.count - 1
    var place = Int(truncatingIfNeeded: hash) & mask
    while places[place] != 0 && places[place] != hash { place = (place + 1) & mask }
    return place
  }
}
