"""listen: prints the text of every UDP datagram to port 7777. FORMAT TO PORT FROM_PORT SOURCE DESTINATION MAC TEXT: sends,
by an ordinary UDP socket, what a host would send to carry a datagram from one container to another."""
import socket
import struct
import sys

PORT = 7777


def listen():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", PORT))
        print("listening", flush=True)
        while True:
            print(sock.recv(2048).decode(), flush=True)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(source, destination, text):
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(text), 0) + text
    addresses = socket.inet_aton(source) + socket.inet_aton(destination)

    def header(check):
        fields = (0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, check)
        return struct.pack("!BBHHHBBH", *fields) + addresses

    return header(checksum(header(0))) + udp


def send(form, to, port, from_port, source, destination, mac, text):
    data = packet(source, destination, text.encode())
    if form == "vxlan":
        ethernet = bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000099") + b"\x08\x00"
        data = struct.pack("!II", 8 << 24, 1 << 8) + ethernet + data
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", int(from_port)))
        sock.sendto(data, (to, int(port)))


if sys.argv[1] == "listen":
    listen()
else:
    send(*sys.argv[1:])
