"""Servers that throw away what their clients send, of every kind that is compared."""

import contextlib
import dataclasses
import os
import sys

import network
import programs

PYTHON = """
import asyncio, sys
class Discard(asyncio.Protocol):
    pass
async def serve():
    server = await asyncio.get_running_loop().create_server(
        Discard, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()
asyncio.run(serve())
"""

NGINX = """
daemon off; master_process off; user root root; pid DIRECTORY/nginx.pid; error_log /dev/null crit;
worker_rlimit_nofile 20000;
events { worker_connections CONNECTIONS; }
http {
    access_log off; client_header_timeout 600s;
    client_body_temp_path DIRECTORY/a; proxy_temp_path DIRECTORY/b; fastcgi_temp_path DIRECTORY/c;
    uwsgi_temp_path DIRECTORY/d; scgi_temp_path DIRECTORY/e;
    server { listen 127.0.0.1:PORT backlog=4096; return 204; }
}
"""


@dataclasses.dataclass(frozen=True)
class Server:
    """A kind of server. One that is for few connections has a process for each of them, or select(2)."""

    name: str
    command: list
    needs: str
    is_for_few: bool = False
    floor: bool = False

    @contextlib.contextmanager
    def running(self, bench, connections):
        """Runs it on a port of its own."""
        port = network.free_port()
        configuration = os.path.join(bench.directory, "nginx.conf")
        words = {"PORT": str(port), "DIRECTORY": bench.directory, "CONNECTIONS": str(connections + 16),
                 "CONFIGURATION": configuration}

        def filled(text):
            for word, meant in words.items():
                text = text.replace(word, meant)
            return text

        with open(configuration, "w") as file:
            file.write(filled(NGINX))
        program = programs.Program([filled(word) for word in self.command])
        try:
            network.await_listener(program, port)
            yield program, port
        finally:
            program.stop()


def servers(bench):
    """tcptool's and the others."""
    bare = bench.bare("serve")
    return [
        Server("tcptool", [bench.tool, "listen", "127.0.0.1", "PORT", "--keep-open", "--discard", "-q"],
               bench.tool),
        Server("nginx", ["nginx", "-p", "DIRECTORY", "-c", "CONFIGURATION"], "nginx"),
        Server("python asyncio", [sys.executable, "-c", PYTHON, "PORT"], sys.executable),
        Server("`ncat -k`", ["ncat", "-k", "-l", "-m", "1000", "--recv-only", "127.0.0.1", "PORT"], "ncat",
               is_for_few=True),
        Server("socat, a fork each", [
            "socat", "-u", "TCP-LISTEN:PORT,bind=127.0.0.1,reuseaddr,fork,backlog=4096",
            "OPEN:/dev/null"], "socat", is_for_few=True),
        Server("server in C", [bare, "PORT"], bare or "cc", floor=True),
    ]


def needs(bench, server):
    """What has to be there to measure it: the clients are compiled."""
    return server.needs if bench.bare("clients") else "cc"
