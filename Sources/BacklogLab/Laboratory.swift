// Where experiments are made: each in a private network namespace of its own, where there is one.

internal import SocketCore

/// Whether experiments are made in a private network namespace.
public enum IsolationMode: String, CaseIterable, Hashable, Sendable {
  /// Where the system allows it.
  case auto
  /// Or not at all.
  case always
  case never
}

/// Makes experiments. To be made before the first one, since it remembers the host's settings.
public struct Laboratory: Sendable {
  public let isolation: IsolationMode
  private let host: SettingValues

  /// Reads the settings of this network namespace.
  public init(isolation: IsolationMode = .auto) {
    self.isolation = isolation
    host = SettingValues.read()
  }

  /// Enters a private network namespace of its own that has the host's settings, or stays in this one
  /// where there is none.
  ///
  /// - Parameters:
  ///   - changes: what is set there.
  ///   - needs: what else can be done there alone; nil where nothing is.
  func enter(changes: [SettingChange], needs: String? = nil) throws(LabError) -> Place {
    var surroundings = Surroundings(kernel: .running)
    let network = try isolate(&surroundings)
    if let reason = surroundings.isolationRefused {
      let what = needs ?? changes.first.map { "setting \($0.setting.name)" }
      if let what { throw .needsIsolation(what: what, reason: reason) }
    } else {
      surroundings.notCopied = host.copy(before: changes)
      for change in changes { try change.apply() }
      surroundings.changes = changes
    }
    return Place(surroundings: surroundings, network: network)
  }

  private func isolate(_ surroundings: inout Surroundings) throws(LabError) -> IsolatedNetwork? {
    if isolation == .never {
      surroundings.isolationRefused = "--isolate never"
      return nil
    }
    do throws(IsolationRefusal) {
      let network = try IsolatedNetwork()
      surroundings.isolation = network.means
      return network
    } catch {
      if isolation == .always { throw .isolation(error) }
      surroundings.isolationRefused = error.description
      return nil
    }
  }
}

/// Where an experiment is made; with its end the private network namespace is left.
struct Place: ~Copyable {
  let surroundings: Surroundings
  private let network: IsolatedNetwork?

  init(surroundings: Surroundings, network: consuming IsolatedNetwork?) {
    self.surroundings = surroundings
    self.network = network
  }
}
