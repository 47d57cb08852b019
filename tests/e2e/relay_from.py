#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Relays connections to a port of 127.0.0.1 from a chosen source address, for clients that cannot
bind to one.  Usage: relay_from.py SOURCE-ADDRESS PORT; prints its own port."""
import socket
import sys
import threading


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        server = socket.create_connection(
            ("127.0.0.1", int(sys.argv[2])), source_address=(sys.argv[1], 0)
        )
        for ends in ((client, server), (server, client)):
            threading.Thread(target=pump, args=ends, daemon=True).start()


main()
