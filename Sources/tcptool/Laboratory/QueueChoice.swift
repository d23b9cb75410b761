// Which of a listener's queues is filled, as an option has it.

internal import BacklogLab
internal import CommandSpec

/// `--queue`.
enum QueueChoice: String, CaseIterable, ArgumentValue {
  case accept, syn, both

  var queues: [QueueKind] {
    switch self {
    case .accept: [.accept]
    case .syn: [.syn]
    case .both: [.accept, .syn]
    }
  }
}
