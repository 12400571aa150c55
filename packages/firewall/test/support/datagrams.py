"""listen PORT: prints "FROM PORT TEXT" for every UDP datagram. send TO PORT FROM_PORT BYTES TEXT: sends one. forge SOURCE
TO PORT TEXT: sends one in the name of another IPv4 host, as a container with CAP_NET_RAW can."""
import socket
import struct
import sys


def listen(port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::", port))
        print("listening", flush=True)
        while True:
            data, (address, source, *_) = sock.recvfrom(65535)
            print(address.removeprefix("::ffff:"), source, text_of(data), flush=True)


def text_of(data):
    """What follows the header of VXLAN, if there is one, up to the padding."""
    return data[8 if data[0] == 8 else 0 :].rstrip(b".").decode()


def payload(text, size=0):
    """VNI/TEXT is a text behind a header of VXLAN."""
    if "/" not in text:
        return text.encode().ljust(size, b".")
    vni, inner = text.split("/")
    return struct.pack("!II", 8 << 24, int(vni) << 8) + inner.encode()


def send(to, port, source, size, text):
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind(("", source))
        sock.sendto(payload(text, size), (to, port))


def forge(source, to, port, text):
    data = payload(text)
    udp = struct.pack("!HHHH", port, port, 8 + len(data), 0) + data
    addresses = socket.inet_aton(source) + socket.inet_aton(to)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + addresses
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(header + udp, (to, 0))


match sys.argv[1:]:
    case ["listen", port]:
        listen(int(port))
    case ["send", to, port, source, size, text]:
        send(to, int(port), int(source), int(size), text)
    case ["forge", source, to, port, text]:
        forge(source, to, int(port), text)
