"""The other end of a connection, and the sockets that `states` finds: threads beside the program."""

import random
import select
import socket
import threading
import time

PATIENCE = 60


def data(size, seed=1):
    """Bytes that repeat nowhere, so that a lost or doubled piece is seen."""
    return random.Random(seed).randbytes(size)


class Exchange:
    """What one connection brought, and how it ended: 'end', 'reset' or 'time'."""

    def __init__(self):
        self.received = b""
        self.ending = None


def exchange(connection, sent, piece=65536, pause=0.0, answers=None):
    """Sends, half-closes, and receives until the end. `answers` computes what is sent at the end."""
    result = Exchange()
    pieces, rest, open_ = [], memoryview(sent), True
    limit = time.monotonic() + PATIENCE
    connection.setblocking(False)
    try:
        if not rest and answers is None:
            connection.shutdown(socket.SHUT_WR)
            open_ = False
        while result.ending is None:
            if time.monotonic() > limit:
                result.ending = "time"
                break
            writable = [connection] if rest else []
            readable, writable, _ = select.select([connection], writable, [], 1)
            if writable:
                rest = rest[connection.send(rest[:piece]) :]
                if pause:
                    time.sleep(pause)
                if not rest and answers is None:
                    connection.shutdown(socket.SHUT_WR)
                    open_ = False
            if readable:
                piece_ = connection.recv(1 << 18)
                pieces.append(piece_)
                if not piece_:
                    result.ending = "end"
    except (ConnectionError, TimeoutError, OSError):
        result.ending = "reset"
    result.received = b"".join(pieces)
    connection.close()
    return result


class Peer:
    """A thread that talks to the program, and its results."""

    def __init__(self, talk):
        self.exchanges = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(talk,), daemon=True)

    def run(self, talk):
        talk(self)

    def start(self):
        self.thread.start()

    def finish(self):
        """To be called when the program has ended."""
        self.over.set()
        self.thread.join(PATIENCE)
        return not self.thread.is_alive()

    def connect(self, port, family=socket.AF_INET):
        """Tries until something listens, or the program is over: then nil."""
        host = "127.0.0.1" if family == socket.AF_INET else "::1"
        while True:
            isOver = self.over.is_set()
            connection = socket.socket(family)
            try:
                connection.connect((host, port))
                return connection
            except OSError:
                connection.close()
            if isOver:
                return None
            time.sleep(0.002)

    def accept(self, listener):
        """Waits for a connection, or for the end of the program: then nil."""
        while True:
            isOver = self.over.is_set()
            if select.select([listener], [], [], 0.02)[0]:
                return listener.accept()[0]
            if isOver:
                return None


def client(port, *sent, **options):
    """Connects as often as there is something to send, one connection after the other."""

    def talk(peer):
        for bytes_ in sent:
            connection = peer.connect(port)
            if connection is None:
                return
            peer.exchanges.append(exchange(connection, bytes_, **options))

    return Peer(talk)


def server(port, *sent, **options):
    """Listens already when this returns, and takes as many connections."""
    listener = listening(port)

    def talk(peer):
        for bytes_ in sent:
            connection = peer.accept(listener)
            if connection is None:
                break
            peer.exchanges.append(exchange(connection, bytes_, **options))
        listener.close()

    return Peer(talk)


def listening(port, family=socket.AF_INET, backlog=16):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", port))
    listener.listen(backlog)
    return listener


class Standing:
    """Sockets that do nothing, for `states`: two listeners, a queued connection and an accepted one."""

    def __init__(self, port):
        self.sockets = [listening(port), listening(port + 1, socket.AF_INET6)]
        for _ in range(2):
            connection = socket.create_connection(("127.0.0.1", port))
            self.sockets.append(connection)
        accepted = self.sockets[0].accept()[0]
        accepted.send(b"12345")
        self.sockets.append(accepted)

    def close(self):
        for one in self.sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.close()
