"""serve PORT: tells every TCP client its address. ask PORT SECONDS QUERY...: prints a line for each answer, where a
query is ADDRESS,SOURCE,MARK; "nobody" when none comes."""
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


def ask(port, seconds, address, source, mark):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        sock.setsockopt(socket.SOL_SOCKET, SO_MARK, int(mark, 0))
        if source:
            sock.bind((source, 0))
        try:
            sock.connect((address, port))
            return sock.recv(100).decode()
        except TimeoutError:
            return "nobody"


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    for query in sys.argv[4:]:
        print(ask(int(sys.argv[2]), float(sys.argv[3]), *query.split(",")))
