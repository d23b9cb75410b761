// What a fuzzer finds.

/// Ends the program where something does not hold, so that libFuzzer keeps the input.
func check(_ holds: Bool, _ message: @autoclosure () -> String) {
  if !holds { fatalError(message()) }
}
