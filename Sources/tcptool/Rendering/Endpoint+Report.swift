// An endpoint as JSON.

internal import Report
internal import SocketCore

extension Endpoint {
  var json: JSONValue { ["address": .init(address.description), "port": .init(port)] }
}
