{
  "targets": [
    {
      "target_name": "flannel_native",
      "sources": [
        "addon/addon.cc",
        "addon/bpf.cc",
        "addon/bpf_loader.cc",
        "addon/js_error.cc",
        "addon/namespace.cc",
        "addon/netlink_port.cc",
        "addon/notify.cc",
        "addon/signal_mask.cc",
        "addon/tunnel/admission.cc",
        "addon/tunnel/batch.cc",
        "addon/tunnel/binding.cc",
        "addon/tunnel/checksum.cc",
        "addon/tunnel/coalescer.cc",
        "addon/tunnel/endpoint.cc",
        "addon/tunnel/epochs.cc",
        "addon/tunnel/icmp.cc",
        "addon/tunnel/ip_header.cc",
        "addon/tunnel/lane.cc",
        "addon/tunnel/mergeable.cc",
        "addon/tunnel/packet_threads.cc",
        "addon/tunnel/raw_socket.cc",
        "addon/tunnel/receive_buffer.cc",
        "addon/tunnel/receiver.cc",
        "addon/tunnel/records.cc",
        "addon/tunnel/route_table.cc",
        "addon/tunnel/segmenter.cc",
        "addon/tunnel/send_queue.cc",
        "addon/tunnel/traffic_class.cc",
        "addon/tunnel/transmitter.cc",
        "addon/tunnel/tun_device.cc",
        "addon/tunnel/udp_socket.cc",
        "addon/tunnel/underlay.cc",
        "addon/tunnel/unfinished.cc",
        "addon/tunnel/writer.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "addon"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS"],
      "cflags": ["-Wall", "-Wextra", "-Wno-cast-function-type"],
      "cflags_cc": ["-std=c++20", "-O3", "-fexceptions", "-fvisibility=hidden"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"]
    }
  ]
}
