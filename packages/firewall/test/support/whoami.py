"""serve PORT: tells every TCP client its address. ask ADDRESS PORT SECONDS [SOURCE [MARK]]: prints what it was told."""
import socket
import sys

SO_MARK = 36


def serve(port):
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        print("listening", flush=True)
        while True:
            client, peer = server.accept()
            with client:
                client.sendall(peer[0].removeprefix("::ffff:").encode())


def ask(address, port, seconds, source=None, mark="0"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(float(seconds))
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark, 0))
        if source:
            sock.bind((source, 0))
        sock.connect((address, port))
        print(sock.recv(100).decode())


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    ask(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
