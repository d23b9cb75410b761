// posix_spawn with what a test needs: the standard streams, the environment, clean signals and a
// process group of its own.

import Foundation
import Glibc
import Synchronization

/// What one of the three standard streams of a child is.
enum StandardStream {
  case descriptor(Int32)
  case open(String, flags: Int32)
  case closed
}

/// Starts a program.
///
/// The child has default signal dispositions, an empty signal mask and no descriptor above 2, as a
/// shell would start it.
///
/// - Parameters:
///   - arguments: The words; the first is looked up in `PATH`.
///   - environment: Variables that are added to this process's own.
///   - directory: The working directory; `nil` for this process's own.
///   - streams: Standard input, output and error, in this order.
/// - Returns: The process id, which is also the id of its process group.
/// - Throws: `TestFailure` when it cannot be started.
func spawn(
  _ arguments: [String], environment: [String: String], directory: String?,
  streams: [StandardStream]
) throws(TestFailure) -> pid_t {
  var actions = unsafe posix_spawn_file_actions_t()
  unsafe posix_spawn_file_actions_init(&actions)
  defer { unsafe posix_spawn_file_actions_destroy(&actions) }
  for (number, stream) in zip(Int32(0)..., streams) {
    switch stream {
    case .descriptor(let descriptor):
      unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
    case .open(let path, let flags):
      unsafe posix_spawn_file_actions_addopen(&actions, number, path, flags, 0o600)
    case .closed:
      unsafe posix_spawn_file_actions_addclose(&actions, number)
    }
  }

  var attributes = posix_spawnattr_t()
  unsafe posix_spawnattr_init(&attributes)
  defer { unsafe posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  unsafe sigemptyset(&signals)
  unsafe posix_spawnattr_setsigmask(&attributes, &signals)
  unsafe sigfillset(&signals)
  unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
  unsafe posix_spawnattr_setpgroup(&attributes, 0)
  unsafe posix_spawnattr_setflags(
    &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

  let variables = ProcessInfo.processInfo.environment.merging(environment) { _, added in added }
  // The file action that changes the directory is invisible to Swift.
  let command = directory.map { ["env", "-C", $0] + arguments } ?? arguments
  var words = unsafe command.map { unsafe strdup($0) } + [nil]
  var assignments = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
  defer { unsafe (words + assignments).forEach { unsafe free($0) } }

  guard let program = unsafe words[0] else { throw TestFailure("cannot start an empty command") }
  var pid: pid_t = 0
  let code = spawning.withLock { _ in
    for number in openDescriptors() where number > 2 {
      unsafe posix_spawn_file_actions_addclose(&actions, number)
    }
    return unsafe posix_spawnp(&pid, program, &actions, &attributes, &words, &assignments)
  }
  guard code == 0 else { throw TestFailure("cannot start \(command): \(errorText(code))") }
  return pid
}

/// The numbers of this process's open descriptors.
private func openDescriptors() -> [Int32] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
  return names.compactMap { Int32($0) }
}
